"""Game trackers as personal data: a person's trackers and the history of their accounts."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.scraping.targets import Targets
from trackers.games.repository import TrackerRepository
from trackers.games.schemas import MAX_TRACKERS
from trackers.games.services.ratings import RatingService


class PastRating(Struct, frozen=True, kw_only=True):
    """The state of a playlist at a past moment."""

    season: str
    captured_at: datetime
    playlist: str
    rating: int
    tier: int | None
    division: int | None
    matches_played: int
    win_streak: int
    estimated: bool


class TrackerExport(Struct, frozen=True, kw_only=True):
    """A tracker, removed or not, with the whole history of its account."""

    id: UUID
    url: str
    game: str
    platform: str
    identifier: str
    display: str
    handle: str | None
    active: bool
    created_at: datetime
    deleted_at: datetime | None
    history: list[PastRating]


class GamesPersonalData:
    """A person's trackers, and the accounts that only this person follows."""

    name: Final = "trackers"

    def __init__(self, *, trackers: TrackerRepository, ratings: RatingService, targets: Targets) -> None:
        self._trackers = trackers
        self._ratings = ratings
        self._targets = targets

    async def export(self, user_id: UUID) -> list[TrackerExport]:
        return msgspec.convert(await self._trackers.everything_of(user_id), list[TrackerExport])

    async def erase(self, user_id: UUID) -> None:
        """Remove a person's trackers, and accounts without other followers together with their history."""
        targets = await self._lock_targets(user_id)
        await self._ratings.forget(user_id)
        await self._trackers.remove_trackers_of(user_id)
        await self._targets.erase(await self._trackers.remove_unfollowed(targets))

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Move trackers to another person; those above the limit of a person are deactivated."""
        await self._lock_targets(user_id)
        await self._ratings.forget(user_id)
        await self._trackers.hand_over(user_id, to=to, most=MAX_TRACKERS)

    async def _lock_targets(self, user_id: UUID) -> list[UUID]:
        """Lock the targets before checking for other followers, so that nobody can start following them in between."""
        targets = await self._trackers.targets_of(user_id)
        await self._targets.lock(targets)
        return targets
