"""Use cases of watches."""

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

    async def add(self, user_id: UUID, request: AddWatch) -> Watch:
        """Add a watch for a type or a group.

        Raises UnclearWatch, RegionNotFollowed, WatchExists, TooManyWatches, and AccountNotFound if the account is gone.
        """
        if (request.type_id is None) == (request.group_id is None):
            raise UnclearWatch("Give either a type_id or a group_id, not both.")
        if request.region_id is not None:
            await self._check_region(request.region_id)
        if not await self._watches.lock(user_id):
            raise AccountNotFound  # the account was erased a moment ago
        subject: dict[str, Any] = {
            "type_id": request.type_id, "group_id": request.group_id, "region_id": request.region_id,
        }  # fmt: skip
        same = await self._watches.same(user_id, **subject)
        if same is not None:
            raise WatchExists("You already have this watch; change it instead.", extra={"watch_id": str(same)})
        if await self._watches.count(user_id) >= MAX_WATCHES:
            raise TooManyWatches(f"You can have at most {MAX_WATCHES} watches; remove one first.")
        watch_id = new_id()
        await self._watches.add(
            watch_id, user_id, **subject, max_price=request.max_price, note=request.note, now=self._clock.now()
        )
        return await self._reads.one(user_id, watch_id)

    async def change(self, user_id: UUID, watch_id: UUID, changes: ChangeWatch) -> Watch:
        """Change the given fields of a watch. Raises WatchNotFound."""
        values = {
            name: getattr(changes, name) for name in changes.__struct_fields__ if getattr(changes, name) is not UNSET
        }
        await self._watches.lock(user_id)
        if not await self._watches.change(watch_id, user_id, **values):
            raise WatchNotFound(watch_id)
        return await self._reads.one(user_id, watch_id)

    async def remove(self, user_id: UUID, watch_id: UUID) -> None:
        """Remove a watch. Raises WatchNotFound."""
        await self._watches.lock(user_id)
        if not await self._watches.remove(watch_id, user_id):
            raise WatchNotFound(watch_id)

    async def _check_region(self, region_id: int) -> None:
        followed = sorted(await self._regions.followed())
        if region_id not in followed:
            listed = ", ".join(str(region) for region in followed) or "none yet"
            raise RegionNotFollowed(f"Region {region_id} is not followed. Followed regions: {listed}.")
