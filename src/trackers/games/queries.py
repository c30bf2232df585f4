"""Questions about game trackers: static statements, rows straight into Structs."""

from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text

from shared.database import Questions
from shared.scraping.source import Status
from shared.scraping.targets import STATUS_COLUMNS, STATUS_IS
from shared.web.identity import BotIdentity, Identity
from trackers.games.errors import SnapshotNotFound, TrackerNotFound
from trackers.games.links import account_of, site_profile_url
from trackers.games.schemas import (
    RatingView,
    Seasons,
    SeasonView,
    Snapshots,
    SnapshotView,
    StandingView,
    TrackerDetail,
    TrackerFilter,
    TrackerPage,
    Trackers,
    TrackerSort,
    TrackerStatus,
    TrackerView,
)
from users.access import AccessPolicy

TRACKER_COLUMNS: Final = f"""
SELECT k.id, k.user_id, k.url, a.game, a.platform, a.identifier, a.display, a.handle, a.avatar_url, a.current_season,
       k.active, k.created_at, {STATUS_COLUMNS}
"""
TRACKER_JOINS: Final = """
FROM game_trackers k
JOIN game_accounts a ON a.id = k.account_id
JOIN scrape_targets t ON t.id = a.target_id
LEFT JOIN scrape_schedule s ON s.target_id = a.target_id
"""
_JOINS: Final = f"{TRACKER_JOINS} WHERE k.id = :id AND k.deleted_at IS NULL"
_TRACKER: Final = text(f"{TRACKER_COLUMNS} {_JOINS}")
_MINE: Final = text(f"""
{TRACKER_COLUMNS}
{TRACKER_JOINS}
WHERE k.user_id = :user_id AND k.deleted_at IS NULL ORDER BY k.created_at, k.id
""")
_STATUS: Final = text(f"SELECT k.id, k.user_id, {STATUS_COLUMNS} {_JOINS}")
_ACCOUNT: Final = text("SELECT account_id, user_id FROM game_trackers WHERE id = :id AND deleted_at IS NULL")
_SEASONS: Final = text("""
SELECT s.key, s.name, s.number, s.key IS NOT DISTINCT FROM a.current_season AS current
FROM game_accounts a JOIN game_seasons s ON s.account_id = a.id
WHERE a.id = :account_id ORDER BY s.number DESC NULLS LAST, s.key DESC
""")
_STANDINGS: Final = text("""
SELECT season_key, playlist_key AS playlist, name, rating, tier, tier_name, division, division_name, matches_played,
       win_streak, peak_rating, peak_tier, peak_division, estimated, changed_at
FROM game_standings WHERE account_id = :account_id ORDER BY playlist_key
""")
_SNAPSHOTS: Final = """
SELECT p.id, p.season_key, p.captured_at, p.entered_by IS NOT NULL AS typed, p.note, p.evidence_url,
       json_agg(json_build_object(
           'playlist', r.playlist_key, 'name', coalesce(s.name, r.playlist_key),
           'rating', r.rating, 'rating_before', r.rating_before, 'tier', r.tier, 'division', r.division,
           'matches_played', r.matches_played, 'win_streak', r.win_streak, 'estimated', r.estimated
       ) ORDER BY r.playlist_key) AS playlists
FROM (
    SELECT id, account_id, season_key, captured_at, entered_by, note, evidence_url FROM game_snapshots
    WHERE {where}
    ORDER BY captured_at DESC, id DESC LIMIT :limit
) p
JOIN game_ratings r ON r.snapshot_id = p.id
LEFT JOIN game_standings s
  ON s.account_id = p.account_id AND s.season_key = p.season_key AND s.playlist_key = r.playlist_key
GROUP BY p.id, p.season_key, p.captured_at, p.entered_by, p.note, p.evidence_url ORDER BY p.captured_at DESC, p.id DESC
"""
_SNAPSHOT_FILTERS: Final = {
    "before": """(captured_at, id) < (
        SELECT b.captured_at, b.id FROM game_snapshots b WHERE b.id = :before AND b.account_id = :account_id)""",
    "season": "season_key = :season",
    "since": "captured_at >= :since",
    "until": "captured_at < :until",
}
TRACKER_FILTERS: Final = {
    "user_id": "k.user_id = :user_id",
    "guild_id": "EXISTS (SELECT FROM guild_members g WHERE g.guild_id = :guild_id AND g.user_id = k.user_id)",
    "platform": "a.platform = :platform",
    "active": "k.active = :active",
}
_VISIBLE: Final = {
    "everybody": "TRUE",
    "guilds": """EXISTS (SELECT FROM guild_members v
                         WHERE v.user_id = k.user_id AND v.guild_id = ANY(CAST(:guilds AS text[])))""",
    "reader": """(k.user_id = :reader OR EXISTS (
                     SELECT FROM guild_members r JOIN guild_members v ON v.guild_id = r.guild_id
                     WHERE r.user_id = :reader AND r.admin AND v.user_id = k.user_id))""",
}
TRACKER_ORDER: Final = {
    TrackerSort.CREATED: "k.id",
    TrackerSort.CREATED_DOWN: "k.id DESC",
    TrackerSort.NAME: "a.identifier, k.id",
    TrackerSort.NAME_DOWN: "a.identifier DESC, k.id DESC",
    TrackerSort.CHANGED: "t.last_changed_at NULLS FIRST, k.id",
    TrackerSort.CHANGED_DOWN: "t.last_changed_at DESC NULLS LAST, k.id DESC",
}
_SNAPSHOT: Final = text("SELECT 1 FROM game_snapshots WHERE id = :id AND account_id = :account_id")


