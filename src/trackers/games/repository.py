"""All SQL of the game trackers: registration, and the one bulk write behind every scrape."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.ids import new_id
from trackers.games.errors import TrackerNotFound
from trackers.games.links import AccountIdentity
from trackers.games.parser import PlaylistStanding

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
  AND s.usual_lane <> 5 AND (x.last_status IS NULL OR s.run_id IS NOT NULL OR s.due_at = 'infinity')
  AND EXISTS (SELECT 1 FROM game_trackers t WHERE t.account_id = a.id AND t.deleted_at IS NULL AND t.active)
ORDER BY a.target_id LIMIT :limit
""")

_FOLLOWED: Final = text("""
SELECT t.id, t.user_id, t.account_id, t.url, t.active, a.target_id, a.game, a.platform, a.identifier, a.display,
       a.current_season, x.last_attempt_at, s.run_id IS NOT NULL AND r.id IS NOT NULL AS awaited
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

_SEASON_STANDS: Final = text("""
SELECT playlist_key, rating, changed_at FROM game_standings WHERE account_id = :account_id AND season_key = :season
""")

_ADD_TYPED: Final = text("""
WITH snapshot AS (
    INSERT INTO game_snapshots (id, account_id, season_key, captured_at, entered_by, note, evidence_url)
    VALUES (:id, :account_id, :season, :captured_at, :entered_by, :note, :evidence_url)
), season AS (
    INSERT INTO game_seasons (account_id, key, name, number) VALUES (:account_id, :season, :season_name, :number)
    ON CONFLICT (account_id, key) DO NOTHING
), typed AS (
    SELECT * FROM jsonb_to_recordset(CAST(:ratings AS jsonb)) AS x (
        playlist_key text, name text, rating integer, rating_before integer, tier smallint, tier_name text,
        division smallint, division_name text, matches_played integer, win_streak integer, stands boolean
    )
), standing AS (
    INSERT INTO game_standings AS s (account_id, season_key, playlist_key, name, rating, tier, tier_name, division,
                                     division_name, matches_played, win_streak, peak_rating, estimated, changed_at)
    SELECT :account_id, :season, playlist_key, name, rating, tier, tier_name, division, division_name, matches_played,
           win_streak, rating, false, :captured_at
    FROM typed WHERE stands
    ON CONFLICT (account_id, season_key, playlist_key) DO UPDATE
    SET rating = excluded.rating, tier = excluded.tier, tier_name = excluded.tier_name, division = excluded.division,
        division_name = excluded.division_name, matches_played = excluded.matches_played,
        win_streak = excluded.win_streak, peak_rating = greatest(s.peak_rating, excluded.rating), estimated = false,
        changed_at = excluded.changed_at
)
INSERT INTO game_ratings (snapshot_id, playlist_key, rating_before, rating, tier, division, matches_played, win_streak,
                          estimated)
SELECT :id, playlist_key, rating_before, rating, tier, division, matches_played, win_streak, false FROM typed
""")

_STANDINGS_OF: Final = text("""
SELECT a.target_id, a.id AS account_id, a.seasons_known, a.current_season,
       (SELECT json_agg(json_build_array(s.season_key, s.playlist_key, s.rating, s.tier, s.division,
                                         s.matches_played, s.win_streak, s.estimated))
        FROM game_standings s WHERE s.account_id = a.id) AS standings
FROM game_accounts a
WHERE a.target_id = ANY(CAST(:targets AS uuid[]))
ORDER BY a.id
FOR UPDATE
""")

_UPDATE_ACCOUNTS: Final = text("""
UPDATE game_accounts a
SET handle = x.handle, avatar_url = x.avatar_url,
    upstream_player_id = coalesce(x.upstream_player_id, a.upstream_player_id),
    current_season = x.current_season, upstream_updated_at = x.upstream_updated_at,
    lifetime = x.lifetime, peaks = x.peaks, seasons_known = x.seasons_known
FROM jsonb_to_recordset(CAST(:accounts AS jsonb)) AS x (
    id uuid, handle text, avatar_url text, upstream_player_id bigint, current_season text,
    upstream_updated_at timestamptz, lifetime jsonb, peaks jsonb, seasons_known smallint
)
WHERE a.id = x.id AND (
    a.handle, a.avatar_url, a.upstream_player_id, a.current_season, a.upstream_updated_at, a.lifetime, a.peaks,
    a.seasons_known
) IS DISTINCT FROM (
    x.handle, x.avatar_url, coalesce(x.upstream_player_id, a.upstream_player_id), x.current_season,
    x.upstream_updated_at, x.lifetime, x.peaks, x.seasons_known
)
""")

_ADD_SEASONS: Final = text("""
INSERT INTO game_seasons AS s (account_id, key, name, number)
SELECT account_id, key, name, number
FROM jsonb_to_recordset(CAST(:seasons AS jsonb)) AS x (account_id uuid, key text, name text, number integer)
ON CONFLICT (account_id, key) DO UPDATE SET name = excluded.name, number = excluded.number
WHERE (s.name, s.number) IS DISTINCT FROM (excluded.name, excluded.number)
""")

_MOVE_STANDINGS: Final = text("""
WITH moved AS (
    SELECT * FROM jsonb_to_recordset(CAST(:moved AS jsonb)) AS x (
        account_id uuid, season_key text, playlist_key text, name text, rating integer, tier smallint, tier_name text,
        division smallint, division_name text, matches_played integer, win_streak integer, peak_rating integer,
        peak_tier smallint, peak_division smallint, delta_up integer, delta_down integer, estimated boolean,
        snapshot_id uuid, rating_before integer, changed_at timestamptz
    )
), snapshots AS (
    INSERT INTO game_snapshots (id, account_id, season_key, captured_at, run_id)
    SELECT * FROM jsonb_to_recordset(CAST(:snapshots AS jsonb)) AS x (
        id uuid, account_id uuid, season_key text, captured_at timestamptz, run_id uuid
    )
), ratings AS (
    INSERT INTO game_ratings (snapshot_id, playlist_key, rating, tier, division, matches_played, win_streak,
                              estimated, rating_before)
    SELECT snapshot_id, playlist_key, rating, tier, division, matches_played, win_streak, estimated, rating_before
    FROM moved
)
INSERT INTO game_standings (account_id, season_key, playlist_key, name, rating, tier, tier_name, division,
                            division_name, matches_played, win_streak, peak_rating, peak_tier, peak_division,
                            delta_up, delta_down, estimated, changed_at)
SELECT account_id, season_key, playlist_key, name, rating, tier, tier_name, division, division_name, matches_played,
       win_streak, peak_rating, peak_tier, peak_division, delta_up, delta_down, estimated, changed_at
FROM moved
ON CONFLICT (account_id, season_key, playlist_key) DO UPDATE
SET name = excluded.name, rating = excluded.rating, tier = excluded.tier, tier_name = excluded.tier_name,
    division = excluded.division, division_name = excluded.division_name, matches_played = excluded.matches_played,
    win_streak = excluded.win_streak, peak_rating = excluded.peak_rating, peak_tier = excluded.peak_tier,
    peak_division = excluded.peak_division, delta_up = excluded.delta_up, delta_down = excluded.delta_down,
    estimated = excluded.estimated, changed_at = excluded.changed_at
""")

# What a person follows, the removed ones too, with all that was seen of each account.
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

# Where both follow an account, the tracker of the one that stays stays; the other's would be its double.
_REMOVE_DOUBLES: Final = text("""
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

Fingerprint = tuple[int, int | None, int | None, int, int, bool]
"""What makes a snapshot when it differs: rating, tier, division, matches, streak, estimated."""


class StoredAccount(Struct, frozen=True, kw_only=True):
    """An account as it is stored: its standings by (season, playlist)."""

    account_id: UUID
    seasons_known: int
    current_season: str | None
    standings: dict[tuple[str, str], Fingerprint]


class AccountRow(Struct, frozen=True, kw_only=True):
    """What a profile says of its account."""

    id: UUID
    handle: str
    avatar_url: str | None
    upstream_player_id: int | None
    current_season: str
    upstream_updated_at: datetime | None
    lifetime: dict[str, int | float]
    peaks: list[object]
    seasons_known: int


class SeasonRow(Struct, frozen=True, kw_only=True):
    account_id: UUID
    key: str
    name: str
    number: int | None


class SnapshotRow(Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    season_key: str
    captured_at: datetime
    run_id: UUID | None


class MovedRow(PlaylistStanding, frozen=True, kw_only=True):
    """A standing that is new or has moved, with the rating before it."""

    account_id: UUID
    snapshot_id: UUID
    rating_before: int | None
    changed_at: datetime


class Followed(Struct, frozen=True, kw_only=True):
    """A tracker as the rules need it."""

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
    awaited: bool
    """Whether somebody waits for a run that is pending or under way."""

    @property
    def account(self) -> AccountIdentity:
        return AccountIdentity(game=self.game, platform=self.platform, identifier=self.identifier, display=self.display)


class TypedSnapshotRow(Struct, frozen=True, kw_only=True):
    """A snapshot that somebody typed in."""

    id: UUID
    account_id: UUID
    season: str
    season_name: str
    number: int | None
    captured_at: datetime
    entered_by: UUID
    note: str
    evidence_url: str | None


class TypedRatingRow(Struct, frozen=True, kw_only=True):
    playlist_key: str
    name: str
    rating: int
    rating_before: int | None
    tier: int | None
    tier_name: str | None
    division: int | None
    division_name: str | None
    matches_played: int
    win_streak: int
    stands: bool
    """Whether nothing newer is known of the playlist."""


class TrackerRepository(Repository):
    """Accounts, trackers, standings and snapshots."""

    async def trackers_of(self, user_id: UUID) -> dict[str, bool]:
        """Keys of the accounts that a person has a tracker of, removed ones apart -> whether it is active."""
        rows = (await self.session.execute(_TRACKERS_OF, {"user_id": user_id})).all()
        return {f"{row.game}:{row.platform}:{row.identifier}": row.active for row in rows}

    async def add_account(self, identity: AccountIdentity, target_id: UUID) -> UUID:
        """The account's id, made on first sight; no lock is taken on one that exists, a scrape may hold it."""
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
        """A tracker that was not removed, with the account that it follows. Raises TrackerNotFound."""
        row = (await self.session.execute(_FOLLOWED, {"id": tracker_id})).mappings().one_or_none()
        if row is None:
            raise TrackerNotFound(tracker_id)
        return Followed(**row)

    async def followers(self, account_id: UUID, *, after: UUID | None, limit: int) -> list[tuple[UUID, UUID]]:
        """Who follows an account: trackers, by id, and whose they are; those that come `after` one."""
        rows = await self.session.execute(_FOLLOWERS, {"account_id": account_id, "after": after, "limit": limit})
        return [(row.id, row.user_id) for row in rows]

    async def schedules_of(self, runs: Sequence[UUID]) -> dict[UUID, UUID]:
        """Run id -> the scheduled processing that waits for it."""
        rows = await self.session.execute(_SCHEDULES_OF, {"runs": list(runs)})
        return {row.run_id: row.schedule_id for row in rows}

    async def accounts_of(self, targets: Sequence[UUID]) -> dict[UUID, tuple[UUID, AccountIdentity]]:
        """Target id -> id and identity of the account behind it."""
        rows = await self.session.execute(_NAMES, {"targets": list(targets)})
        return {
            row.target_id: (
                row.account_id,
                AccountIdentity(game=row.game, platform=row.platform, identifier=row.identifier, display=row.display),
            )
            for row in rows
        }

    async def change_tracker(
        self, tracker_id: UUID, *, account_id: UUID, url: str, active: bool, now: datetime
    ) -> None:
        """Have a tracker follow an account from now on, or no longer."""
        values = {"id": tracker_id, "account_id": account_id, "url": url, "active": active, "now": now}
        await self.session.execute(_CHANGE_TRACKER, values)

    async def remove_tracker(self, tracker_id: UUID, *, now: datetime) -> None:
        """Mark a tracker as removed."""
        await self.session.execute(_REMOVE_TRACKER, {"id": tracker_id, "now": now})

    async def unfollowed(self, targets: Sequence[UUID]) -> list[UUID]:
        """Those of these targets that no active tracker follows."""
        return list((await self.session.execute(_UNFOLLOWED, {"targets": list(targets)})).scalars())

    async def season_stands(self, account_id: UUID, season: str) -> dict[str, tuple[int, datetime]]:
        """Playlist -> rating and since when, of a season of an account."""
        rows = await self.session.execute(_SEASON_STANDS, {"account_id": account_id, "season": season})
        return {row.playlist_key: (row.rating, row.changed_at) for row in rows}

    async def add_typed_snapshot(self, snapshot: TypedSnapshotRow, ratings: Sequence[TypedRatingRow]) -> None:
        """A snapshot that somebody typed in; ratings that `stand` become the account's standing of now."""
        await self.session.execute(_ADD_TYPED, {**msgspec.structs.asdict(snapshot), "ratings": _json(ratings)})

    async def pending_targets(self, *, after: UUID | None, limit: int) -> list[UUID]:
        """Targets of active trackers that were never fetched, wait to be, or wait to be re-driven, by id.

        Those that come `after` one; putting them ahead does not end their wait, so that they cannot be asked for anew.
        """
        return list((await self.session.execute(_PENDING, {"after": after, "limit": limit})).scalars())

    async def stored_accounts(self, targets: Sequence[UUID]) -> dict[UUID, StoredAccount]:
        """Target id -> the account as it is stored; the accounts are held until the transaction ends."""
        rows = (await self.session.execute(_STANDINGS_OF, {"targets": list(targets)})).all()
        return {
            row.target_id: StoredAccount(
                account_id=row.account_id,
                seasons_known=row.seasons_known,
                current_season=row.current_season,
                standings={(s[0], s[1]): tuple(s[2:]) for s in row.standings or ()},
            )
            for row in rows
        }

    async def update_accounts(self, accounts: Sequence[AccountRow]) -> None:
        """Write the accounts of which anything differs from what is stored."""
        await self.session.execute(_UPDATE_ACCOUNTS, {"accounts": _json(accounts)})

    async def add_seasons(self, seasons: Sequence[SeasonRow]) -> None:
        await self.session.execute(_ADD_SEASONS, {"seasons": _json(seasons)})

    async def move_standings(self, moved: Sequence[MovedRow], snapshots: Sequence[SnapshotRow]) -> None:
        """Write what moved, as the standing of now and as a snapshot."""
        await self.session.execute(_MOVE_STANDINGS, {"moved": _json(moved), "snapshots": _json(snapshots)})

    async def everything_of(self, user_id: UUID) -> list[dict[str, Any]]:
        """What a person follows or followed, with all that was seen of it."""
        return [dict(row) for row in (await self.session.execute(_EVERYTHING_OF, {"user_id": user_id})).mappings()]

    async def targets_of(self, user_id: UUID) -> list[UUID]:
        """The targets behind everything that a person follows or followed."""
        return list((await self.session.execute(_TARGETS_OF, {"user_id": user_id})).scalars())

    async def remove_trackers_of(self, user_id: UUID) -> None:
        await self.session.execute(_REMOVE_TRACKERS_OF, {"user_id": user_id})

    async def remove_unfollowed(self, targets: Sequence[UUID]) -> list[UUID]:
        """Delete the accounts among these that nobody follows or followed; their targets."""
        return list((await self.session.execute(_REMOVE_UNFOLLOWED, {"targets": list(targets)})).scalars())

    async def hand_over(self, user_id: UUID, *, to: UUID, most: int) -> None:
        """Make somebody's trackers another's, who keeps their own and has `most` active ones in the end."""
        await self.session.execute(_REMOVE_DOUBLES, {"user_id": user_id, "to": to})
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to, "most": most})


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
