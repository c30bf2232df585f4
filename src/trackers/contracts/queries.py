"""Read queries for contracts: one cached statement per set of filters, rows converted directly into Structs."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import TextClause, text

from shared.clock import Clock
from shared.database import PooledQueries
from trackers.contracts.coverage import coverage, dropped, of_regions
from trackers.contracts.errors import ContractNotFound
from trackers.contracts.schemas import (
    BidView,
    ContractDetail,
    ContractFilter,
    ContractHistoryEntry,
    ContractItemView,
    ContractList,
    ContractSort,
    ContractStatus,
    ContractSummary,
    Ship,
)

MAX_STATEMENTS: Final = 500
"""Sets of filters whose statements are cached: requests choose among millions of sets."""
MAX_ROWS: Final = 2_000
"""Items of a contract that are shown, and bids likewise."""
SUMMARY_COLUMNS: Final = """
c.contract_id, c.region_id, c.type, c.status, c.title, c.price, c.buyout, c.collateral, c.reward, c.volume,
c.days_to_complete, c.issuer_id, c.issuer_corporation_id, c.for_corporation, c.start_location_id, c.end_location_id,
c.date_issued, c.date_expired, c.first_seen_at, c.ended_at, c.items_state, c.is_ship, c.ship_type_id, c.ship_quantity,
c.is_blueprint_copy, c.runs, c.material_efficiency, c.time_efficiency, c.contains_additional_items, c.bids,
c.highest_bid, t.name AS ship_name, t.group_id AS ship_group_id, g.name AS ship_group
"""
_SHIP_JOINS: Final = """
LEFT JOIN esi_types t ON t.type_id = c.ship_type_id LEFT JOIN esi_groups g ON g.group_id = t.group_id
"""
_ORDER: Final = {
    ContractSort.ISSUED: "c.date_issued, c.contract_id",
    ContractSort.ISSUED_DOWN: "c.date_issued DESC, c.contract_id DESC",
    ContractSort.EXPIRES: "c.date_expired, c.contract_id",
    ContractSort.EXPIRES_DOWN: "c.date_expired DESC, c.contract_id DESC",
    ContractSort.PRICE: "c.price, c.contract_id",
    ContractSort.PRICE_DOWN: "c.price DESC, c.contract_id DESC",
    ContractSort.REWARD: "c.reward, c.contract_id",
    ContractSort.REWARD_DOWN: "c.reward DESC, c.contract_id DESC",
    ContractSort.VOLUME: "c.volume, c.contract_id",
    ContractSort.VOLUME_DOWN: "c.volume DESC, c.contract_id DESC",
}
_STATUS: Final = {
    ContractStatus.LIVE: ("c.status = 'live' AND c.date_expired > :now",),
    ContractStatus.GONE: ("c.status = 'gone'",),
    # Stored as live but past its date: expired since the last sweep. Each condition has its own indexes.
    ContractStatus.EXPIRED: ("c.status = 'expired'", "c.status = 'live' AND c.date_expired <= :now"),
    ContractStatus.UNFOLLOWED: (
        "c.status = 'live' AND c.date_expired > :now AND c.region_id = ANY(CAST(:dropped AS bigint[]))",
    ),
}
"""Conditions for a status: a contract meets any of them."""
_FILTERS: Final = {
    "region_id": "c.region_id = ANY(CAST(:region_id AS bigint[]))",
    "type": "c.type = :type",
    "ship": "c.is_ship",  # no parameter, so that the planner can use the partial index on ships
    "no_ship": "NOT c.is_ship",
    "ship_type_id": "c.is_ship AND c.ship_type_id = :ship_type_id",
    "ship_group_id": "c.is_ship AND c.ship_type_id IN (SELECT type_id FROM esi_types WHERE group_id = :ship_group_id)",
    "min_price": "c.price >= :min_price",
    "max_price": "c.price <= :max_price",
    "title": r"c.title ILIKE :title ESCAPE '\'",
    "min_reward": "c.reward >= :min_reward",
    "max_volume": "c.volume <= :max_volume",
    "max_collateral": "c.collateral <= :max_collateral",
    "issuer_id": "c.issuer_id = :issuer_id",
    "dropped": "c.region_id <> ALL(CAST(:dropped AS bigint[]))",
    "location_id": "(c.start_location_id = :location_id OR c.end_location_id = :location_id)",
}
_OF_ONE_ITEM: Final = {
    "type_id": "i.type_id = :type_id",
    "group_id": "i.type_id IN (SELECT type_id FROM esi_types WHERE group_id = :group_id)",
    "blueprint": "coalesce(i.is_blueprint_copy, false) = :blueprint",
    "min_runs": "i.runs >= :min_runs",
    "min_me": "i.material_efficiency >= :min_me",
    "min_te": "i.time_efficiency >= :min_te",
}
"""Conditions that a single item must meet together."""
_STORED: Final = frozenset(ContractSummary.__struct_fields__) - {"ship", "status"}
_ONE: Final = text(f"SELECT {SUMMARY_COLUMNS}, c.changed_at FROM contracts c {_SHIP_JOINS} WHERE c.contract_id = :id")  # noqa: S608 -- fragments of our own
_ITEMS: Final = text("""
SELECT i.record_id, i.type_id, t.name, t.group_id, i.quantity, i.is_included, i.is_blueprint_copy, i.runs,
       i.material_efficiency, i.time_efficiency
