"""SQL of manual snapshots, which belong to one person and one account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.ids import first_id_of
from trackers.games.manual_schemas import ManualPlaylist

_ADD: Final = text("""
INSERT INTO game_manual_snapshots (id, user_id, account_id, season, captured_at, entered_at, note, evidence_url)
VALUES (:id, :user_id, :account_id, :season, :captured_at, :entered_at, :note, :evidence_url)
""")
_PUT_RATINGS: Final = text("""
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:playlists AS jsonb)) AS x (
        playlist text, rating integer, tier smallint, division smallint, matches_played integer, win_streak integer
    )
), gone AS (
    DELETE FROM game_manual_ratings
    WHERE snapshot_id = :id AND NOT EXISTS (SELECT FROM given WHERE playlist = playlist_key)
)
INSERT INTO game_manual_ratings (snapshot_id, playlist_key, rating, tier, division, matches_played, win_streak)
SELECT :id, playlist, rating, tier, division, matches_played, win_streak FROM given
ON CONFLICT (snapshot_id, playlist_key) DO UPDATE
SET rating = excluded.rating, tier = excluded.tier, division = excluded.division,
    matches_played = excluded.matches_played, win_streak = excluded.win_streak
""")
_STORED: Final = text("""
SELECT m.id, m.user_id, m.account_id, m.season, m.captured_at, m.entered_at, m.note, m.evidence_url,
       a.current_season, t.last_success_at AS fetched_at,
       (SELECT json_agg(json_build_object(
           'playlist', r.playlist_key, 'rating', r.rating, 'tier', r.tier, 'division', r.division,
           'matches_played', r.matches_played, 'win_streak', r.win_streak) ORDER BY r.playlist_key)
        FROM game_manual_ratings r WHERE r.snapshot_id = m.id) AS playlists
FROM game_manual_snapshots m
JOIN game_accounts a ON a.id = m.account_id
JOIN scrape_targets t ON t.id = a.target_id
WHERE m.id = :id
""")
_CHANGE: Final = text("""
UPDATE game_manual_snapshots
SET season = :season, captured_at = :captured_at, entered_at = :entered_at, note = :note, evidence_url = :evidence_url
WHERE id = :id
""")
_REMOVE: Final = text("DELETE FROM game_manual_snapshots WHERE id = :id")
_REMOVE_OF: Final = text("DELETE FROM game_manual_snapshots WHERE user_id = :user_id")
_HAND_OVER: Final = text("UPDATE game_manual_snapshots SET user_id = :to WHERE user_id = :user_id")
_MOVE: Final = text("UPDATE game_manual_snapshots SET account_id = :into WHERE account_id = :source")
_ENTERED_SINCE: Final = text("""
SELECT entered_at FROM game_manual_snapshots
WHERE user_id = :user_id AND account_id = :account_id AND entered_at > :since
ORDER BY entered_at DESC LIMIT :limit
""")
_KNOWN_PLAYLISTS: Final = text("SELECT DISTINCT playlist_key FROM game_playlist_states WHERE account_id = :account_id")
_FORGET_REVIEWS: Final = text("DELETE FROM game_manual_reviews WHERE snapshot_id = :id")
# Only snapshots of confirmed members on accounts that they follow.
_OF_GUILD: Final = text("""
SELECT m.user_id FROM game_manual_snapshots m
JOIN guild_members g ON g.user_id = m.user_id AND g.guild_id = :guild_id AND g.confirmed_by IS NOT NULL
WHERE m.id = :id AND EXISTS (
    SELECT FROM game_trackers k WHERE k.user_id = m.user_id AND k.account_id = m.account_id AND k.deleted_at IS NULL
)
""")
_REVIEW: Final = text("""
INSERT INTO game_manual_reviews (snapshot_id, guild_id, confirmed, reviewed_at)
VALUES (:id, :guild_id, :confirmed, :now)
ON CONFLICT (snapshot_id, guild_id) DO UPDATE SET confirmed = excluded.confirmed, reviewed_at = excluded.reviewed_at
""")
_REMOVE_OLD: Final = text("""
DELETE FROM game_manual_snapshots WHERE id IN (
    SELECT m.id FROM game_manual_snapshots m
    WHERE m.id < :boundary AND EXISTS (
        SELECT FROM game_manual_snapshots n
        WHERE n.user_id = m.user_id AND n.account_id = m.account_id AND n.captured_at >= m.captured_at
          AND (n.captured_at, n.id) > (m.captured_at, m.id)
    )
    ORDER BY m.id LIMIT :limit
)
""")
_EVERYTHING_OF: Final = text("""
SELECT m.id, a.game, a.platform, a.identifier, a.display, CAST(m.season AS text) AS season, m.captured_at, m.entered_at,
       m.note, m.evidence_url,
       (SELECT json_agg(json_build_object(
           'playlist', r.playlist_key, 'rating', r.rating, 'tier', r.tier, 'division', r.division,
           'matches_played', r.matches_played, 'win_streak', r.win_streak) ORDER BY r.playlist_key)
        FROM game_manual_ratings r WHERE r.snapshot_id = m.id) AS playlists,
       coalesce((
           SELECT json_agg(json_build_object(
               'guild_id', v.guild_id, 'status', CASE WHEN v.confirmed THEN 'confirmed' ELSE 'rejected' END,
               'reviewed_at', v.reviewed_at) ORDER BY v.guild_id)
           FROM game_manual_reviews v WHERE v.snapshot_id = m.id
       ), '[]') AS reviews
