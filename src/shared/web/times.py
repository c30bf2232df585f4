"""Times as parameters."""

from typing import Annotated

from litestar.params import QueryParameter

from shared.moments import Moment

Since = Annotated[Moment | None, QueryParameter(description="From this time on.")]
Until = Annotated[Moment | None, QueryParameter(description="Before this time.")]