@cache
def _list_statements(
    wanted: frozenset[str], status: Status | None, visible: str, sort: TrackerSort
) -> tuple[TextClause, TextClause]:
    """A page, and how many there are, with the filters that are asked for and no others: plans differ by them."""
    filters = [TRACKER_FILTERS[name] for name in sorted(wanted)] + ([STATUS_IS[status]] if status else [])
    where = " AND ".join(["k.deleted_at IS NULL", _VISIBLE[visible], *filters])
    page = text(
        f"{TRACKER_COLUMNS} {TRACKER_JOINS} WHERE {where} ORDER BY {TRACKER_ORDER[sort]} LIMIT :limit OFFSET :skip"
    )
    joins = TRACKER_JOINS if status or "platform" in wanted else "FROM game_trackers k"
    return page, text(f"SELECT count(*) {joins} WHERE {where}")


@cache
def _snapshots_statement(wanted: frozenset[str]) -> TextClause:
    """With the filters that are asked for and no others: a plan for all of them reads everything that ever moved."""
    filters = [_SNAPSHOT_FILTERS[name] for name in sorted(wanted)]
    return text(_SNAPSHOTS.format(where=" AND ".join(["account_id = :account_id", *filters])))


class TrackerReads:
    """Reads by a tracker's id; raise TrackerNotFound, or Forbidden for somebody else's."""

    def __init__(self, questions: Questions, *, access: AccessPolicy) -> None:
        self._questions = questions
        self._access = access

    async def _one(self, statement: Any, asker: Identity, tracker_id: UUID) -> dict[str, Any]:
        """A tracker's row, which holds its owner."""
        row = await self._questions.row(statement, {"id": tracker_id})
        if row is None:
            raise TrackerNotFound(tracker_id)
        await self._access.check_read(asker, row["user_id"])
        return row


