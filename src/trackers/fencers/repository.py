"""SQL of following fencers and clubs; both have the same shape, and so have their statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.ids import new_id
from trackers.fencers.errors import PageNotFound, TrackedNotFound
from trackers.fencers.links import Reference, SubjectKind

PAGES: Final = {SubjectKind.FENCER: "fencers", SubjectKind.CLUB: "fencing_clubs"}
TRACKED: Final = {SubjectKind.FENCER: "tracked_fencers", SubjectKind.CLUB: "tracked_clubs"}
COLUMN: Final = {SubjectKind.FENCER: "fencer_id", SubjectKind.CLUB: "club_id"}


def _by_kind(sql: str) -> dict[SubjectKind, Any]:
    """Return a statement per kind, with the names of its tables."""
    return {
        kind: text(sql.format(pages=PAGES[kind], tracked=TRACKED[kind], page_id=COLUMN[kind])) for kind in SubjectKind
    }


_KNOWN: Final = _by_kind("SELECT id FROM {pages} WHERE upstream_id = :upstream_id")
_ADD_PAGE: Final = _by_kind("""
INSERT INTO {pages} (id, upstream_id) VALUES (:id, :upstream_id)
ON CONFLICT (upstream_id) DO NOTHING
""")
_AIM: Final = _by_kind("""
UPDATE {pages} SET target_id = :target_id WHERE id = :id AND target_id IS DISTINCT FROM :target_id
""")
_TRACKED_OF: Final = _by_kind("SELECT id, {page_id} AS page_id, active FROM {tracked} WHERE user_id = :user_id")
_ADD: Final = _by_kind("""
INSERT INTO {tracked} (id, user_id, {page_id}, name, weapons, created_at, followed_since)
VALUES (:id, :user_id, :page_id, :name, CAST(:weapons AS text[]), :now, :now)
""")
_ONE: Final = _by_kind("""
SELECT k.id, k.user_id, k.{page_id} AS page_id, k.name, k.weapons, k.active, p.upstream_id, p.slug, p.target_id
FROM {tracked} k JOIN {pages} p ON p.id = k.{page_id} WHERE k.id = :id
""")
_CHANGE: Final = _by_kind("""
UPDATE {tracked} SET name = :name, weapons = CAST(:weapons AS text[]),
       followed_since = CASE WHEN active = :active THEN followed_since ELSE :now END, active = :active
WHERE id = :id
""")
_REMOVE: Final = _by_kind("DELETE FROM {tracked} WHERE id = :id")
_UNFOLLOWED: Final = _by_kind("""
SELECT p.target_id FROM {pages} p
WHERE p.target_id = ANY(CAST(:targets AS uuid[]))
  AND NOT EXISTS (SELECT FROM {tracked} k WHERE k.{page_id} = p.id AND k.active)
