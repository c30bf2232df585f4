"""SQL of playlist states: the bulk write of every scrape."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.database.advisory_locks import AdvisoryLock, take_shared
from trackers.games.parser import PlaylistState

_BEGIN: Final = text(f"SELECT {take_shared(AdvisoryLock.GAME_PROFILES)}")
_STATES_OF: Final = text("""
SELECT a.target_id, a.id AS account_id, a.game, a.platform, a.identifier, a.seasons_known, a.current_season,
       (SELECT json_agg(json_build_array(s.season_key, s.playlist_key, s.rating, s.tier, s.division,
                                         s.matches_played, s.win_streak, s.estimated))
        FROM game_playlist_states s
        WHERE s.account_id = a.id AND s.season_key = ANY(CAST(:seasons AS text[]))) AS playlist_states
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
_MOVE_STATES: Final = text("""
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
INSERT INTO game_playlist_states (account_id, season_key, playlist_key, name, rating, tier, tier_name, division,
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
Fingerprint = tuple[int, int | None, int | None, int, int, bool]
"""Fields whose change makes a snapshot: rating, tier, division, matches, streak, estimated."""


class StoredAccount(Struct, frozen=True, kw_only=True):
    """An account as it is stored, with its playlist states by (season, playlist)."""

    account_id: UUID
    game: str
    platform: str
    identifier: str
    seasons_known: int
    current_season: str | None
    playlist_states: dict[tuple[str, str], Fingerprint]

    @property
    def key(self) -> str:
        """The key of the account's target."""
        return f"{self.game}:{self.platform}:{self.identifier}"


class AccountRow(Struct, frozen=True, kw_only=True):
    """The fields of an account that a profile updates."""

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


class MovedRow(PlaylistState, frozen=True, kw_only=True):
    """A playlist state that is new or has changed, with the rating before."""

    account_id: UUID
    snapshot_id: UUID
    rating_before: int | None
    changed_at: datetime


class PlaylistStateRepository(Repository):
    """Playlist states of accounts, and their snapshots."""

    async def begin(self) -> None:
        """Make admins who block an account wait until the transaction ends; others can record profiles meanwhile."""
        await self.session.execute(_BEGIN)

    async def stored_accounts(self, targets: Sequence[UUID], *, seasons: Collection[str]) -> dict[UUID, StoredAccount]:
        """Return target id -> stored account, with its playlist states of the given seasons only.

        The number of states grows with every season. Locks the accounts until the transaction ends.
        """
        values = {"targets": list(targets), "seasons": sorted(seasons)}
        rows = (await self.session.execute(_STATES_OF, values)).all()
        return {
            row.target_id: StoredAccount(
                account_id=row.account_id,
                game=row.game,
                platform=row.platform,
                identifier=row.identifier,
                seasons_known=row.seasons_known,
                current_season=row.current_season,
                playlist_states={(s[0], s[1]): tuple(s[2:]) for s in row.playlist_states or ()},
            )
            for row in rows
        }

    async def update_accounts(self, accounts: Sequence[AccountRow]) -> None:
        """Write the accounts that differ from the stored ones."""
        await self.session.execute(_UPDATE_ACCOUNTS, {"accounts": _json(accounts)})

    async def add_seasons(self, seasons: Sequence[SeasonRow]) -> None:
        await self.session.execute(_ADD_SEASONS, {"seasons": _json(seasons)})

    async def move_playlist_states(self, moved: Sequence[MovedRow], snapshots: Sequence[SnapshotRow]) -> None:
        """Write changed playlist states, as the current state and as a snapshot."""
        await self.session.execute(_MOVE_STATES, {"moved": _json(moved), "snapshots": _json(snapshots)})


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
