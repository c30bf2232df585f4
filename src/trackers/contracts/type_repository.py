"""SQL of the type cache: types, groups and categories of the API, stored because they rarely change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from trackers.contracts.parser import CategoryInfo, GroupInfo, TypeInfo

_KNOWN: Final = text("""
SELECT type_id, group_id, failed_at FROM esi_types WHERE type_id = ANY(CAST(:ids AS bigint[]))
""")
_PUT: Final = text("""
INSERT INTO esi_types (type_id, name, group_id, market_group_id, published, volume, packaged_volume, last_refreshed_at)
SELECT type_id, name, group_id, market_group_id, published, volume, packaged_volume, :now
FROM jsonb_to_recordset(CAST(:types AS jsonb)) AS x (
    type_id bigint, name text, group_id bigint, market_group_id bigint, published boolean, volume float8,
    packaged_volume float8)
ORDER BY type_id
ON CONFLICT (type_id) DO UPDATE
SET name = excluded.name, group_id = excluded.group_id, market_group_id = excluded.market_group_id,
    published = excluded.published, volume = excluded.volume, packaged_volume = excluded.packaged_volume,
    last_refreshed_at = excluded.last_refreshed_at, failed_at = NULL, failures = 0
""")
_UNKNOWN_TO_API: Final = text("""
INSERT INTO esi_types (type_id, name, published, last_refreshed_at)
SELECT type_id, 'Type ' || type_id, false, :now FROM unnest(CAST(:ids AS bigint[])) AS x (type_id) ORDER BY type_id
ON CONFLICT (type_id) DO UPDATE SET last_refreshed_at = excluded.last_refreshed_at, failed_at = NULL
""")
_FAILED: Final = text("""
INSERT INTO esi_types AS t (type_id, name, published, last_refreshed_at, failed_at, failures)
SELECT type_id, 'Type ' || type_id, false, :now, :now, 1 FROM unnest(CAST(:ids AS bigint[])) AS x (type_id)
ORDER BY type_id
ON CONFLICT (type_id) DO UPDATE
SET last_refreshed_at = excluded.last_refreshed_at, failed_at = excluded.failed_at, failures = t.failures + 1
""")
_STALE: Final = text("""
SELECT type_id FROM esi_types WHERE last_refreshed_at < :before ORDER BY last_refreshed_at LIMIT :limit
""")
_GROUPS_KNOWN: Final = text("SELECT group_id FROM esi_groups WHERE group_id = ANY(CAST(:ids AS bigint[]))")
_GROUPS_MISSING: Final = text("""
SELECT DISTINCT group_id FROM esi_types t
WHERE group_id IS NOT NULL AND NOT EXISTS (SELECT FROM esi_groups g WHERE g.group_id = t.group_id)
ORDER BY group_id LIMIT :limit
""")
_CATEGORIES_MISSING: Final = text("""
SELECT DISTINCT category_id FROM esi_groups g
WHERE NOT EXISTS (SELECT FROM esi_categories k WHERE k.category_id = g.category_id)
ORDER BY category_id LIMIT :limit
""")
_PUT_GROUPS: Final = text("""
INSERT INTO esi_groups (group_id, name, category_id, refreshed_at)
SELECT group_id, name, category_id, :now
FROM jsonb_to_recordset(CAST(:groups AS jsonb)) AS x (group_id bigint, name text, category_id bigint) ORDER BY group_id
ON CONFLICT (group_id) DO UPDATE
SET name = excluded.name, category_id = excluded.category_id, refreshed_at = excluded.refreshed_at
""")
_CATEGORIES: Final = text("""
SELECT category_id, group_ids, refreshed_at FROM esi_categories WHERE category_id = ANY(CAST(:ids AS bigint[]))
""")
_PUT_CATEGORIES: Final = text("""
INSERT INTO esi_categories (category_id, name, group_ids, refreshed_at)
SELECT category_id, name, groups, :now
FROM jsonb_to_recordset(CAST(:categories AS jsonb)) AS x (category_id bigint, name text, groups bigint[])
ORDER BY category_id
ON CONFLICT (category_id) DO UPDATE
SET name = excluded.name, group_ids = excluded.group_ids, refreshed_at = excluded.refreshed_at
""")


class KnownType(Struct, frozen=True, kw_only=True):
    """A cached type; no group if the API has no such type or never answered."""

    type_id: int
    group_id: int | None
    failed_at: datetime | None

    @property
    def settled(self) -> bool:
        """True if the API has answered, so that it is known whether the type is a ship."""
        return self.group_id is not None or self.failed_at is None


class KnownCategory(Struct, frozen=True, kw_only=True):
    """A cached category."""

    category_id: int
    group_ids: Sequence[int]
    refreshed_at: datetime


class TypeRepository(Repository):
    """Reads and writes cached types, groups and categories."""

    async def known(self, ids: Sequence[int]) -> dict[int, KnownType]:
        """Type id -> cached type, for the given ids that are cached."""
        rows = await self.session.execute(_KNOWN, {"ids": list(ids)})
        return {row.type_id: KnownType(**row._mapping) for row in rows}  # noqa: SLF001 -- SQLAlchemy's public name

    async def put(self, types: Sequence[TypeInfo], *, now: datetime) -> None:
        """Store types."""
        if types:
            await self.session.execute(_PUT, {"types": msgspec.json.encode(types).decode(), "now": now})

    async def unknown_to_api(self, ids: Sequence[int], *, now: datetime) -> None:
        """Note that the API does not have these types; cached types keep their values."""
        if ids:
            await self.session.execute(_UNKNOWN_TO_API, {"ids": sorted(ids), "now": now})

    async def failed(self, ids: Sequence[int], *, now: datetime) -> None:
        """Note the failure of these types, so that they are not fetched again immediately."""
        if ids:
            await self.session.execute(_FAILED, {"ids": sorted(ids), "now": now})

    async def stale(self, *, before: datetime, limit: int) -> list[int]:
        """Types that were last requested before a time, the oldest first."""
        return list((await self.session.execute(_STALE, {"before": before, "limit": limit})).scalars())

    async def groups_known(self, ids: Sequence[int]) -> set[int]:
        """The given groups that are cached."""
        return set((await self.session.execute(_GROUPS_KNOWN, {"ids": list(ids)})).scalars())

    async def groups_missing(self, *, limit: int) -> list[int]:
        """Groups of cached types that are not cached."""
        return list((await self.session.execute(_GROUPS_MISSING, {"limit": limit})).scalars())

    async def categories_missing(self, *, limit: int) -> list[int]:
        """Categories of cached groups that are not cached."""
        return list((await self.session.execute(_CATEGORIES_MISSING, {"limit": limit})).scalars())

    async def put_groups(self, groups: Sequence[GroupInfo], *, now: datetime) -> None:
        if groups:
            await self.session.execute(_PUT_GROUPS, {"groups": msgspec.json.encode(groups).decode(), "now": now})

    async def categories(self, ids: Sequence[int]) -> dict[int, KnownCategory]:
        rows = await self.session.execute(_CATEGORIES, {"ids": list(ids)})
        return {row.category_id: KnownCategory(**row._mapping) for row in rows}  # noqa: SLF001 -- as above

    async def put_categories(self, categories: Sequence[CategoryInfo], *, now: datetime) -> None:
        if categories:
            encoded = msgspec.json.encode(categories).decode()
            await self.session.execute(_PUT_CATEGORIES, {"categories": encoded, "now": now})
