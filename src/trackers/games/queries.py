"""Read queries for game trackers: static statements whose rows become Structs."""

from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy import TextClause, text

from shared.database import Queries
from shared.scraping.target import Status
from shared.scraping.targets import STATUS_COLUMNS, STATUS_IS
from shared.web.identity import BotIdentity, Identity
from trackers.games.catalogue import division_name, playlist_called, playlist_name, season_name, tier_name
from trackers.games.errors import SnapshotNotFound, TrackerNotFound
from trackers.games.links import account_of, site_profile_url
from trackers.games.manual_queries import may_read_notes
from trackers.games.schemas import (
    PlaylistView,
    RatingView,
    Seasons,
    SeasonView,
    Snapshots,
    SnapshotView,
    TrackerDetail,
    TrackerFilter,
    TrackerPage,
    Trackers,
    TrackerSort,
    TrackerStatus,
    TrackerView,
)
from users.access import AccessPolicy

ANY_TRACKER: Final = TrackerFilter()

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
_ACCOUNT: Final = text("""
SELECT k.account_id, k.user_id, t.last_success_at
FROM game_trackers k JOIN game_accounts a ON a.id = k.account_id JOIN scrape_targets t ON t.id = a.target_id
WHERE k.id = :id AND k.deleted_at IS NULL
""")
_SEASONS: Final = text("""
SELECT s.key, s.name, s.number, s.key IS NOT DISTINCT FROM a.current_season AS current
FROM game_accounts a JOIN game_seasons s ON s.account_id = a.id
WHERE a.id = :account_id ORDER BY s.number DESC NULLS LAST, s.key DESC
""")
_STATES: Final = text("""
SELECT season_key, playlist_key AS playlist, name, rating, tier, tier_name, division, division_name, matches_played,
       win_streak, peak_rating, peak_tier, peak_division, estimated, changed_at
FROM game_playlist_states WHERE account_id = :account_id ORDER BY playlist_key
""")
# The last manual snapshot of each playlist.
_MANUAL_STATES: Final = text("""
SELECT DISTINCT ON (m.season, r.playlist_key)
       CAST(m.season AS text) AS season_key, r.playlist_key AS playlist, r.rating, r.tier, r.division, r.matches_played,
       r.win_streak, max(r.rating) OVER (PARTITION BY m.season, r.playlist_key) AS peak_rating,
       m.captured_at AS changed_at
FROM game_manual_snapshots m JOIN game_manual_ratings r ON r.snapshot_id = m.id
WHERE m.user_id = :owner AND m.account_id = :account_id
ORDER BY m.season, r.playlist_key, m.captured_at DESC, m.id DESC
""")
# Fetched snapshots, and manual snapshots of the tracker's owner.
_SNAPSHOTS: Final = """
SELECT p.id, p.season_key, p.captured_at, p.manual, p.note, p.evidence_url,
       json_agg(json_build_object(
           'playlist', r.playlist_key, 'name', coalesce((
               SELECT s.name FROM game_playlist_states s
               WHERE s.account_id = :account_id AND s.season_key = p.season_key AND s.playlist_key = r.playlist_key
           ), r.playlist_key),
           'rating', r.rating, 'rating_before', r.rating_before, 'tier', r.tier, 'division', r.division,
           'matches_played', r.matches_played, 'win_streak', r.win_streak, 'estimated', r.estimated
       ) ORDER BY r.playlist_key) AS playlists
FROM (
    SELECT * FROM (
        (SELECT id, season_key, captured_at, false AS manual, NULL AS note, NULL AS evidence_url
         FROM game_snapshots WHERE {fetched}
         ORDER BY captured_at DESC, id DESC LIMIT :limit)
        UNION ALL
        (SELECT id, CAST(season AS text), captured_at, true, note, evidence_url
         FROM game_manual_snapshots WHERE {manual}
         ORDER BY captured_at DESC, id DESC LIMIT :limit)
    ) both_kinds
    ORDER BY captured_at DESC, id DESC LIMIT :limit
) p
CROSS JOIN LATERAL (
    SELECT playlist_key, rating, rating_before, tier, division, matches_played, win_streak, estimated
    FROM game_ratings WHERE NOT p.manual AND snapshot_id = p.id
    UNION ALL
    SELECT playlist_key, rating, NULL, tier, division, matches_played, win_streak, false
    FROM game_manual_ratings WHERE p.manual AND snapshot_id = p.id
) r
GROUP BY p.id, p.season_key, p.captured_at, p.manual, p.note, p.evidence_url ORDER BY p.captured_at DESC, p.id DESC
"""
_MOMENTS: Final = """
    SELECT id, captured_at FROM game_snapshots WHERE id = :before AND account_id = :account_id
    UNION ALL
    SELECT id, captured_at FROM game_manual_snapshots
    WHERE id = :before AND account_id = :account_id AND user_id = :owner
"""
_SNAPSHOT_FILTERS: Final = {
    "before": f"(captured_at, id) < (SELECT b.captured_at, b.id FROM ({_MOMENTS}) b)",  # noqa: S608 -- fragments of our own
    "season": "{season} = :season",
    "since": "captured_at >= :since",
    "until": "captured_at < :until",
}
TRACKER_FILTERS: Final = {
    "user_id": "k.user_id = :user_id",
    "guild_id": """EXISTS (SELECT FROM guild_members g WHERE g.guild_id = :guild_id AND g.user_id = k.user_id
                             AND g.confirmed_by IS NOT NULL)""",
    "platform": "a.platform = :platform",
    "active": "k.active = :active",
}
_VISIBLE: Final = {
    "everybody": "TRUE",
    "guilds": """EXISTS (SELECT FROM guild_members v
                         WHERE v.user_id = k.user_id AND v.guild_id = ANY(CAST(:guilds AS text[]))
                           AND v.confirmed_by IS NOT NULL)""",
    "reader": """(k.user_id = :reader OR EXISTS (
                     SELECT FROM guild_members r JOIN guild_members v ON v.guild_id = r.guild_id
                     WHERE r.user_id = :reader AND r.admin AND v.user_id = k.user_id
                       AND v.confirmed_by IS NOT NULL))""",
}
TRACKER_ORDER: Final = {
    TrackerSort.CREATED: "k.id",
    TrackerSort.CREATED_DOWN: "k.id DESC",
    TrackerSort.NAME: "a.identifier, k.id",
    TrackerSort.NAME_DOWN: "a.identifier DESC, k.id DESC",
    TrackerSort.CHANGED: "t.last_changed_at NULLS FIRST, k.id",
    TrackerSort.CHANGED_DOWN: "t.last_changed_at DESC NULLS LAST, k.id DESC",
}
_SNAPSHOT: Final = text(f"SELECT 1 FROM ({_MOMENTS}) b")  # noqa: S608 -- fragments of our own


