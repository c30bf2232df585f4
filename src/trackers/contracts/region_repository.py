"""SQL of regions: which are followed, their stored pages, and how fresh and complete they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository

_FOLLOW: Final = text("""
INSERT INTO contract_regions AS r (region_id, target_id, followed)
SELECT region_id, target_id, true
FROM unnest(CAST(:regions AS bigint[]), CAST(:targets AS uuid[])) AS x (region_id, target_id) ORDER BY region_id
ON CONFLICT (region_id) DO UPDATE SET target_id = excluded.target_id, followed = true
WHERE NOT r.followed OR r.target_id <> excluded.target_id
""")
_LEAVE: Final = text("""
UPDATE contract_regions SET followed = false
WHERE followed AND region_id <> ALL(CAST(:regions AS bigint[])) RETURNING target_id
""")
_TARGETS: Final = text("SELECT region_id, target_id FROM contract_regions WHERE followed")
_STATE: Final = text("""
SELECT region_id, generation, next_sweep_at, complete, concluded, pages, doubted_at, doubted_generation
FROM contract_regions WHERE region_id = :region
""")
_PAGES: Final = text("SELECT page, etag, contract_ids FROM contract_pages WHERE region_id = :region")
_BEGUN: Final = text("UPDATE contract_regions SET concluded = false WHERE region_id = :region AND concluded")
_PUT_PAGES: Final = text("""
INSERT INTO contract_pages (region_id, page, etag, contract_ids)
SELECT :region, page, etag, ids
FROM jsonb_to_recordset(CAST(:pages AS jsonb)) AS x (page int, etag text, ids bigint[])
ON CONFLICT (region_id, page) DO UPDATE SET etag = excluded.etag, contract_ids = excluded.contract_ids
""")
_CUT_PAGES: Final = text("DELETE FROM contract_pages WHERE region_id = :region AND page > :pages")
_SWEPT: Final = text("""
UPDATE contract_regions
SET swept_at = :now, next_sweep_at = :next_sweep_at, complete = CAST(:why AS text) IS NULL, why_incomplete = :why,
    complete_at = CASE WHEN CAST(:why AS text) IS NULL THEN :now ELSE complete_at END,
    generation = CASE WHEN CAST(:why AS text) IS NULL THEN :generation ELSE generation END,
    concluded = CASE WHEN CAST(:why AS text) IS NULL THEN true ELSE concluded END,
    doubted_at = CASE WHEN :doubted THEN coalesce(doubted_at, :now)
                      WHEN CAST(:why AS text) IS NOT NULL THEN doubted_at END,
    doubted_generation = CASE WHEN :doubted THEN coalesce(doubted_generation, :generation)
                              WHEN CAST(:why AS text) IS NOT NULL THEN doubted_generation END,
    pages = :pages
