"""SQL of trackers and the accounts that they follow: registration, changes, handover."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.ids import new_id
from trackers.games.errors import TrackerNotFound
from trackers.games.links import AccountIdentity, account_of

_ADD_ACCOUNT: Final = text("""
INSERT INTO game_accounts (id, target_id, game, platform, identifier, display)
VALUES (:id, :target_id, :game, :platform, :identifier, :display)
ON CONFLICT (game, platform, identifier) DO NOTHING
RETURNING id
""")
_ACCOUNT: Final = text(
    "SELECT id FROM game_accounts WHERE game = :game AND platform = :platform AND identifier = :identifier"
)

_ADD_TRACKER: Final = text("""
INSERT INTO game_trackers (id, user_id, account_id, url, created_at, updated_at)
VALUES (:id, :user_id, :account_id, :url, :now, :now)
""")

_TRACKERS_OF: Final = text("""
SELECT a.game, a.platform, a.identifier, t.active
FROM game_trackers t JOIN game_accounts a ON a.id = t.account_id
WHERE t.user_id = :user_id AND t.deleted_at IS NULL
""")

_PENDING: Final = text("""
SELECT a.target_id
FROM game_accounts a
JOIN scrape_targets x ON x.id = a.target_id
JOIN scrape_schedule s ON s.target_id = a.target_id
WHERE (CAST(:after AS uuid) IS NULL OR a.target_id > :after) AND s.lease_until IS NULL
  AND s.usual_priority <> 5 AND (x.last_status IS NULL OR s.run_id IS NOT NULL OR s.due_at = 'infinity')
  AND EXISTS (SELECT 1 FROM game_trackers t WHERE t.account_id = a.id AND t.deleted_at IS NULL AND t.active)
ORDER BY a.target_id LIMIT :limit
""")

_FOLLOWED: Final = text("""
SELECT t.id, t.user_id, t.account_id, t.url, t.active, a.target_id, a.game, a.platform, a.identifier, a.display,
       a.current_season, x.last_attempt_at, x.last_success_at, s.run_id IS NOT NULL AND r.id IS NOT NULL AS awaited
FROM game_trackers t
JOIN game_accounts a ON a.id = t.account_id
JOIN scrape_targets x ON x.id = a.target_id
LEFT JOIN scrape_schedule s ON s.target_id = a.target_id
LEFT JOIN scrape_runs r ON r.id = s.run_id
WHERE t.id = :id AND t.deleted_at IS NULL
""")

_FOLLOWERS: Final = text("""
SELECT id, user_id FROM game_trackers
WHERE account_id = :account_id AND active AND deleted_at IS NULL AND (CAST(:after AS uuid) IS NULL OR id > :after)
ORDER BY id LIMIT :limit
""")

_NAMES: Final = text("""
SELECT a.target_id, a.id AS account_id, a.game, a.platform, a.identifier, a.display
FROM game_accounts a WHERE a.target_id = ANY(CAST(:targets AS uuid[]))
""")

_SCHEDULES_OF: Final = text("""
SELECT run_id, schedule_id FROM game_schedule_runs WHERE run_id = ANY(CAST(:runs AS uuid[]))
""")

_CHANGE_TRACKER: Final = text("""
UPDATE game_trackers SET account_id = :account_id, url = :url, active = :active, updated_at = :now WHERE id = :id
""")

_REMOVE_TRACKER: Final = text("UPDATE game_trackers SET deleted_at = :now, updated_at = :now WHERE id = :id")

_UNFOLLOWED: Final = text("""
SELECT a.target_id FROM game_accounts a
WHERE a.target_id = ANY(CAST(:targets AS uuid[])) AND NOT EXISTS (
    SELECT 1 FROM game_trackers t WHERE t.account_id = a.id AND t.active AND t.deleted_at IS NULL
)
""")


# The trackers of a person, removed ones too, with the whole history of each account.
_EVERYTHING_OF: Final = text("""
SELECT t.id, t.url, a.game, a.platform, a.identifier, a.display, a.handle, t.active, t.created_at, t.deleted_at,
       coalesce((
           SELECT json_agg(json_build_object(
               'season', p.season_key, 'captured_at', p.captured_at, 'playlist', r.playlist_key, 'rating', r.rating,
               'tier', r.tier, 'division', r.division, 'matches_played', r.matches_played,
               'win_streak', r.win_streak, 'estimated', r.estimated
           ) ORDER BY p.captured_at, p.id, r.playlist_key)
           FROM game_snapshots p JOIN game_ratings r ON r.snapshot_id = p.id WHERE p.account_id = a.id
       ), '[]') AS history
