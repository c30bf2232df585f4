"""Follows the configured regions, and requests fetches of them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.contracts.errors import RegionNotFollowed
from trackers.contracts.region_repository import RegionRepository


class RegionService:
    """Keeps the engine's targets equal to the configured regions."""

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
        """Follow the configured regions and no others; True if that is a change. Contracts of dropped regions stay."""
        if set(await self._regions.followed()) == set(self._configured):
            return False
        addresses = {str(region): str(region) for region in self._configured}
        targets = await self._targets.track(self._source, addresses, interval=self._interval)
        left = await self._regions.follow({int(key): target for key, target in targets.items()})
        await self._targets.forget(left)
        return True

    async def request_run(self, regions: Sequence[int] | None, *, asker: Identity) -> dict[str, UUID]:
        """Request fetches of the given regions, or of all followed regions; region id -> task id.

        Raises RegionNotFollowed.
        """
        followed = await self._regions.followed()
        requested = sorted(followed if regions is None else set(regions))
        if unknown := [region for region in requested if region not in followed]:
            listed = ", ".join(str(region) for region in sorted(followed)) or "none yet"
            raise RegionNotFollowed(f"Region {unknown[0]} is not followed. Followed regions: {listed}.")
        tasks = await self._targets.request_run(self._source, [followed[region] for region in requested])
        await self._activity.record(
            "contracts.run_requested",
            subject="source",
            subject_id=self._source,
            actor=asker,
            details={"region_ids": requested},
        )
        return {str(region): tasks[followed[region]] for region in requested if followed[region] in tasks}
