"""`/metrics` for Prometheus. Not in the schema: it is for the operator, in Prometheus's own format."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from shared.observability.page import MEDIA_TYPE, MetricsPage
from shared.web.guards import OPEN, bearer

Page = NamedDependency[SkipValidation[MetricsPage]]


@get("/metrics", operation_id="get_metrics", opt=OPEN, include_in_schema=False)
async def metrics(request: Request[Any, Any, Any], metrics_page: Page) -> Response[bytes]:
    """Get the counters of this process and the gauges of the whole app."""
    return Response(await metrics_page.read(bearer(request.scope)), media_type=MEDIA_TYPE)
