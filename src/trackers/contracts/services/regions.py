"""Which regions are looked at, and when somebody wants them looked at now."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.contracts.errors import RegionNotFollowed
from trackers.contracts.region_repository import RegionRepository


class RegionService:
    """Keeps the engine's targets what the operator configured."""

    def __init__(
        self,
        *,
        source: str,
        regions: RegionRepository,
        targets: Targets,
        activity: ActivityLog,
        configured: Sequence[int],
        interval: timedelta,
    ) -> None:
        self._source = source
        self._regions = regions
        self._targets = targets
        self._activity = activity
        self._configured = configured
        self._interval = interval

    async def follow_configured(self) -> bool:
        """Look at the configured regions and no others; whether that is a change. What was seen of others stays."""
        if set(await self._regions.followed()) == set(self._configured):
            return False
        wanted = {str(region): str(region) for region in self._configured}
        targets = await self._targets.track(self._source, wanted, interval=self._interval)
        left = await self._regions.follow({int(key): target for key, target in targets.items()})
        await self._targets.forget(left)
        return True

    async def request_run(self, regions: Sequence[int] | None, *, asker: Identity) -> dict[str, UUID]:
        """Have regions looked at ahead of their turn, all where none is named; region -> task id.

        Raises RegionNotFollowed.
        """
        followed = await self._regions.followed()
        wanted = sorted(followed if regions is None else set(regions))
        if unknown := [region for region in wanted if region not in followed]:
            there_are = ", ".join(str(region) for region in sorted(followed)) or "none yet"
            raise RegionNotFollowed(f"Region {unknown[0]} is not looked at; there are: {there_are}.")
        tasks = await self._targets.request_run(self._source, [followed[region] for region in wanted])
        await self._activity.record(
            "contracts.run_requested",
            subject="source",
            subject_id=self._source,
            actor=asker,
            details={"region_ids": wanted},
        )
        return {str(region): tasks[followed[region]] for region in wanted if followed[region] in tasks}
