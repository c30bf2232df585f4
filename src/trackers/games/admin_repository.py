"""All SQL of admin actions on trackers: select many, transfer one, merge two accounts."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import TextClause, text

from shared.database import Repository
from shared.scraping.target import Status
from shared.scraping.targets import STATUS_IS
from trackers.games.admin_schemas import FetchReason
from trackers.games.links import AccountIdentity, account_of

_ACTIVE: Final = text("""
SELECT k.id, a.target_id FROM game_trackers k JOIN game_accounts a ON a.id = k.account_id
WHERE k.id = ANY(CAST(:trackers AS uuid[])) AND k.deleted_at IS NULL AND k.active
""")
_TARGETS_BY_STATUS: Final = """
SELECT a.target_id
FROM game_accounts a
JOIN scrape_targets t ON t.id = a.target_id
JOIN scrape_schedule s ON s.target_id = a.target_id
WHERE (CAST(:after AS uuid) IS NULL OR a.target_id > :after)
  AND EXISTS (SELECT FROM game_trackers k WHERE k.account_id = a.id AND k.deleted_at IS NULL AND k.active {guild})
  {state}
ORDER BY a.target_id LIMIT :limit
"""
_OF_GUILD: Final = """AND EXISTS (SELECT FROM guild_members g WHERE g.guild_id = :guild_id AND g.user_id = k.user_id
                                AND g.confirmed_by IS NOT NULL)"""

_TRANSFER: Final = text("UPDATE game_trackers SET user_id = :to, updated_at = :now WHERE id = :id")

_ACCOUNTS: Final = """
SELECT id, target_id, game, platform, identifier, display FROM game_accounts
WHERE id = ANY(CAST(:accounts AS uuid[])) ORDER BY id
"""
_READ_ACCOUNTS: Final = text(_ACCOUNTS)
_LOCK_ACCOUNTS: Final = text(f"{_ACCOUNTS} FOR UPDATE")
_LOCK_TARGETS: Final = text(
    "SELECT 1 FROM scrape_targets WHERE id = ANY(CAST(:targets AS uuid[])) ORDER BY id FOR UPDATE"
)
_OWNERS: Final = text("SELECT DISTINCT user_id FROM game_trackers WHERE account_id = ANY(CAST(:accounts AS uuid[]))")

# A person who followed both accounts keeps the tracker of the destination, active if either was.
_REMOVE_DUPLICATES: Final = text("""
WITH duplicates AS (
    SELECT t.id, t.user_id, o.id AS kept, t.active FROM game_trackers t
    JOIN game_trackers o ON o.user_id = t.user_id AND o.account_id = :into AND o.deleted_at IS NULL
    WHERE t.account_id = :source AND t.deleted_at IS NULL
), kept AS (
    UPDATE game_trackers o SET active = true, updated_at = :now
    FROM duplicates d WHERE o.id = d.kept AND d.active AND NOT o.active
)
UPDATE game_trackers t SET deleted_at = :now, updated_at = :now FROM duplicates d WHERE t.id = d.id
RETURNING t.id, t.user_id, t.active
""")
_MOVE_TRACKERS: Final = text("""
WITH moved AS (
    UPDATE game_trackers SET account_id = :into, updated_at = :now WHERE account_id = :source
    RETURNING id, user_id, active, deleted_at
)
SELECT id, user_id, active FROM moved WHERE deleted_at IS NULL ORDER BY id
""")
# The destination keeps its own rows where both accounts have one; only the higher peak moves.
_MOVE_HISTORY: Final = text("""
WITH seasons AS (
    INSERT INTO game_seasons (account_id, key, name, number)
    SELECT :into, key, name, number FROM game_seasons WHERE account_id = :source
    ON CONFLICT (account_id, key) DO NOTHING
    RETURNING 1
), playlist_states AS (
    INSERT INTO game_playlist_states AS s (account_id, season_key, playlist_key, name, rating, tier, tier_name,
                                           division, division_name, matches_played, win_streak, peak_rating,
                                           peak_tier, peak_division, delta_up, delta_down, estimated, changed_at)
    SELECT :into, season_key, playlist_key, name, rating, tier, tier_name, division, division_name, matches_played,
           win_streak, peak_rating, peak_tier, peak_division, delta_up, delta_down, estimated, changed_at
    FROM game_playlist_states WHERE account_id = :source
    ON CONFLICT (account_id, season_key, playlist_key) DO UPDATE
    SET peak_rating = excluded.peak_rating, peak_tier = excluded.peak_tier, peak_division = excluded.peak_division
    WHERE excluded.peak_rating > coalesce(s.peak_rating, 0)
), snapshots AS (
    UPDATE game_snapshots p SET account_id = :into
    WHERE p.account_id = :source AND NOT EXISTS (
        SELECT FROM game_snapshots o
        WHERE o.account_id = :into AND o.season_key = p.season_key AND o.captured_at = p.captured_at
    )
    RETURNING 1
), named AS (
    UPDATE game_accounts a
    SET handle = coalesce(a.handle, e.handle), avatar_url = coalesce(a.avatar_url, e.avatar_url),
        current_season = coalesce(a.current_season, e.current_season)
    FROM game_accounts e WHERE a.id = :into AND e.id = :source
)
SELECT (SELECT count(*) FROM seasons) AS seasons, (SELECT count(*) FROM snapshots) AS snapshots
""")
_REMOVE_ACCOUNT: Final = text("DELETE FROM game_accounts WHERE id = :id")


class KnownAccount(Struct, frozen=True, kw_only=True):
    """An account and its target."""

    id: UUID
    target_id: UUID
    game: str
    platform: str
    identifier: str
    display: str

    @property
    def identity(self) -> AccountIdentity:
        return account_of(self)


class MovedTracker(Struct, frozen=True, kw_only=True):
    """A tracker that a merger touched."""

    id: UUID
    user_id: UUID
    active: bool


class MovedHistory(Struct, frozen=True, kw_only=True):
    seasons: int
    snapshots: int


def fetch_status_is(status: Status | None, reason: FetchReason | None) -> list[str]:
    """Return SQL conditions for the status of a target; `:reason` is the parameter for why it failed."""
    conditions = [STATUS_IS[status]] if status else []
    if reason is FetchReason.SKIPPED:
        conditions.append("s.lease_until IS NULL AND s.priority = 5")
    elif reason:
        conditions += [STATUS_IS[Status.FAILED], "t.last_reason = :reason"]
    return conditions


@cache
def _targets_statement(status: Status | None, reason: FetchReason | None, *, of_guild: bool) -> TextClause:
    conditions = fetch_status_is(status, reason)
    if reason is not FetchReason.SKIPPED:
        conditions.append("s.usual_priority <> 5")
    state = "".join(f" AND ({condition})" for condition in conditions)
    return text(_TARGETS_BY_STATUS.format(guild=_OF_GUILD if of_guild else "", state=state))


class TrackerAdminRepository(Repository):
    """Changes of trackers and accounts by admins."""

    async def active_targets(self, trackers: Sequence[UUID]) -> dict[UUID, UUID]:
        """Return tracker id -> target id for the given trackers that are active and not removed."""
        rows = await self.session.execute(_ACTIVE, {"trackers": list(trackers)})
        return {row.id: row.target_id for row in rows}

    async def targets_standing(
        self,
        *,
        status: Status | None,
        reason: FetchReason | None,
        guild_id: str | None,
        after: UUID | None,
        limit: int,
    ) -> list[UUID]:
        """Return the ids of targets of active trackers with this status, in id order, starting after the id `after`.

        Targets that guilds switched off are left out, unless the reason is `skipped`.
        """
        statement = _targets_statement(status, reason, of_guild=guild_id is not None)
        values = {"reason": reason, "guild_id": guild_id, "after": after, "limit": limit}
        parameters = {name: values[name] for name in statement.compile().params}
        return list((await self.session.execute(statement, parameters)).scalars())

    async def transfer(self, tracker_id: UUID, *, to: UUID, now: datetime) -> None:
        """Give a tracker to another person."""
        await self.session.execute(_TRANSFER, {"id": tracker_id, "to": to, "now": now})

    async def accounts(self, *account_ids: UUID) -> dict[UUID, KnownAccount]:
        rows = (await self.session.execute(_READ_ACCOUNTS, {"accounts": list(account_ids)})).mappings()
        return {row["id"]: KnownAccount(**row) for row in rows}

    async def lock_accounts(self, *accounts: KnownAccount) -> dict[UUID, KnownAccount]:
        """Lock the targets, then the accounts, until the transaction ends; return the accounts that still exist."""
        await self.session.execute(_LOCK_TARGETS, {"targets": [account.target_id for account in accounts]})
        locked = await self.session.execute(_LOCK_ACCOUNTS, {"accounts": [account.id for account in accounts]})
        return {row["id"]: KnownAccount(**row) for row in locked.mappings()}

    async def owners_of(self, *account_ids: UUID) -> set[UUID]:
        """Return the owners of all trackers of these accounts, removed trackers too."""
        return set((await self.session.execute(_OWNERS, {"accounts": list(account_ids)})).scalars())

    async def remove_duplicates(self, source: UUID, *, into: UUID, now: datetime) -> list[MovedTracker]:
        """Remove the trackers of `source` whose owners also follow `into`."""
        rows = await self.session.execute(_REMOVE_DUPLICATES, {"source": source, "into": into, "now": now})
        return [MovedTracker(**row) for row in rows.mappings()]

    async def move_trackers(self, source: UUID, *, into: UUID, now: datetime) -> list[MovedTracker]:
        """Make every tracker of `source` follow `into`. Return those that are not removed."""
        rows = await self.session.execute(_MOVE_TRACKERS, {"source": source, "into": into, "now": now})
        return [MovedTracker(**row) for row in rows.mappings()]

    async def move_history(self, source: UUID, *, into: UUID) -> MovedHistory:
        """Move the history of `source` to `into`, except where `into` has rows of its own."""
        row = (await self.session.execute(_MOVE_HISTORY, {"source": source, "into": into})).one()
        return MovedHistory(seasons=row.seasons, snapshots=row.snapshots)

    async def remove_account(self, account_id: UUID) -> None:
        """Delete an account and the rest of its history. The caller erases its target."""
        await self.session.execute(_REMOVE_ACCOUNT, {"id": account_id})
