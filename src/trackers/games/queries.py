"""Questions about game trackers: static statements, rows straight into Structs."""

from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.database import Reader
from shared.scraping.targets import STATUS_COLUMNS
from shared.web.identity import Identity
from trackers.games.errors import SnapshotNotFound, TrackerNotFound
from trackers.games.links import AccountIdentity, site_profile_url
from trackers.games.schemas import (
    RatingView,
    Seasons,
    SeasonView,
    Snapshots,
    SnapshotView,
    StandingView,
    Trackers,
    TrackerStatus,
    TrackerView,
)
from users.access import AccessPolicy

_COLUMNS: Final = f"""
SELECT k.id, k.user_id, k.url, a.game, a.platform, a.identifier, a.display, a.handle, a.avatar_url, a.current_season,
       k.active, k.created_at, {STATUS_COLUMNS}
"""
_FROM: Final = """
FROM game_trackers k
JOIN game_accounts a ON a.id = k.account_id
JOIN scrape_targets t ON t.id = a.target_id
LEFT JOIN scrape_schedule s ON s.target_id = a.target_id
"""
_JOINS: Final = f"{_FROM} WHERE k.id = :id AND k.deleted_at IS NULL"
_TRACKER: Final = text(f"{_COLUMNS} {_JOINS}")
_MINE: Final = text(f"""
{_COLUMNS}
{_FROM}
WHERE k.user_id = :user_id AND k.deleted_at IS NULL ORDER BY k.created_at, k.id
""")
_STATUS: Final = text(f"SELECT k.id, k.user_id, {STATUS_COLUMNS} {_JOINS}")
_ACCOUNT: Final = text("SELECT account_id, user_id FROM game_trackers WHERE id = :id AND deleted_at IS NULL")
_SEASONS: Final = text("""
SELECT s.key, s.name, s.number, s.key = a.current_season AS current
FROM game_accounts a JOIN game_seasons s ON s.account_id = a.id
WHERE a.id = :account_id ORDER BY s.number DESC NULLS LAST, s.key DESC
""")
_STANDINGS: Final = text("""
SELECT season_key, playlist_key AS playlist, name, rating, tier, tier_name, division, division_name, matches_played,
       win_streak, peak_rating, peak_tier, peak_division, estimated, changed_at
FROM game_standings WHERE account_id = :account_id ORDER BY playlist_key
""")
_SNAPSHOTS: Final = text("""
SELECT p.id, p.season_key, p.captured_at,
       json_agg(json_build_object(
           'playlist', r.playlist_key, 'name', coalesce(s.name, r.playlist_key),
           'rating', r.rating, 'rating_before', r.rating_before, 'tier', r.tier, 'division', r.division,
           'matches_played', r.matches_played, 'win_streak', r.win_streak, 'estimated', r.estimated
       ) ORDER BY r.playlist_key) AS playlists
FROM (
    SELECT id, account_id, season_key, captured_at FROM game_snapshots
    WHERE account_id = :account_id
      AND (CAST(:before AS uuid) IS NULL OR (captured_at, id) < (
          SELECT b.captured_at, b.id FROM game_snapshots b WHERE b.id = :before AND b.account_id = :account_id))
      AND (CAST(:season AS text) IS NULL OR season_key = :season)
    ORDER BY captured_at DESC, id DESC LIMIT :limit
) p
JOIN game_ratings r ON r.snapshot_id = p.id
LEFT JOIN game_standings s
  ON s.account_id = p.account_id AND s.season_key = p.season_key AND s.playlist_key = r.playlist_key
GROUP BY p.id, p.season_key, p.captured_at ORDER BY p.captured_at DESC, p.id DESC
""")
_SNAPSHOT: Final = text("SELECT 1 FROM game_snapshots WHERE id = :id AND account_id = :account_id")


class TrackerQueries:
    """Reads trackers, their seasons and snapshots; raises TrackerNotFound, or Forbidden for somebody else's."""

    def __init__(self, reader: Reader, *, access: AccessPolicy) -> None:
        self._reader = reader
        self._access = access

    async def trackers_of(self, user_id: UUID) -> Trackers:
        """A person's trackers, removed ones apart, the oldest first."""
        return Trackers(items=[_view(row) for row in await self._reader.rows(_MINE, {"user_id": user_id})])

    async def tracker(self, asker: Identity, tracker_id: UUID) -> TrackerView:
        return _view(await self._one(_TRACKER, asker, tracker_id))

    async def status(self, asker: Identity, tracker_id: UUID) -> TrackerStatus:
        row = await self._one(_STATUS, asker, tracker_id)
        del row["user_id"]
        return TrackerStatus(**row)

    async def seasons(self, asker: Identity, tracker_id: UUID) -> Seasons:
        """Every season the account was seen in, the newest first, with the standings that are known of it."""
        account_id = (await self._one(_ACCOUNT, asker, tracker_id))["account_id"]
        standings: dict[str, list[StandingView]] = {}
        for row in await self._reader.rows(_STANDINGS, {"account_id": account_id}):
            standings.setdefault(row.pop("season_key"), []).append(StandingView(**row))
        return Seasons(
            items=[
                SeasonView(**row, playlists=standings.get(row["key"], []))
                for row in await self._reader.rows(_SEASONS, {"account_id": account_id})
            ]
        )

    async def snapshots(
        self,
        asker: Identity,
        tracker_id: UUID,
        *,
        limit: int,
        before: UUID | None = None,
        season: str | None = None,
    ) -> Snapshots:
        """What moved, the newest first, up to `limit` moments older than the snapshot `before`.

        Raises SnapshotNotFound where the tracker's account has no snapshot `before`.
        """
        account_id = (await self._one(_ACCOUNT, asker, tracker_id))["account_id"]
        rows = await self._reader.rows(
            _SNAPSHOTS, {"account_id": account_id, "before": before, "season": season, "limit": limit + 1}
        )
        if not rows and before is not None:  # nothing is older than it, or it is none of this account's
            await self._check_snapshot(account_id, before)
        items = [
            SnapshotView(
                id=row["id"],
                season=row["season_key"],
                captured_at=row["captured_at"],
                playlists=msgspec.convert(row["playlists"], list[RatingView]),
            )
            for row in rows[:limit]
        ]
        return Snapshots(items=items, next_before=items[-1].id if len(rows) > limit else None)

    async def _check_snapshot(self, account_id: UUID, snapshot_id: UUID) -> None:
        if await self._reader.value(_SNAPSHOT, {"id": snapshot_id, "account_id": account_id}) is None:
            raise SnapshotNotFound(snapshot_id)

    async def _one(self, statement: Any, asker: Identity, tracker_id: UUID) -> dict[str, Any]:
        """A tracker's row, which holds its owner."""
        row = await self._reader.row(statement, {"id": tracker_id})
        if row is None:
            raise TrackerNotFound(tracker_id)
        await self._access.check_read(asker, row["user_id"])
        return row


def _view(row: dict[str, Any]) -> TrackerView:
    account = AccountIdentity(
        game=row["game"], platform=row["platform"], identifier=row["identifier"], display=row["display"]
    )
    return TrackerView(**row, profile_url=site_profile_url(account))
