"""Parameters of lists that are read by the page."""

from typing import Annotated

from litestar.params import QueryParameter

PageNumber = Annotated[int, QueryParameter(ge=1, le=1_000_000, description="Which page, from 1.")]
PerPage = Annotated[int, QueryParameter(ge=1, le=200, description="Entries to a page.")]