class TrackerQueries(TrackerReads):
    """Reads trackers and their seasons."""

    async def get_trackers_by_user_id(self, user_id: UUID) -> Trackers:
        """A person's trackers, removed ones apart, the oldest first."""
        return Trackers(items=[tracker_view(row) for row in await self._questions.rows(_MINE, {"user_id": user_id})])

    async def get_trackers_by_guild(
        self, asker: Identity, guild_id: str, *, page: int = 1, per_page: int = 50
    ) -> TrackerPage:
        """The trackers of a guild's members that the asker may see. Raises NotFound for an unknown guild."""
        return await self.list_trackers(asker, TrackerFilter(guild_id=guild_id), page=page, per_page=per_page)

    async def list_trackers(
        self,
        asker: Identity,
        wanted: TrackerFilter,
        *,
        sort: TrackerSort = TrackerSort.CREATED,
        page: int = 1,
        per_page: int = 50,
    ) -> TrackerPage:
        """Those trackers, of all that the asker may see, that are wanted. Raises NotFound for an unknown guild."""
        if wanted.guild_id is not None:
            await self._access.check_guild_read(asker, wanted.guild_id)
        parameters = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
        visible = "everybody"
        if isinstance(asker, BotIdentity):
            if asker.guild_ids is not None:
                visible, parameters["guilds"] = "guilds", sorted(asker.guild_ids)
        elif not asker.is_admin:
            visible, parameters["reader"] = "reader", asker.user_id
        parameters.pop("status", None)
        filters = frozenset(parameters) - {"guilds", "reader"}
        items, count = _list_statements(filters, wanted.status, visible, sort)
        rows = await self._questions.rows(items, {**parameters, "limit": per_page, "skip": (page - 1) * per_page})
        return TrackerPage(
            items=[tracker_view(row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._questions.value(count, parameters),
        )

    async def get_tracker_by_id(self, asker: Identity, tracker_id: UUID) -> TrackerView:
        return tracker_view(await self._one(_TRACKER, asker, tracker_id))

    async def get_tracker_detail(self, asker: Identity, tracker_id: UUID) -> TrackerDetail:
        """A tracker with every season it was seen in."""
        tracker = await self.get_tracker_by_id(asker, tracker_id)
        return TrackerDetail(tracker=tracker, seasons=(await self.get_tracker_seasons(asker, tracker_id)).items)

    async def get_tracker_status(self, asker: Identity, tracker_id: UUID) -> TrackerStatus:
        row = await self._one(_STATUS, asker, tracker_id)
        del row["user_id"]
        return TrackerStatus(**row)

    async def get_tracker_seasons(self, asker: Identity, tracker_id: UUID) -> Seasons:
        """Every season the account was seen in, the newest first, with the standings that are known of it."""
        account_id = (await self._one(_ACCOUNT, asker, tracker_id))["account_id"]
        standings: dict[str, list[StandingView]] = {}
        for row in await self._questions.rows(_STANDINGS, {"account_id": account_id}):
            standings.setdefault(row.pop("season_key"), []).append(StandingView(**row))
        return Seasons(
            items=[
                SeasonView(**row, playlists=standings.get(row["key"], []))
                for row in await self._questions.rows(_SEASONS, {"account_id": account_id})
            ]
        )


class SnapshotQueries(TrackerReads):
    """Reads what moved."""

    async def get_snapshots(
        self,
        asker: Identity,
        tracker_id: UUID,
        *,
        limit: int,
        before: UUID | None = None,
        season: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Snapshots:
        """What moved, the newest first, up to `limit` moments older than the snapshot `before`.

        Raises SnapshotNotFound where the tracker's account has no snapshot `before`.
        """
        account_id = (await self._one(_ACCOUNT, asker, tracker_id))["account_id"]
        given = {"before": before, "season": season, "since": since, "until": until}
        wanted = {name: value for name, value in given.items() if value is not None}
        rows = await self._questions.rows(
            _snapshots_statement(frozenset(wanted)), {"account_id": account_id, **wanted, "limit": limit + 1}
        )
        if not rows and before is not None:  # nothing is older than it, or it is none of this account's
            await self._check_snapshot(account_id, before)
        items = [
            SnapshotView(
                id=row["id"],
                season=row["season_key"],
                captured_at=row["captured_at"],
                typed=row["typed"],
                note=row["note"],
                evidence_url=row["evidence_url"],
                playlists=msgspec.convert(row["playlists"], list[RatingView]),
            )
            for row in rows[:limit]
        ]
        return Snapshots(items=items, next_before=items[-1].id if len(rows) > limit else None)

    async def _check_snapshot(self, account_id: UUID, snapshot_id: UUID) -> None:
        if await self._questions.value(_SNAPSHOT, {"id": snapshot_id, "account_id": account_id}) is None:
            raise SnapshotNotFound(snapshot_id)


def tracker_view(row: dict[str, Any]) -> TrackerView:
    return TrackerView(**row, profile_url=site_profile_url(account_of(row)))
