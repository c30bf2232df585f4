"""How fresh each region is, for metrics; as many rows as regions are looked at."""

from collections.abc import Sequence
from typing import Final

from shared.clock import Clock
from shared.database import Reader
from shared.observability.readings import Gauge, Reading
from trackers.contracts.coverage import coverage

REGION: Final = ("region",)
AGE: Final = Gauge("trackers_contracts_region_age_seconds", "Seconds since a region was last swept.", REGION)
COMPLETE: Final = Gauge("trackers_contracts_region_complete", "Whether its last sweep read all of it.", REGION)


class ContractGauges:
    """Reads the regions that are looked at. One that was never swept has no age yet."""

    name = "contracts"

    def __init__(self, reader: Reader, *, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def read(self) -> Sequence[Reading]:
        now = self._clock.now()
        readings = []
        for region in await coverage(self._reader):
            if not region.followed:
                continue
            labels = (str(region.region_id),)
            readings.append(Reading(COMPLETE, float(region.complete), labels))
            if region.swept_at is not None:
                readings.append(Reading(AGE, (now - region.swept_at).total_seconds(), labels))
        return readings
