"""The metrics page for Prometheus, protected by a token."""

import hmac
from collections.abc import Callable
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from shared.errors import NotFound, Unauthenticated
from shared.observability.gauges import Gauges
from shared.observability.metrics import Metrics
from shared.settings import Secret

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class MetricsOff(NotFound):
    code = "metrics_off"

    def __init__(self) -> None:
        super().__init__("Metrics are off: set TRACKERS_METRICS_TOKEN and send it as 'Authorization: Bearer ...'.")


class MetricsPage:
    """Counters of this process; with `gauges`, also the state of the whole app."""

    def __init__(
        self,
        *,
        token: Secret | None,
        metrics: Metrics,
        engine: AsyncEngine,
        gauges: Callable[[], Gauges] | None = None,
    ) -> None:
        self._token = token
        self._metrics = metrics
        self._engine = engine
        self._gauges = gauges

    async def read(self, given: str | None) -> bytes:
        """The page as text. Raises MetricsOff if no token is set, Unauthenticated if the given one is wrong."""
        if not self._token:
            raise MetricsOff
        # Compared in constant time, also without a given token, so that timing reveals nothing about the length.
        if not hmac.compare_digest((given or "").encode(), self._token.reveal().encode()):
            raise Unauthenticated("This endpoint needs TRACKERS_METRICS_TOKEN: send it as 'Authorization: Bearer ...'.")
        if self._gauges is not None:
            await self._gauges().refresh()
        pool = self._engine.pool
        if isinstance(pool, QueuePool):
            self._metrics.pool(used=pool.checkedout(), idle=pool.checkedin(), size=pool.size())
        return generate_latest(self._metrics.registry)