FROM game_trackers t JOIN game_accounts a ON a.id = t.account_id
WHERE t.user_id = :user_id ORDER BY t.created_at, t.id
""")

_TARGETS_OF: Final = text("""
SELECT DISTINCT a.target_id FROM game_trackers t JOIN game_accounts a ON a.id = t.account_id WHERE t.user_id = :user_id
""")

_REMOVE_TRACKERS_OF: Final = text("DELETE FROM game_trackers WHERE user_id = :user_id")

_REMOVE_UNFOLLOWED: Final = text("""
DELETE FROM game_accounts a
WHERE a.target_id = ANY(CAST(:targets AS uuid[]))
  AND NOT EXISTS (SELECT 1 FROM game_trackers t WHERE t.account_id = a.id)
RETURNING a.target_id
""")

# If both people follow an account, the tracker of the remaining person stays; the other would be its duplicate.
_REMOVE_DUPLICATES: Final = text("""
DELETE FROM game_trackers t USING game_trackers o
WHERE t.user_id = :user_id AND o.user_id = :to AND o.account_id = t.account_id
  AND t.deleted_at IS NULL AND o.deleted_at IS NULL
""")

_HAND_OVER: Final = text("""
WITH moved AS (
    SELECT t.id, t.active AND row_number() OVER (PARTITION BY t.active ORDER BY t.created_at, t.id)
           <= :most - (SELECT count(*) FROM game_trackers o
                       WHERE o.user_id = :to AND o.active AND o.deleted_at IS NULL) AS active
    FROM game_trackers t WHERE t.user_id = :user_id AND t.deleted_at IS NULL
)
UPDATE game_trackers t SET user_id = :to, active = coalesce(m.active, t.active)
FROM game_trackers s LEFT JOIN moved m ON m.id = s.id
WHERE s.user_id = :user_id AND t.id = s.id
""")


class Followed(Struct, frozen=True, kw_only=True):
    """A tracker with the account, state and last run that the rules need."""

    id: UUID
    user_id: UUID
    account_id: UUID
    url: str
    active: bool
    target_id: UUID
    game: str
    platform: str
    identifier: str
    display: str
    current_season: str | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    awaited: bool
    """True if a run that somebody waits for is pending or in progress."""

    @property
    def account(self) -> AccountIdentity:
        return account_of(self)


class TrackerRepository(Repository):
    """Trackers and their accounts."""

    async def trackers_of(self, user_id: UUID) -> dict[str, bool]:
        """Return account key -> whether the tracker is active, for the trackers of a person that are not removed."""
        rows = (await self.session.execute(_TRACKERS_OF, {"user_id": user_id})).all()
        return {f"{row.game}:{row.platform}:{row.identifier}": row.active for row in rows}

    async def add_account(self, identity: AccountIdentity, target_id: UUID) -> UUID:
        """Return the account's id, creating it if missing. An existing account is not locked: a scrape may hold it."""
        names = {"game": identity.game, "platform": identity.platform, "identifier": identity.identifier}
        values = {**names, "id": new_id(), "target_id": target_id, "display": identity.display}
        account_id: UUID | None = (await self.session.execute(_ADD_ACCOUNT, values)).scalar_one_or_none()
        if account_id is None:
            account_id = (await self.session.execute(_ACCOUNT, names)).scalar_one()
        return account_id

    async def add_tracker(self, *, user_id: UUID, account_id: UUID, url: str, now: datetime) -> UUID:
        tracker_id = new_id()
        await self.session.execute(
            _ADD_TRACKER, {"id": tracker_id, "user_id": user_id, "account_id": account_id, "url": url, "now": now}
        )
        return tracker_id

    async def followed(self, tracker_id: UUID) -> Followed:
        """Return a tracker that is not removed, with its account. Raises TrackerNotFound."""
        row = (await self.session.execute(_FOLLOWED, {"id": tracker_id})).mappings().one_or_none()
        if row is None:
            raise TrackerNotFound(tracker_id)
        return Followed(**row)

    async def followers(self, account_id: UUID, *, after: UUID | None, limit: int) -> list[tuple[UUID, UUID]]:
        """Return a page of followers as (tracker id, user id), ordered by tracker id, after the id `after`."""
        rows = await self.session.execute(_FOLLOWERS, {"account_id": account_id, "after": after, "limit": limit})
        return [(row.id, row.user_id) for row in rows]

    async def schedules_of(self, runs: Sequence[UUID]) -> dict[UUID, UUID]:
        """Return run id -> the schedule that waits for the run."""
        rows = await self.session.execute(_SCHEDULES_OF, {"runs": list(runs)})
        return {row.run_id: row.schedule_id for row in rows}

    async def accounts_of(self, targets: Sequence[UUID]) -> dict[UUID, tuple[UUID, AccountIdentity]]:
        """Return target id -> (account id, identity of the account)."""
        rows = await self.session.execute(_NAMES, {"targets": list(targets)})
        return {row.target_id: (row.account_id, account_of(row)) for row in rows}

    async def change_tracker(
        self, tracker_id: UUID, *, account_id: UUID, url: str, active: bool, now: datetime
    ) -> None:
        """Write the account, link and activity of a tracker."""
        values = {"id": tracker_id, "account_id": account_id, "url": url, "active": active, "now": now}
        await self.session.execute(_CHANGE_TRACKER, values)

    async def remove_tracker(self, tracker_id: UUID, *, now: datetime) -> None:
        """Mark a tracker as removed."""
        await self.session.execute(_REMOVE_TRACKER, {"id": tracker_id, "now": now})

    async def unfollowed(self, targets: Sequence[UUID]) -> list[UUID]:
        """Return the given targets that no active tracker follows."""
        return list((await self.session.execute(_UNFOLLOWED, {"targets": list(targets)})).scalars())

    async def pending_targets(self, *, after: UUID | None, limit: int) -> list[UUID]:
        """Return targets, by id, of active trackers that were never fetched, wait for a run or are dead letters.

        The page starts after the id `after`: targets whose runs were just requested still wait, and
        would be returned again otherwise.
        """
        return list((await self.session.execute(_PENDING, {"after": after, "limit": limit})).scalars())

    async def everything_of(self, user_id: UUID) -> list[dict[str, Any]]:
        """Return all trackers of a person, removed ones too, with the history of their accounts."""
        return [dict(row) for row in (await self.session.execute(_EVERYTHING_OF, {"user_id": user_id})).mappings()]

    async def targets_of(self, user_id: UUID) -> list[UUID]:
        """Return the targets of all trackers of a person, removed ones too."""
        return list((await self.session.execute(_TARGETS_OF, {"user_id": user_id})).scalars())

    async def remove_trackers_of(self, user_id: UUID) -> None:
        await self.session.execute(_REMOVE_TRACKERS_OF, {"user_id": user_id})

    async def remove_unfollowed(self, targets: Sequence[UUID]) -> list[UUID]:
        """Delete the given accounts that have no trackers at all. Return their targets."""
        return list((await self.session.execute(_REMOVE_UNFOLLOWED, {"targets": list(targets)})).scalars())

    async def hand_over(self, user_id: UUID, *, to: UUID, most: int) -> None:
        """Give all trackers to another person, who keeps their own and ends up with at most `most` active ones."""
        await self.session.execute(_REMOVE_DUPLICATES, {"user_id": user_id, "to": to})
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to, "most": most})
