"""Metrics: the age of each followed region's data, one reading per region."""

from collections.abc import Sequence
from typing import Final

from shared.clock import Clock
from shared.database import PooledQueries
from shared.observability.readings import Gauge, GaugeReading
from trackers.contracts.coverage import last_complete

AGE: Final = Gauge(
    "trackers_contracts_region_age_seconds",
    "Seconds since the last complete sweep of a region, or since it is followed if there was none yet.",
    ("region",),
)


class ContractGauges:
    """Reads the age of each followed region's data."""

    name = "contracts"

    def __init__(self, reader: PooledQueries, *, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def read(self) -> Sequence[GaugeReading]:
        now = self._clock.now()
        return [
            GaugeReading(AGE, (now - since).total_seconds(), (str(region),))
            for region, since in (await last_complete(self._reader)).items()
        ]