@cache
def _list_statements(
    names: frozenset[str], status: Status | None, visible: str, sort: TrackerSort
) -> tuple[TextClause, TextClause]:
    """Statements for a page and for the total, with only the given filters, because query plans depend on them."""
    filters = [TRACKER_FILTERS[name] for name in sorted(names)] + ([STATUS_IS[status]] if status else [])
    where = " AND ".join(["k.deleted_at IS NULL", _VISIBLE[visible], *filters])
    page = text(
        f"{TRACKER_COLUMNS} {TRACKER_JOINS} WHERE {where} ORDER BY {TRACKER_ORDER[sort]} LIMIT :limit OFFSET :skip"
    )
    joins = TRACKER_JOINS if status or "platform" in names else "FROM game_trackers k"
    return page, text(f"SELECT count(*) {joins} WHERE {where}")


@cache
def _snapshots_statement(names: frozenset[str]) -> TextClause:
    """Statement with only the given filters: a plan for all filters would read the account's whole history."""
    filters = " AND ".join(["account_id = :account_id", *(_SNAPSHOT_FILTERS[name] for name in sorted(names))])
    return text(
        _SNAPSHOTS.format(
            fetched=filters.format(season="season_key"),
            manual=filters.format(season="CAST(season AS text)") + " AND user_id = :owner",
        )
    )


class TrackerReads:
    """Reads by the id of a tracker. Raises TrackerNotFound, or Forbidden if the caller may not see it."""

    def __init__(self, questions: Queries, *, access: AccessPolicy) -> None:
        self._questions = questions
        self._access = access

    async def _one(self, statement: Any, asker: Identity, tracker_id: UUID) -> dict[str, Any]:
        """Return the row of a tracker, which includes its owner."""
        row = await self._questions.row(statement, {"id": tracker_id})
        if row is None:
            raise TrackerNotFound(tracker_id)
        await self._access.check_read(asker, row["user_id"])
        return row


