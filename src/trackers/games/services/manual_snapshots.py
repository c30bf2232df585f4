"""The rules of manual snapshots: they belong to the tracker's owner, and guilds decide which of them count.

Fetched and manual snapshots are stored separately. Other followers of the account are not affected.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Queries
from shared.ids import new_id
from shared.web.identity import Identity
from trackers.games import catalogue
from trackers.games.admin_errors import ConcurrentModification
from trackers.games.errors import (
    ImpossibleSnapshot,
    ManualSnapshotNotFound,
    ManualSnapshotsNotCounted,
    SnapshotCorrected,
    TooManySnapshots,
)
from trackers.games.manual_queries import ManualSnapshotQueries
from trackers.games.manual_repository import ManualSnapshotRepository, ManualSnapshotRow, StoredManualSnapshot
from trackers.games.manual_schemas import (
    AddManualSnapshot,
    ChangeManualSnapshot,
    GuildManualSnapshot,
    ManualPlaylist,
    MyManualSnapshot,
)
from trackers.games.repository import TrackerRepository
from trackers.games.services.ratings import RatingService
from users.access import AccessPolicy
from users.accounts.service import AccountService
from users.guilds.guild_settings import ManualSnapshots

MAX_CLOCK_SKEW: Final = timedelta(minutes=5)
"""Tolerance for a client's clock that is ahead."""
MAX_AGE: Final = timedelta(days=3650)
DAY: Final = timedelta(days=1)


