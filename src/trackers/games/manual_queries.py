"""Read queries for manual snapshots; each checks the access policy first."""

from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.database import Queries
from shared.web.identity import BotIdentity, Identity
from trackers.games import catalogue
from trackers.games.manual_schemas import (
    GuildManualSnapshot,
    GuildManualSnapshots,
    GuildReview,
    ManualPlaylistView,
    MyManualSnapshot,
    MyManualSnapshots,
    ReviewStatus,
)
from users.access import AccessPolicy
from users.guilds.guild_settings import ManualSnapshots, from_stored

_COLUMNS: Final = """
SELECT m.id, m.user_id, k.id AS tracker_id, a.game, a.platform, a.identifier, a.display,
       CAST(m.season AS text) AS season, m.captured_at, m.entered_at, m.note, m.evidence_url,
       (SELECT json_agg(json_build_object(
           'playlist', r.playlist_key, 'name', r.playlist_key, 'rating', r.rating, 'tier', r.tier,
           'division', r.division, 'matches_played', r.matches_played, 'win_streak', r.win_streak
        ) ORDER BY length(r.playlist_key), r.playlist_key)
        FROM game_manual_ratings r WHERE r.snapshot_id = m.id) AS playlists
"""
_JOINS: Final = """
FROM game_manual_snapshots m
JOIN game_accounts a ON a.id = m.account_id
"""
_TRACKER: Final = "game_trackers k ON k.user_id = m.user_id AND k.account_id = m.account_id AND k.deleted_at IS NULL"
_REVIEWS: Final = """
, coalesce((
    SELECT json_agg(json_build_object(
        'guild_id', v.guild_id, 'status', CASE WHEN v.confirmed THEN 'confirmed' ELSE 'rejected' END,
        'reviewed_at', v.reviewed_at) ORDER BY v.guild_id)
    FROM game_manual_reviews v WHERE v.snapshot_id = m.id
), '[]') AS reviews
"""
_MINE: Final = f"{_COLUMNS} {_REVIEWS} {_JOINS} LEFT JOIN {_TRACKER}"
_ONE: Final = text(f"{_MINE} WHERE m.id = :id")
_LIST: Final = text(f"""
{_MINE}
WHERE (CAST(:user_id AS uuid) IS NULL OR m.user_id = :user_id) AND (CAST(:before AS uuid) IS NULL OR m.id < :before)
ORDER BY m.id DESC LIMIT :limit
""")
_STATUS: Final = "CASE WHEN v.confirmed THEN 'confirmed' WHEN NOT v.confirmed THEN 'rejected' ELSE 'waiting' END"
_GUILDS: Final = f"""
{_COLUMNS}, {_STATUS} AS status, v.reviewed_at,
       (SELECT coalesce(u.display_name, i.global_name, i.username)
        FROM users u LEFT JOIN user_identities i ON i.user_id = u.id AND i.provider = 'discord'
        WHERE u.id = m.user_id ORDER BY i.updated_at DESC, i.external_id LIMIT 1) AS display_name
{_JOINS}
JOIN {_TRACKER}
JOIN guild_members g ON g.user_id = m.user_id AND g.guild_id = :guild_id AND g.confirmed_by IS NOT NULL
LEFT JOIN game_manual_reviews v ON v.snapshot_id = m.id AND v.guild_id = :guild_id
"""  # noqa: S608 -- fragments of our own
_GUILD_LIST: Final = text(f"""
{_GUILDS}
WHERE (CAST(:status AS text) IS NULL OR {_STATUS} = :status) AND (CAST(:before AS uuid) IS NULL OR m.id < :before)
ORDER BY m.id DESC LIMIT :limit
""")
_GUILD_ONE: Final = text(f"{_GUILDS} WHERE m.id = :id")
_SETTINGS: Final = text("SELECT settings FROM guilds WHERE id = :guild_id")
# Staff of a guild that counts no manual snapshots do not review any.
_REVIEWED_BY_PERSON: Final = text("""
SELECT g.settings FROM guild_members r
JOIN guild_members o ON o.guild_id = r.guild_id AND o.user_id = :owner AND o.confirmed_by IS NOT NULL
JOIN guilds g ON g.id = r.guild_id
WHERE r.user_id = :reader AND r.admin
""")
_REVIEWED_BY_BOT: Final = text("""
SELECT g.settings FROM guild_members o JOIN guilds g ON g.id = o.guild_id
WHERE o.user_id = :owner AND o.guild_id = ANY(CAST(:guilds AS text[])) AND o.confirmed_by IS NOT NULL
""")