FROM contract_items i LEFT JOIN esi_types t ON t.type_id = i.type_id
WHERE i.contract_id = :id ORDER BY i.is_included DESC, i.record_id LIMIT :most
""")
_BIDS: Final = text("""
SELECT bid_id, amount, date_bid FROM contract_bids WHERE contract_id = :id ORDER BY amount DESC, bid_id LIMIT :most
""")
_HISTORY: Final = text("""
SELECT at, what, details FROM contract_history WHERE contract_id = :id ORDER BY at LIMIT :most
""")


@lru_cache(maxsize=MAX_STATEMENTS)
def list_statements(
    filters: frozenset[str], status: ContractStatus, sort: ContractSort
) -> tuple[TextClause, TextClause]:
    """Statements for a page and for the counts per type, with the named filters only."""
    conditions = [_FILTERS[name] for name in sorted(filters & _FILTERS.keys())]
    if of_item := [_OF_ONE_ITEM[name] for name in sorted(filters & _OF_ONE_ITEM.keys())]:
        item = " AND ".join(["i.contract_id = c.contract_id", "i.is_included", *of_item])
        conditions.append(f"EXISTS (SELECT FROM contract_items i WHERE {item})")
    # Types are joined after the LIMIT, and so only to the rows of the page.
    rows = _cut([" AND ".join([base, *conditions]) for base in _STATUS[status]], f"ORDER BY {_ORDER[sort]}")
    page = text(f"SELECT {SUMMARY_COLUMNS} FROM ({rows}) c {_SHIP_JOINS} ORDER BY {_ORDER[sort]}")  # noqa: S608 -- fragments of our own
    of_any_type = [condition for condition in conditions if condition != _FILTERS["type"]]
    counts = " UNION ALL ".join(
        f"SELECT c.type, count(*) AS contracts FROM contracts c WHERE {' AND '.join([base, *of_any_type])} GROUP BY 1"  # noqa: S608 -- fragments of our own
        for base in _STATUS[status]
    )
    return page, text(counts)


def _cut(either: Sequence[str], order: str) -> str:
    """SQL of a page of rows that meet any of the conditions; each condition is read in the order of its own index."""
    if len(either) == 1:
        return f"SELECT * FROM contracts c WHERE {either[0]} {order} LIMIT :limit OFFSET :skip"  # noqa: S608 -- fragments of our own
    most = "LIMIT CAST(:limit AS bigint) + CAST(:skip AS bigint)"
    each = " UNION ALL ".join(f"(SELECT * FROM contracts c WHERE {where} {order} {most})" for where in either)  # noqa: S608 -- fragments of our own
    return f"SELECT * FROM ({each}) c {order} LIMIT CAST(:limit AS bigint) OFFSET CAST(:skip AS bigint)"  # noqa: S608 -- fragments of our own


class ContractQueries:
    """Reads contracts, with the coverage of their regions."""

    def __init__(self, reader: PooledQueries, *, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def contracts(
        self,
        criteria: ContractFilter,
        *,
        sort: ContractSort = ContractSort.ISSUED_DOWN,
        page: int = 1,
        per_page: int = 50,
    ) -> ContractList:
        """A page of the contracts that meet the criteria, with counts per type and the coverage of the regions."""
        known, now = await coverage(self._reader), self._clock.now()
        left = dropped(known)
        parameters = parameters_of(criteria, now=now, dropped=left)
        filters = frozenset(parameters) - {"now"}
        if criteria.status is ContractStatus.UNFOLLOWED:
            filters -= {"dropped"}  # the status itself selects dropped regions
        if criteria.is_ship is not None:
            filters |= {"ship" if criteria.is_ship else "no_ship"}
        items, counts = list_statements(filters, criteria.status, sort)
        rows = await self._reader.rows(items, {**parameters, "limit": per_page, "skip": (page - 1) * per_page})
        by_type: Counter[str] = Counter()
        for row in await self._reader.rows(counts, parameters):
            by_type[row["type"]] += row["contracts"]
        return ContractList(
            items=[summary_of(row, now=now, dropped=left) for row in rows],
            page=page,
            per_page=per_page,
            total=by_type[criteria.type] if criteria.type else by_type.total(),
            by_type=dict(by_type),
            coverage=of_regions(known, criteria.region_id),
        )

    async def contract(self, contract_id: int) -> ContractDetail:
        """A contract with its items, bids and history. Raises ContractNotFound."""
        row = await self._reader.row(_ONE, {"id": contract_id})
        if row is None:
            raise ContractNotFound(contract_id)
        parameters = {"id": contract_id, "most": MAX_ROWS}
        history = [ContractHistoryEntry(at=row["first_seen_at"], what="first_seen")]
        history += [
            ContractHistoryEntry(at=entry["at"], what=entry["what"], details=entry["details"] or None)
            for entry in await self._reader.rows(_HISTORY, parameters)
        ]
        known = await coverage(self._reader)
        return ContractDetail(
            contract=summary_of(row, now=self._clock.now(), dropped=dropped(known)),
            items=[ContractItemView(**item) for item in await self._reader.rows(_ITEMS, parameters)],
            bids=[BidView(**bid) for bid in await self._reader.rows(_BIDS, parameters)],
            history=history,
            coverage=of_regions(known, (row["region_id"],)),
        )


def parameters_of(criteria: ContractFilter, *, now: datetime, dropped: Sequence[int] = ()) -> dict[str, Any]:
    """Parameters of the statements for a filter; `dropped`: regions whose contracts never count as live."""
    given = {
        name: value
        for name, value in msgspec.structs.asdict(criteria).items()
        if value is not None and name not in {"status", "is_ship"}
    }
    if "title" in given:
        given["title"] = f"%{escaped(given['title'])}%"
    if "region_id" in given:
        given["region_id"] = list(given["region_id"])
    if criteria.status is not ContractStatus.GONE:
        given["now"] = now
    if criteria.status is ContractStatus.UNFOLLOWED or (criteria.status is ContractStatus.LIVE and dropped):
        given["dropped"] = list(dropped)
    return given


def escaped(entered: str) -> str:
    """Escape the wildcards of a LIKE pattern."""
    return entered.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def summary_of(row: dict[str, Any], *, now: datetime, dropped: Sequence[int]) -> ContractSummary:
    """Summary of a row of SUMMARY_COLUMNS, with the status that it has at `now`."""
    status = ContractStatus(row["status"])
    if status is ContractStatus.LIVE and row["date_expired"] <= now:
        status = ContractStatus.EXPIRED
    elif status is ContractStatus.LIVE and row["region_id"] in dropped:
        status = ContractStatus.UNFOLLOWED
    ship = None
    if row["is_ship"]:
        ship = Ship(
            type_id=row["ship_type_id"],
            name=row["ship_name"],
            group_id=row["ship_group_id"],
            group=row["ship_group"],
            quantity=row["ship_quantity"] or 1,
            is_blueprint_copy=bool(row["is_blueprint_copy"]),
            runs=row["runs"],
            material_efficiency=row["material_efficiency"],
            time_efficiency=row["time_efficiency"],
            contains_additional_items=bool(row["contains_additional_items"]),
        )
    return ContractSummary(ship=ship, status=status, **{name: row[name] for name in _STORED})