""")
_TARGETS_OF: Final = _by_kind("""
SELECT DISTINCT p.target_id FROM {tracked} k JOIN {pages} p ON p.id = k.{page_id}
WHERE k.user_id = :user_id AND p.target_id IS NOT NULL
""")
_ERASE: Final = _by_kind("DELETE FROM {tracked} WHERE user_id = :user_id")
_HAND_OVER: Final = {
    kind: tuple(
        text(sql.format(tracked=TRACKED[kind], page_id=COLUMN[kind]))
        for sql in (
            """
            UPDATE {tracked} o SET active = o.active OR k.active FROM {tracked} k
            WHERE k.user_id = :user_id AND o.user_id = :to AND o.{page_id} = k.{page_id}
            """,
            """
            DELETE FROM {tracked} k USING {tracked} o
            WHERE k.user_id = :user_id AND o.user_id = :to AND o.{page_id} = k.{page_id}
            """,
            "UPDATE {tracked} SET user_id = :to WHERE user_id = :user_id",
        )
    )
    for kind in SubjectKind
}
_EVERYTHING_OF: Final = _by_kind("""
SELECT p.upstream_id, p.name AS page_name, k.name, k.weapons, k.active, k.created_at
FROM {tracked} k JOIN {pages} p ON p.id = k.{page_id} WHERE k.user_id = :user_id ORDER BY k.created_at, k.id
""")
_PAGE_TARGET: Final = text("""
SELECT target_id FROM fencers WHERE id = :id UNION ALL SELECT target_id FROM fencing_clubs WHERE id = :id
""")
_STALE: Final = text("""
SELECT p.target_id FROM (
    SELECT target_id, read_at FROM fencers UNION ALL SELECT target_id, read_at FROM fencing_clubs
) p
JOIN scrape_schedule s ON s.target_id = p.target_id
JOIN scrape_targets t ON t.id = p.target_id
WHERE p.read_at < :before AND t.content_hash <> CAST(:anew AS bytea) ORDER BY p.read_at LIMIT :limit
""")
ANEW: Final = b"\x00"
"""The hash of an invalidated page: its next fetch is compared even if the page is the same."""


class FollowedPage(Struct, frozen=True, kw_only=True):
    """A followed fencer or club, as the service needs it."""

    id: UUID
    user_id: UUID
    page_id: UUID
    name: str | None
    weapons: list[str]
    active: bool
    upstream_id: int
    slug: str
    target_id: UUID | None


class TrackedRepository(Repository):
    """Reads and writes who follows which fencer or club."""

    async def page(self, reference: Reference) -> UUID:
        """Return the id of a fencer or club; create it if it is new."""
        values = {"upstream_id": reference.upstream_id}
        await self.session.execute(_ADD_PAGE[reference.kind], {**values, "id": new_id()})
        page_id: UUID = (await self.session.execute(_KNOWN[reference.kind], values)).scalar_one()
        return page_id

    async def aim(self, kind: SubjectKind, page_id: UUID, target_id: UUID) -> None:
        """Set the target that fetches a page."""
        await self.session.execute(_AIM[kind], {"id": page_id, "target_id": target_id})

    async def tracked_of(self, kind: SubjectKind, user_id: UUID) -> dict[UUID, tuple[UUID, bool]]:
        """Return page id -> (tracked id, active) for what a person follows."""
        rows = await self.session.execute(_TRACKED_OF[kind], {"user_id": user_id})
        return {row.page_id: (row.id, row.active) for row in rows}

    async def add(
        self,
        kind: SubjectKind,
        *,
        user_id: UUID,
        page_id: UUID,
        name: str | None,
        weapons: Sequence[str],
        now: datetime,
    ) -> UUID:
        tracked_id = new_id()
        await self.session.execute(
            _ADD[kind],
            {
                "id": tracked_id,
                "user_id": user_id,
                "page_id": page_id,
                "name": name,
                "weapons": [str(weapon) for weapon in weapons],
                "now": now,
            },
        )
        return tracked_id

    async def one(self, kind: SubjectKind, tracked_id: UUID) -> FollowedPage:
        """Return a followed fencer or club. Raises TrackedNotFound."""
        row = (await self.session.execute(_ONE[kind], {"id": tracked_id})).mappings().one_or_none()
        if row is None:
            raise TrackedNotFound(kind, tracked_id)
        return FollowedPage(**row)

    async def change(
        self,
        kind: SubjectKind,
        tracked_id: UUID,
        *,
        name: str | None,
        weapons: Sequence[str],
        active: bool,
        now: datetime,
    ) -> None:
        values = {"id": tracked_id, "name": name, "active": active, "now": now}
        await self.session.execute(_CHANGE[kind], {**values, "weapons": [str(weapon) for weapon in weapons]})

    async def remove(self, kind: SubjectKind, tracked_id: UUID) -> None:
        await self.session.execute(_REMOVE[kind], {"id": tracked_id})

    async def unfollowed(self, kind: SubjectKind, targets: Sequence[UUID]) -> list[UUID]:
        """Return the targets among these without an active follower."""
        return list((await self.session.execute(_UNFOLLOWED[kind], {"targets": list(targets)})).scalars())

    async def targets_of(self, kind: SubjectKind, user_id: UUID) -> list[UUID]:
        return list((await self.session.execute(_TARGETS_OF[kind], {"user_id": user_id})).scalars())

    async def erase(self, kind: SubjectKind, user_id: UUID) -> None:
        await self.session.execute(_ERASE[kind], {"user_id": user_id})

    async def hand_over(self, kind: SubjectKind, user_id: UUID, *, to: UUID) -> None:
        """Hand over all; what both follow stays as the destination has it, and is active if either was."""
        for statement in _HAND_OVER[kind]:
            await self.session.execute(statement, {"user_id": user_id, "to": to})

    async def everything_of(self, kind: SubjectKind, user_id: UUID) -> list[dict[str, Any]]:
        rows = await self.session.execute(_EVERYTHING_OF[kind], {"user_id": user_id})
        return [dict(row) for row in rows.mappings()]

    async def target_of(self, page_id: UUID) -> UUID:
        """Return the target of a fencer or club. Raises PageNotFound."""
        target_id: UUID | None = (await self.session.execute(_PAGE_TARGET, {"id": page_id})).scalar()
        if target_id is None:
            raise PageNotFound(page_id)
        return target_id

    async def stale(self, *, before: datetime, limit: int) -> list[UUID]:
        """Return fetched targets whose page was last parsed before a time, and merely found unchanged since."""
        values = {"before": before, "anew": ANEW, "limit": limit}
        return list((await self.session.execute(_STALE, values)).scalars())
