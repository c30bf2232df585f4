"""Query parameters of lists with pages."""

from typing import Annotated

from litestar.params import QueryParameter

PageNumber = Annotated[int, QueryParameter(ge=1, le=1_000_000, description="Number of the page, from 1.")]
PerPage = Annotated[int, QueryParameter(ge=1, le=200, description="Entries per page.")]
