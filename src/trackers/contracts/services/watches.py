"""What people wait for: their watches."""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from shared.clock import Clock
from shared.ids import new_id
from trackers.contracts.errors import RegionNotFollowed, TooManyWatches, UnclearWatch, WatchExists, WatchNotFound
from trackers.contracts.region_repository import RegionRepository
from trackers.contracts.schemas import MAX_WATCHES, AddWatch, ChangeWatch, Watch
from trackers.contracts.watch_queries import WatchReads
from trackers.contracts.watch_repository import WatchRepository
from users.accounts.errors import AccountNotFound


class WatchService:
    """Adds, changes and removes a person's own watches."""

    def __init__(self, reads: WatchReads, *, watches: WatchRepository, regions: RegionRepository, clock: Clock) -> None:
        self._reads = reads
        self._watches = watches
        self._regions = regions
        self._clock = clock

    async def add(self, user_id: UUID, wanted: AddWatch) -> Watch:
        """Wait for a type or a group. Raises UnclearWatch, RegionNotFollowed, WatchExists, TooManyWatches."""
        if (wanted.type_id is None) == (wanted.group_id is None):
            raise UnclearWatch("Name either a type_id or a group_id: one of them, not both.")
        if wanted.region_id is not None:
            await self._check_region(wanted.region_id)
        if not await self._watches.lock(user_id):
            raise AccountNotFound  # erased a moment ago
        subject: dict[str, Any] = {
            "type_id": wanted.type_id, "group_id": wanted.group_id, "region_id": wanted.region_id,
        }  # fmt: skip
        same = await self._watches.same(user_id, **subject)
        if same is not None:
            raise WatchExists("You watch for this already; change that watch instead.", extra={"watch_id": str(same)})
        if await self._watches.count(user_id) >= MAX_WATCHES:
            raise TooManyWatches(f"{MAX_WATCHES} watches are the most; remove one first.")
        watch_id = new_id()
        await self._watches.add(
            watch_id, user_id, **subject, max_price=wanted.max_price, note=wanted.note, now=self._clock.now()
        )
        return await self._reads.one(user_id, watch_id)

    async def change(self, user_id: UUID, watch_id: UUID, wanted: ChangeWatch) -> Watch:
        """Raises WatchNotFound."""
        values = {
            name: getattr(wanted, name) for name in wanted.__struct_fields__ if getattr(wanted, name) is not UNSET
        }
        await self._watches.lock(user_id)
        if not await self._watches.change(watch_id, user_id, **values):
            raise WatchNotFound(watch_id)
        return await self._reads.one(user_id, watch_id)

    async def remove(self, user_id: UUID, watch_id: UUID) -> None:
        """Raises WatchNotFound."""
        await self._watches.lock(user_id)
        if not await self._watches.remove(watch_id, user_id):
            raise WatchNotFound(watch_id)

    async def _check_region(self, region_id: int) -> None:
        followed = sorted(await self._regions.followed())
        if region_id not in followed:
            there_are = ", ".join(str(one) for one in followed) or "none yet"
            raise RegionNotFollowed(f"Region {region_id} is not looked at; there are: {there_are}.")