class TrackerQueries(TrackerReads):
    """Reads trackers, and the seasons of their accounts."""

    async def get_trackers_by_user_id(self, user_id: UUID) -> Trackers:
        """Return a person's trackers, the oldest first, without removed ones."""
        return Trackers(items=[tracker_view(row) for row in await self._questions.rows(_MINE, {"user_id": user_id})])

    async def get_trackers_by_guild(
        self,
        asker: Identity,
        guild_id: str,
        wanted: TrackerFilter = ANY_TRACKER,
        *,
        sort: TrackerSort = TrackerSort.CREATED,
        page: int = 1,
        per_page: int = 50,
    ) -> TrackerPage:
        """Return matching trackers of a guild's members, as far as the caller may see them. Raises GuildNotFound."""
        await self._access.check_guild_read(asker, guild_id)
        return await self._page(asker, replace(wanted, guild_id=guild_id), sort=sort, page=page, per_page=per_page)

    async def list_trackers(
        self,
        asker: Identity,
        wanted: TrackerFilter,
        *,
        sort: TrackerSort = TrackerSort.CREATED,
        page: int = 1,
        per_page: int = 50,
    ) -> TrackerPage:
        """Return matching trackers, as far as the caller may see them. Raises GuildNotFound."""
        if wanted.guild_id is not None:
            return await self.get_trackers_by_guild(
                asker, wanted.guild_id, wanted, sort=sort, page=page, per_page=per_page
            )
        return await self._page(asker, wanted, sort=sort, page=page, per_page=per_page)

    async def _page(
        self, asker: Identity, wanted: TrackerFilter, *, sort: TrackerSort, page: int, per_page: int
    ) -> TrackerPage:
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
        """Return a tracker with every season in which its account was seen."""
        tracker = await self.get_tracker_by_id(asker, tracker_id)
        return TrackerDetail(tracker=tracker, seasons=(await self.get_tracker_seasons(asker, tracker_id)).items)

    async def get_tracker_status(self, asker: Identity, tracker_id: UUID) -> TrackerStatus:
        row = await self._one(_STATUS, asker, tracker_id)
        del row["user_id"]
        return TrackerStatus(**row)

    async def get_tracker_seasons(self, asker: Identity, tracker_id: UUID) -> Seasons:
        """Return the seasons in which the account was seen, the newest first, with their known playlist states."""
        tracker = await self._one(_ACCOUNT, asker, tracker_id)
        of = {"account_id": tracker["account_id"]}
        playlist_states: dict[str, dict[str, PlaylistView]] = {}
        for row in await self._questions.rows(_STATES, of):
            season = playlist_states.setdefault(row.pop("season_key"), {})
            season[row["playlist"]] = PlaylistView(**row)
        for row in await self._questions.rows(_MANUAL_STATES, {**of, "owner": tracker["user_id"]}):
            season = playlist_states.setdefault(row.pop("season_key"), {})
            _put_manual(season, row, fetched_at=tracker["last_success_at"])
        seasons = await self._questions.rows(_SEASONS, of)
        seasons += [
            {"key": key, "name": season_name(int(key)), "number": int(key), "current": False}
            for key in playlist_states.keys() - {row["key"] for row in seasons}
            if key.isdecimal()
        ]
        seasons.sort(key=lambda row: (row["number"] or -1, row["key"]), reverse=True)
        return Seasons(
            items=[
                SeasonView(**row, playlists=[p for _, p in sorted(playlist_states.get(row["key"], {}).items())])
                for row in seasons
            ]
        )


class SnapshotQueries(TrackerReads):
    """Reads snapshots of trackers."""

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
        """Return up to `limit` snapshots, the newest first, older than the snapshot `before`.

        Raises SnapshotNotFound if the tracker's account has no snapshot `before`.
        """
        tracker = await self._one(_ACCOUNT, asker, tracker_id)
        of = {"account_id": tracker["account_id"], "owner": tracker["user_id"]}
        given = {"before": before, "season": season, "since": since, "until": until}
        filters = {name: value for name, value in given.items() if value is not None}
        statement = _snapshots_statement(frozenset(filters))
        rows = await self._questions.rows(statement, {**of, **filters, "limit": limit + 1})
        if not rows and before is not None:  # no older snapshot exists, or the tracker has no snapshot `before`
            await self._check_snapshot(of, before)
        notes = any(row["manual"] for row in rows) and await may_read_notes(self._questions, asker, of["owner"])
        items = [
            SnapshotView(
                id=row["id"],
                season=row["season_key"],
                captured_at=row["captured_at"],
                manual=row["manual"],
                note=row["note"] if notes else None,
                evidence_url=row["evidence_url"] if notes else None,
                playlists=[
                    replace(playlist, name=playlist_called(playlist.playlist, playlist.name))
                    for playlist in msgspec.convert(row["playlists"], list[RatingView])
                ],
            )
            for row in rows[:limit]
        ]
        return Snapshots(items=items, next_before=items[-1].id if len(rows) > limit else None)

    async def _check_snapshot(self, of: dict[str, Any], snapshot_id: UUID) -> None:
        if await self._questions.value(_SNAPSHOT, {**of, "before": snapshot_id}) is None:
            raise SnapshotNotFound(snapshot_id)


def _put_manual(season: dict[str, PlaylistView], row: dict[str, Any], *, fetched_at: datetime | None) -> None:
    """Show the figures that the person entered if the site has none, or if they are newer than the last fetch."""
    fetched = season.get(row["playlist"])
    if fetched is not None and row["changed_at"] < max(fetched.changed_at, fetched_at or fetched.changed_at):
        return
    tier, division, peak = row["tier"], row["division"], row.pop("peak_rating")
    higher = fetched is not None and (fetched.peak_rating or 0) > peak
    season[row["playlist"]] = PlaylistView(
        **row,
        name=fetched.name if fetched else playlist_name(int(row["playlist"])),
        tier_name=None if tier is None else tier_name(tier),
        division_name=None if division is None else division_name(division),
        peak_rating=fetched.peak_rating if fetched and higher else peak,
        peak_tier=fetched.peak_tier if fetched and higher else None,
        peak_division=fetched.peak_division if fetched and higher else None,
        estimated=False,
        manual=True,
    )


def tracker_view(row: dict[str, Any]) -> TrackerView:
    return TrackerView(**row, profile_url=site_profile_url(account_of(row)))