FROM game_manual_snapshots m JOIN game_accounts a ON a.id = m.account_id
WHERE m.user_id = :user_id ORDER BY m.id
""")


class ManualSnapshotRow(Struct, frozen=True, kw_only=True):
    """A manual snapshot as it is stored, without its playlists."""

    id: UUID
    user_id: UUID
    account_id: UUID
    season: int
    captured_at: datetime
    entered_at: datetime
    note: str
    evidence_url: str | None


class StoredManualSnapshot(Struct, frozen=True, kw_only=True):
    """A manual snapshot with its playlists, and the season and last fetch of its account."""

    id: UUID
    user_id: UUID
    account_id: UUID
    season: int
    captured_at: datetime
    entered_at: datetime
    note: str
    evidence_url: str | None
    playlists: list[ManualPlaylist]
    current_season: str | None
    fetched_at: datetime | None


class ManualSnapshotRepository(Repository):
    """Manual snapshots and their reviews."""

    async def add(self, snapshot: ManualSnapshotRow, playlists: Sequence[ManualPlaylist]) -> None:
        await self.session.execute(_ADD, msgspec.structs.asdict(snapshot))
        await self._put_ratings(snapshot.id, playlists)

    async def stored(self, snapshot_id: UUID) -> StoredManualSnapshot | None:
        row = (await self.session.execute(_STORED, {"id": snapshot_id})).mappings().one_or_none()
        if row is None:
            return None
        playlists = msgspec.convert(row["playlists"], list[ManualPlaylist])
        return StoredManualSnapshot(**{**row, "playlists": playlists})

    async def change(
        self,
        snapshot_id: UUID,
        *,
        season: int,
        captured_at: datetime,
        entered_at: datetime,
        note: str,
        evidence_url: str | None,
        playlists: Sequence[ManualPlaylist],
    ) -> None:
        """Correct a snapshot. Reviews are removed, because they were about the old figures."""
        values = {"season": season, "captured_at": captured_at, "entered_at": entered_at, "note": note}
        await self.session.execute(_CHANGE, {"id": snapshot_id, **values, "evidence_url": evidence_url})
        await self._put_ratings(snapshot_id, playlists)
        await self.session.execute(_FORGET_REVIEWS, {"id": snapshot_id})

    async def remove(self, snapshot_id: UUID) -> None:
        await self.session.execute(_REMOVE, {"id": snapshot_id})

    async def entered_since(self, since: datetime, *, user_id: UUID, account_id: UUID, limit: int) -> list[datetime]:
        """Return the times at which a person entered snapshots of an account after `since`, the latest first."""
        values = {"user_id": user_id, "account_id": account_id, "since": since, "limit": limit}
        return list((await self.session.execute(_ENTERED_SINCE, values)).scalars())

    async def known_playlists(self, account_id: UUID) -> set[str]:
        """Return the playlists of an account that the site has shown."""
        return set((await self.session.execute(_KNOWN_PLAYLISTS, {"account_id": account_id})).scalars())

    async def member_of(self, snapshot_id: UUID, guild_id: str) -> UUID | None:
        """Return the member who entered the snapshot, or None if the guild does not review it."""
        owner: UUID | None = (
            await self.session.execute(_OF_GUILD, {"id": snapshot_id, "guild_id": guild_id})
        ).scalar_one_or_none()
        return owner

    async def review(self, snapshot_id: UUID, guild_id: str, *, confirmed: bool, now: datetime) -> None:
        values = {"id": snapshot_id, "guild_id": guild_id, "confirmed": confirmed, "now": now}
        await self.session.execute(_REVIEW, values)

    async def move(self, source: UUID, *, into: UUID) -> None:
        """Move the snapshots of an account to another account; their owners stay."""
        await self.session.execute(_MOVE, {"source": source, "into": into})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to})

    async def remove_of(self, user_id: UUID) -> None:
        await self.session.execute(_REMOVE_OF, {"user_id": user_id})

    async def everything_of(self, user_id: UUID) -> list[dict[str, Any]]:
        return [dict(row) for row in (await self.session.execute(_EVERYTHING_OF, {"user_id": user_id})).mappings()]

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove snapshots that were entered before a moment, except the last of each person and account."""
        result = await self.session.execute(_REMOVE_OLD, {"boundary": first_id_of(before), "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it

    async def _put_ratings(self, snapshot_id: UUID, playlists: Sequence[ManualPlaylist]) -> None:
        given = msgspec.json.encode(playlists).decode()
        await self.session.execute(_PUT_RATINGS, {"id": snapshot_id, "playlists": given})