class TrackerSnapshotService(ManualSnapshotQueries):
    """Creates, corrects, removes and reviews manual snapshots; inherits reads from ManualSnapshotQueries.

    Takes locks in this order: the person, the snapshot's rows, the person's leaderboard rows (docs/architecture.md).
    """

    def __init__(
        self,
        questions: Queries,
        *,
        access: AccessPolicy,
        accounts: AccountService,
        trackers: TrackerRepository,
        manual: ManualSnapshotRepository,
        ratings: RatingService,
        activity: ActivityLog,
        clock: Clock,
        per_day: int,
    ) -> None:
        super().__init__(questions, access=access)
        self._accounts = accounts
        self._trackers = trackers
        self._manual = manual
        self._ratings = ratings
        self._activity = activity
        self._clock = clock
        self._per_day = per_day

    async def create_snapshot(self, asker: Identity, tracker_id: UUID, given: AddManualSnapshot) -> MyManualSnapshot:
        """Store figures that a tracker's owner read; the snapshot belongs to the owner and the account.

        Raises TrackerNotFound, Forbidden, ImpossibleSnapshot for figures that nobody can have seen, TooManySnapshots
        above the daily limit, or ConcurrentModification if the tracker changed its owner at the same moment.
        """
        owner = (await self._trackers.followed(tracker_id)).user_id
        await self._access.check_write(asker, owner)
        await self._accounts.lock_all([owner])
        tracker = await self._trackers.followed(tracker_id)  # read again under the lock, as it may have changed
        if tracker.user_id != owner:
            raise ConcurrentModification
        now = self._clock.now()
        season = given.season or tracker.current_season
        if season is None or not (season.isascii() and season.isdigit()):
            raise _impossible(
                "season", "Give the season's number; the site has not shown a season of this account yet."
            )
        row = ManualSnapshotRow(
            id=new_id(at=now),
            user_id=owner,
            account_id=tracker.account_id,
            season=int(season),
            captured_at=given.captured_at or now,
            entered_at=now,
            note=given.note.strip(),
            evidence_url=given.evidence_url,
        )
        await self._check(row, given.playlists, current=tracker.current_season, fetched_at=tracker.last_success_at)
        await self._check_limit(owner, tracker.account_id, now)
        await self._manual.add(_not_ahead(row, now), given.playlists)
        await self._ratings.recompute_people([owner])
        await self._note("tracker.manual_snapshot_added", row.id, owner, asker, {"tracker_id": str(tracker_id)})
        return await self.one(row.id)

    async def change_snapshot(
        self, asker: Identity, snapshot_id: UUID, given: ChangeManualSnapshot
    ) -> MyManualSnapshot:
        """Correct a manual snapshot; every guild reviews it again.

        Raises ManualSnapshotNotFound, Forbidden, or ImpossibleSnapshot.
        """
        stored = await self._owned(asker, snapshot_id)
        now = self._clock.now()
        playlists = stored.playlists if given.playlists is UNSET else given.playlists
        row = ManualSnapshotRow(
            id=snapshot_id,
            user_id=stored.user_id,
            account_id=stored.account_id,
            season=stored.season if given.season is UNSET else int(given.season),
            captured_at=stored.captured_at if given.captured_at is UNSET else given.captured_at,
            entered_at=now,
            note=stored.note if given.note is UNSET else given.note.strip(),
            evidence_url=stored.evidence_url if given.evidence_url is UNSET else given.evidence_url,
        )
        await self._check(row, playlists, current=stored.current_season, fetched_at=stored.fetched_at)
        row = _not_ahead(row, now)
        await self._manual.change(
            snapshot_id,
            season=row.season,
            captured_at=row.captured_at,
            entered_at=now,
            note=row.note,
            evidence_url=row.evidence_url,
            playlists=playlists,
        )
        await self._ratings.recompute_people([stored.user_id])
        await self._note("tracker.manual_snapshot_changed", snapshot_id, stored.user_id, asker, {})
        return await self.one(snapshot_id)

    async def remove_snapshot(self, asker: Identity, snapshot_id: UUID) -> None:
        """Remove a manual snapshot and its reviews. Raises ManualSnapshotNotFound or Forbidden."""
        stored = await self._owned(asker, snapshot_id)
        await self._manual.remove(snapshot_id)
        await self._ratings.recompute_people([stored.user_id])
        await self._note("tracker.manual_snapshot_removed", snapshot_id, stored.user_id, asker, {})

    async def confirm(
        self, asker: Identity, guild_id: str, snapshot_id: UUID, *, entered_at: datetime
    ) -> GuildManualSnapshot:
        """Confirm a member's manual snapshot for one guild.

        Raises GuildNotFound, Forbidden, ManualSnapshotNotFound, ManualSnapshotsNotCounted, or SnapshotCorrected if it
        was corrected after `entered_at`.
        """
        return await self._review(asker, guild_id, snapshot_id, confirmed=True, entered_at=entered_at)

    async def reject(self, asker: Identity, guild_id: str, snapshot_id: UUID) -> GuildManualSnapshot:
        """Reject a member's manual snapshot for one guild. Raises as `confirm`, except SnapshotCorrected."""
        return await self._review(asker, guild_id, snapshot_id, confirmed=False)

    async def _review(
        self,
        asker: Identity,
        guild_id: str,
        snapshot_id: UUID,
        *,
        confirmed: bool,
        entered_at: datetime | None = None,
    ) -> GuildManualSnapshot:
        await self._access.check_guild_write(asker, guild_id)
        owner = await self._manual.member_of(snapshot_id, guild_id)
        if owner is None:
            raise ManualSnapshotNotFound(snapshot_id)
        if await self.setting(guild_id) is ManualSnapshots.NONE:
            raise ManualSnapshotsNotCounted
        await self._accounts.lock_all([owner])
        stored = await self._manual.stored(snapshot_id)  # read under the lock, so that its owner cannot change it
        if stored is None or await self._manual.member_of(snapshot_id, guild_id) != owner:
            raise ManualSnapshotNotFound(snapshot_id)
        if entered_at is not None and stored.entered_at != entered_at:
            raise SnapshotCorrected
        await self._manual.review(snapshot_id, guild_id, confirmed=confirmed, now=self._clock.now())
        await self._ratings.recompute_people([owner])
        event = "tracker.manual_snapshot_confirmed" if confirmed else "tracker.manual_snapshot_rejected"
        await self._note(event, snapshot_id, owner, asker, {"guild_id": guild_id})
        return await self.one_of_guild(guild_id, snapshot_id)

    async def _owned(self, asker: Identity, snapshot_id: UUID) -> StoredManualSnapshot:
        """Lock the owner of a snapshot that the caller may change, and return the snapshot."""
        unknown = ManualSnapshotNotFound(snapshot_id)
        stored = await self._manual.stored(snapshot_id)
        if stored is None:
            raise unknown
        await self._access.check_write(asker, stored.user_id, unknown=unknown)
        await self._accounts.lock_all([stored.user_id])
        locked = await self._manual.stored(snapshot_id)
        if locked is None:
            raise unknown
        if locked.user_id != stored.user_id:
            raise ConcurrentModification
        return locked

    async def _check(
        self,
        row: ManualSnapshotRow,
        playlists: list[ManualPlaylist],
        *,
        current: str | None,
        fetched_at: datetime | None,
    ) -> None:
        """Raise ImpossibleSnapshot for figures that nobody can have seen."""
        now = self._clock.now()
        if not now - MAX_AGE < row.captured_at < now + MAX_CLOCK_SKEW:
            raise _impossible("captured_at", "captured_at must lie in the past ten years.")
        known = int(current) if current is not None and current.isascii() and current.isdigit() else None
        newest = catalogue.newest_possible(now, known=known, known_at=fetched_at)
        if not 1 <= row.season <= newest:
            raise _impossible("season", f"There is no season {row.season} yet; give a number from 1 to {newest}.")
        started = catalogue.earliest_start(row.season)
        if row.captured_at < started and row.season != known:
            raise _impossible(
                "captured_at",
                f"Season {row.season} did not start before {started:%Y-%m-%d}; correct season or captured_at.",
            )
        names = [playlist.playlist for playlist in playlists]
        if len(set(names)) < len(names):
            raise _impossible("playlists", "A playlist occurs twice.")
        unknown = [name for name in names if int(name) not in catalogue.PLAYLISTS]
        if unknown and (missing := set(unknown) - await self._manual.known_playlists(row.account_id)):
            raise _impossible("playlists", f"There is no playlist {', '.join(sorted(missing))}.")
        if any(abs(playlist.win_streak) > playlist.matches_played for playlist in playlists):
            raise _impossible("playlists", "A streak cannot be longer than the number of matches played.")

    async def _check_limit(self, owner: UUID, account_id: UUID, now: datetime) -> None:
        """Raise TooManySnapshots if the person has reached the daily limit for this account."""
        entered = await self._manual.entered_since(now - DAY, user_id=owner, account_id=account_id, limit=self._per_day)
        if len(entered) >= self._per_day:
            raise TooManySnapshots(
                f"You can add at most {self._per_day} manual snapshots per tracker in 24 hours; "
                "correct an earlier snapshot or try again later.",
                retry_after=max(1.0, (entered[-1] + DAY - now).total_seconds()),
            )

    async def _note(self, event: str, snapshot_id: UUID, owner: UUID, asker: Identity, details: dict[str, str]) -> None:
        """Log the event without the snapshot's note and evidence, which only few people may see."""
        await self._activity.record(
            event, subject="manual_snapshot", subject_id=snapshot_id, user_id=owner, actor=asker, details=details
        )


def _not_ahead(row: ManualSnapshotRow, now: datetime) -> ManualSnapshotRow:
    """Limit `captured_at` to now, because a client's clock may be ahead."""
    return msgspec.structs.replace(row, captured_at=min(row.captured_at, now))


def _impossible(field: str, detail: str) -> ImpossibleSnapshot:
    return ImpossibleSnapshot(detail, extra={"field": field})
