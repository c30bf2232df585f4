"""Query parameters for a period."""

from typing import Annotated

from litestar.params import QueryParameter

from shared.moments import Moment

Since = Annotated[Moment | None, QueryParameter(description="Start of the period, inclusive.")]
Until = Annotated[Moment | None, QueryParameter(description="End of the period, exclusive.")]