WHERE region_id = :region
""")
_COUNTED: Final = text("""
UPDATE contract_regions r SET live = n.live, unread = n.unread
FROM (
    SELECT (SELECT count(*) FROM contracts WHERE region_id = :region AND status = 'live') AS live,
           (SELECT count(*) FROM contracts WHERE region_id = :region AND status = 'live' AND items_state = 'pending')
               AS unread
) n
WHERE r.region_id = :region AND (r.live, r.unread) IS DISTINCT FROM (n.live, n.unread)
""")
# Unchanged counts are not written: a conflict would lock every row and write it to the WAL.
_TYPES_COUNTED: Final = text("""
WITH counted AS MATERIALIZED (
    SELECT type_id, count(*) AS live FROM (
        SELECT DISTINCT i.type_id, i.contract_id
        FROM contracts c JOIN contract_items i ON i.contract_id = c.contract_id AND i.is_included
        WHERE c.region_id = :region AND c.status = 'live'
    ) given GROUP BY type_id
), none_left AS (
    DELETE FROM contract_type_counts n
    WHERE n.region_id = :region AND NOT EXISTS (SELECT FROM counted WHERE type_id = n.type_id)
)
INSERT INTO contract_type_counts AS n (region_id, type_id, live)
SELECT :region, type_id, live FROM counted
EXCEPT SELECT region_id, type_id, live FROM contract_type_counts WHERE region_id = :region
ON CONFLICT (region_id, type_id) DO UPDATE SET live = excluded.live
""")
_REMOVE_LEFT: Final = text("""
DELETE FROM contract_regions r
WHERE NOT followed AND NOT EXISTS (SELECT FROM contracts c WHERE c.region_id = r.region_id)
""")


class StoredPage(Struct, frozen=True, kw_only=True):
    """A page as the API last sent it."""

    page: int
    etag: str
    ids: Sequence[int]


class RegionState(Struct, frozen=True, kw_only=True):
    """State of a region before a fetch."""

    region_id: int
    generation: datetime | None
    next_sweep_at: datetime | None
    complete: bool
    concluded: bool
    page_count: int
    pages: dict[int, StoredPage]
    doubted_at: datetime | None
    doubted_generation: datetime | None


class RegionRepository(Repository):
    """Reads and writes regions and their pages."""

    async def follow(self, targets: Mapping[int, UUID]) -> list[UUID]:
        """Follow these regions and no others; return the targets of regions that are no longer followed."""
        regions = sorted(targets)
        await self.session.execute(_FOLLOW, {"regions": regions, "targets": [targets[region] for region in regions]})
        left = await self.session.execute(_LEAVE, {"regions": regions})
        return [row.target_id for row in left]

    async def followed(self) -> dict[int, UUID]:
        """Followed region id -> target id."""
        return {row.region_id: row.target_id for row in await self.session.execute(_TARGETS)}

    async def state(self, region_id: int) -> RegionState | None:
        """State of a region with its pages; None if it was never followed."""
        row = (await self.session.execute(_STATE, {"region": region_id})).one_or_none()
        if row is None:
            return None
        pages = await self.session.execute(_PAGES, {"region": region_id})
        return RegionState(
            region_id=row.region_id,
            generation=row.generation,
            next_sweep_at=row.next_sweep_at,
            complete=row.complete,
            concluded=row.concluded,
            page_count=row.pages,
            pages={page.page: StoredPage(page=page.page, etag=page.etag, ids=page.contract_ids) for page in pages},
            doubted_at=row.doubted_at,
            doubted_generation=row.doubted_generation,
        )

    async def begun(self, region_id: int) -> None:
        """Note that a sweep has begun to write pages.

        Until its end it is unknown which contracts are missing (`concluded` is false).
        """
        await self.session.execute(_BEGUN, {"region": region_id})

    async def put_pages(self, region_id: int, pages: str) -> None:
        """Store pages as the API sent them; `pages`: JSON of [{page, etag, ids}]."""
        await self.session.execute(_PUT_PAGES, {"region": region_id, "pages": pages})

    async def cut_pages(self, region_id: int, *, after: int) -> None:
        """Delete the pages after the last page of the region."""
        await self.session.execute(_CUT_PAGES, {"region": region_id, "pages": after})

    async def swept(
        self,
        region_id: int,
        *,
        now: datetime,
        next_sweep_at: datetime,
        generation: datetime | None,
        pages: int,
        why_incomplete: str | None,
        doubted: bool = False,
    ) -> None:
        """Record the end of a sweep: how fresh the region is, and when the API will have a newer state.

        `doubted`: the sweep saw all pages but missed so many contracts that another sweep must confirm it.
        """
        await self.session.execute(
            _SWEPT,
            {
                "region": region_id,
                "now": now,
                "next_sweep_at": next_sweep_at,
                "generation": generation,
                "pages": pages,
                "why": why_incomplete,
                "doubted": doubted,
            },
        )

    async def count(self, region_id: int) -> None:
        """Store the number of live contracts of a region, and of those whose items are not read yet."""
        await self.session.execute(_COUNTED, {"region": region_id})

    async def count_types(self, region_id: int) -> None:
        """Store the number of live contracts of a region that offer each type."""
        await self.session.execute(_TYPES_COUNTED, {"region": region_id})

    async def remove_left(self) -> int:
        """Delete regions that are no longer followed and have no contracts left; return their number."""
        result = await self.session.execute(_REMOVE_LEFT)
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it