async def may_read_notes(questions: Queries, asker: Identity, owner: UUID) -> bool:
    """True if the caller may read a person's notes and evidence: the person, admins, reviewing staff and bots.

    Call it only for callers that may read the person's tracker.
    """
    if isinstance(asker, BotIdentity):
        if asker.guild_ids is None:
            return True
        rows = await questions.rows(_REVIEWED_BY_BOT, {"owner": owner, "guilds": sorted(asker.guild_ids)})
    elif asker.is_admin or asker.user_id == owner:
        return True
    else:
        rows = await questions.rows(_REVIEWED_BY_PERSON, {"owner": owner, "reader": asker.user_id})
    return any(from_stored(row["settings"]).manual_snapshots is not ManualSnapshots.NONE for row in rows)


class ManualSnapshotQueries:
    """Reads manual snapshots: a person's own, everybody's for admins, and those of members for the staff of a guild."""

    def __init__(self, questions: Queries, *, access: AccessPolicy) -> None:
        self._questions = questions
        self._access = access

    async def of_person(self, user_id: UUID, *, before: UUID | None, limit: int) -> MyManualSnapshots:
        """Return a person's manual snapshots, also those of accounts that they no longer follow."""
        return await self._list(user_id, before=before, limit=limit)

    async def of_everybody(self, *, user_id: UUID | None, before: UUID | None, limit: int) -> MyManualSnapshots:
        """Return the manual snapshots of everybody, or of one person; for admins only."""
        return await self._list(user_id, before=before, limit=limit)

    async def of_guild(
        self, asker: Identity, guild_id: str, *, status: ReviewStatus | None, before: UUID | None, limit: int
    ) -> GuildManualSnapshots:
        """Return the manual snapshots of members on accounts that they follow.

        Empty if the guild counts no manual snapshots: its staff review none then.
        Raises GuildNotFound, or Forbidden for members who are not staff.
        """
        await self._access.check_guild_write(asker, guild_id)
        if await self.setting(guild_id) is ManualSnapshots.NONE:
            return GuildManualSnapshots(items=[], next_before=None)
        rows = await self._questions.rows(
            _GUILD_LIST, {"guild_id": guild_id, "status": status, "before": before, "limit": limit + 1}
        )
        items = [_guild_view(row) for row in rows[:limit]]
        return GuildManualSnapshots(items=items, next_before=items[-1].id if len(rows) > limit else None)

    async def one(self, snapshot_id: UUID) -> MyManualSnapshot:
        """Return an existing snapshot; the caller has checked the access policy."""
        (row,) = await self._questions.rows(_ONE, {"id": snapshot_id})
        return _my_view(row)

    async def one_of_guild(self, guild_id: str, snapshot_id: UUID) -> GuildManualSnapshot:
        """Return an existing snapshot as the guild sees it; the caller has checked the access policy."""
        (row,) = await self._questions.rows(_GUILD_ONE, {"guild_id": guild_id, "id": snapshot_id})
        return _guild_view(row)

    async def setting(self, guild_id: str) -> ManualSnapshots:
        """Return which manual snapshots a guild counts."""
        return from_stored(await self._questions.value(_SETTINGS, {"guild_id": guild_id}) or {}).manual_snapshots

    async def _list(self, user_id: UUID | None, *, before: UUID | None, limit: int) -> MyManualSnapshots:
        rows = await self._questions.rows(_LIST, {"user_id": user_id, "before": before, "limit": limit + 1})
        items = [_my_view(row) for row in rows[:limit]]
        return MyManualSnapshots(items=items, next_before=items[-1].id if len(rows) > limit else None)


def _my_view(row: dict[str, Any]) -> MyManualSnapshot:
    reviews = msgspec.convert(row.pop("reviews"), list[GuildReview])
    return MyManualSnapshot(**row | {"playlists": _playlists(row["playlists"])}, reviews=reviews)


def _guild_view(row: dict[str, Any]) -> GuildManualSnapshot:
    return GuildManualSnapshot(
        **row | {"playlists": _playlists(row["playlists"]), "status": ReviewStatus(row["status"])}
    )


def _playlists(rows: Any) -> list[ManualPlaylistView]:
    return [
        ManualPlaylistView(**row | {"name": catalogue.playlist_called(row["playlist"], row["name"])}) for row in rows
    ]
