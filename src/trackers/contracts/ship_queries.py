"""Read queries for ships and types: offers, prices, and the types that were seen."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text

from shared.clock import Clock
from shared.database import PooledQueries
from trackers.contracts.coverage import coverage, dropped, of_regions
from trackers.contracts.queries import escaped
from trackers.contracts.schemas import (
    KnownTypes,
    KnownTypeView,
    ShipBoard,
    ShipBoardEntry,
    ShipPrices,
    Taxonomy,
    TaxonomyCategory,
    TaxonomyGroup,
)

MAX_TYPES: Final = 200
_ALONE: Final = """
c.type = 'item_exchange' AND c.contains_additional_items IS FALSE AND NOT coalesce(c.is_blueprint_copy, false)
AND c.price > 0
"""
"""Condition for contracts that sell nothing but the ship, so that their price is the price of the ship."""
_BOARD: Final = text(f"""
WITH offers AS (
    SELECT c.ship_type_id AS type_id, count(*) AS offers,
           min(c.price / greatest(c.ship_quantity, 1)) FILTER (WHERE {_ALONE}) AS cheapest,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY c.price / greatest(c.ship_quantity, 1))
               FILTER (WHERE {_ALONE}) AS median
    FROM contracts c
    WHERE c.status = 'live' AND c.is_ship AND c.date_expired > :now
      AND c.region_id <> ALL(CAST(:dropped AS bigint[]))
      AND (CAST(:region AS bigint) IS NULL OR c.region_id = :region)
    GROUP BY c.ship_type_id
)
SELECT o.type_id, t.name, t.group_id, g.name AS "group", o.offers, o.cheapest, o.median, count(*) OVER () AS total
FROM offers o LEFT JOIN esi_types t ON t.type_id = o.type_id LEFT JOIN esi_groups g ON g.group_id = t.group_id
WHERE CAST(:ship_group AS bigint) IS NULL OR t.group_id = :ship_group
ORDER BY o.offers DESC, o.type_id LIMIT :limit OFFSET :skip
""")  # noqa: S608 -- a fragment of our own
_PRICES: Final = text(f"""
SELECT (SELECT name FROM esi_types WHERE type_id = :type_id) AS name,
       count(*) FILTER (WHERE c.status = 'live') AS offers,
       min(c.price / greatest(c.ship_quantity, 1)) FILTER (WHERE c.status = 'live') AS offers_cheapest,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY c.price / greatest(c.ship_quantity, 1))
           FILTER (WHERE c.status = 'live') AS offers_median,
       count(*) FILTER (WHERE c.status = 'gone') AS sold,
       percentile_cont(0.1) WITHIN GROUP (ORDER BY c.price / greatest(c.ship_quantity, 1))
           FILTER (WHERE c.status = 'gone') AS sold_p10,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY c.price / greatest(c.ship_quantity, 1))
           FILTER (WHERE c.status = 'gone') AS sold_median
FROM contracts c
WHERE c.is_ship AND c.ship_type_id = :type_id AND {_ALONE}
  AND (c.status = 'live' AND c.date_expired > :now AND c.region_id <> ALL(CAST(:dropped AS bigint[]))
       OR c.status = 'gone' AND c.ended_at >= :since)
  AND (CAST(:region AS bigint) IS NULL OR c.region_id = :region)
""")  # noqa: S608 -- a fragment of our own
_TAXONOMY: Final = text("""
SELECT k.category_id, k.name AS category, g.group_id, g.name, count(t.type_id) AS types
FROM esi_groups g
JOIN esi_types t ON t.group_id = g.group_id
JOIN esi_categories k ON k.category_id = g.category_id
GROUP BY k.category_id, k.name, g.group_id, g.name ORDER BY k.name, k.category_id, g.name, g.group_id
""")
_TYPES: Final = text(r"""
SELECT t.type_id, t.name, t.group_id, g.name AS "group", (
    SELECT coalesce(sum(n.live), 0)::bigint
    FROM contract_regions r JOIN contract_type_counts n ON n.region_id = r.region_id AND n.type_id = t.type_id
    WHERE r.followed) AS live
FROM (
    SELECT type_id, name, group_id FROM esi_types
    WHERE group_id IS NOT NULL AND (CAST(:group_id AS bigint) IS NULL OR group_id = :group_id)
      AND (CAST(:name AS text) IS NULL OR name ILIKE :name ESCAPE '\')
    ORDER BY length(name), name, type_id LIMIT :limit
) t LEFT JOIN esi_groups g ON g.group_id = t.group_id
ORDER BY length(t.name), t.name, t.type_id
""")


class ShipQueries:
    """Reads prices of ships, and the types that were seen."""

    def __init__(self, reader: PooledQueries, *, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def ships(self, *, region_id: int | None, ship_group_id: int | None, page: int, per_page: int) -> ShipBoard:
        """A page of the types of ships on offer, with most offers first."""
        known = await coverage(self._reader)
        values = {
            "region": region_id, "ship_group": ship_group_id, "now": self._clock.now(), "dropped": dropped(known),
            "limit": per_page, "skip": (page - 1) * per_page,
        }  # fmt: skip
        rows = await self._reader.rows(_BOARD, values)
        total = rows[0]["total"] if rows else 0
        if not rows and page > 1:
            first = await self._reader.row(_BOARD, {**values, "limit": 1, "skip": 0})
            total = first["total"] if first else 0
        return ShipBoard(
            items=[ShipBoardEntry(**{name: row[name] for name in ShipBoardEntry.__struct_fields__}) for row in rows],
            page=page,
            per_page=per_page,
            total=total,
            coverage=of_regions(known, _only(region_id)),
        )

    async def prices(self, type_id: int, *, region_id: int | None, days: int) -> ShipPrices:
        """Prices in ISK of a type of ship: on offer now, and sold within the last `days` days."""
        now, known = self._clock.now(), await coverage(self._reader)
        values = {"type_id": type_id, "region": region_id, "now": now, "since": now - timedelta(days=days)}
        row = await self._reader.row(_PRICES, {**values, "dropped": dropped(known)}) or {}
        return ShipPrices(type_id=type_id, days=days, coverage=of_regions(known, _only(region_id)), **row)

    async def taxonomy(self) -> Taxonomy:
        """Categories and groups of the types that were seen."""
        categories: dict[int, TaxonomyCategory] = {}
        for row in await self._reader.rows(_TAXONOMY):
            category = categories.setdefault(
                row["category_id"], TaxonomyCategory(category_id=row["category_id"], name=row["category"], groups=[])
            )
            category.groups.append(TaxonomyGroup(group_id=row["group_id"], name=row["name"], types=row["types"]))
        return Taxonomy(items=list(categories.values()), coverage=await coverage(self._reader))

    async def types(self, *, name: str | None, group_id: int | None) -> KnownTypes:
        """Up to MAX_TYPES types by part of the name, by group or both; shortest names first."""
        pattern = None if name is None else f"%{escaped(name)}%"
        values = {"name": pattern, "group_id": group_id, "limit": MAX_TYPES}
        items = [KnownTypeView(**row) for row in await self._reader.rows(_TYPES, values)]
        return KnownTypes(items=items, coverage=await coverage(self._reader))


def _only(region_id: int | None) -> tuple[int] | None:
    return None if region_id is None else (region_id,)
