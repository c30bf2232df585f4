"""SQL of contracts: COPY and a guarded upsert of listings, COPY of items, and the end of missing contracts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import text

from shared.database import Repository
from trackers.contracts.parser import Bid, Item, Listing, Rejected
from trackers.contracts.ships import SELLING, ShipOffer

LISTED: Final = Listing.__struct_fields__
"""Columns that the API sends with a listing; enrichment writes none of them."""
STAGED: Final = (*LISTED, "row_hash")
_STAGE: Final = text("""
CREATE TEMP TABLE IF NOT EXISTS contracts_staged (
    contract_id bigint, type text, title text, price float8, buyout float8, collateral float8, reward float8,
    volume float8, days_to_complete int, issuer_id bigint, issuer_corporation_id bigint, for_corporation boolean,
    start_location_id bigint, end_location_id bigint, date_issued timestamptz, date_expired timestamptz, row_hash bigint
) ON COMMIT DELETE ROWS
""")
_HASHES: Final = text("""
SELECT contract_id, CASE WHEN status = 'live' AND region_id = :region THEN row_hash END AS row_hash
FROM contracts WHERE contract_id = ANY(CAST(:ids AS bigint[]))
""")
"""No WHERE condition on the region: the planner could then read the whole region for every batch."""
_LISTED_COLUMNS: Final = ", ".join(LISTED)
_UPSERT: Final = text(f"""
WITH written AS (
    INSERT INTO contracts AS c ({_LISTED_COLUMNS}, row_hash, region_id, status, first_seen_at,
                                items_state, items_due_at, bids_due_at)
    SELECT {_LISTED_COLUMNS}, row_hash, :region, 'live', :now,
           CASE WHEN type = ANY(CAST(:selling AS text[])) THEN 'pending' ELSE 'none' END,
           CASE WHEN type = ANY(CAST(:selling AS text[])) THEN CAST(:now AS timestamptz) END,
           CASE WHEN type = 'auction' THEN CAST(:now AS timestamptz) END
    FROM contracts_staged
    ON CONFLICT (contract_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in STAGED if name != "contract_id")},
        region_id = excluded.region_id, status = 'live', ended_at = NULL, changed_at = excluded.first_seen_at,
        bids_due_at = CASE WHEN c.status = 'live' THEN c.bids_due_at ELSE excluded.bids_due_at END,
        items_state = CASE WHEN c.status <> 'live' AND c.items_state = 'gone' THEN excluded.items_state
                           ELSE c.items_state END,
        items_due_at = CASE WHEN c.status <> 'live' AND c.items_state = 'gone' THEN excluded.items_due_at
                            ELSE c.items_due_at END
    WHERE c.row_hash <> excluded.row_hash OR c.status <> 'live' OR c.region_id <> excluded.region_id
    RETURNING c.contract_id, old.contract_id IS NULL AS is_new, old.status AS status_before, old.price AS price_before,
              c.price, old.title AS title_before, c.title, old.date_expired AS expired_before, c.date_expired
), noted AS (
    INSERT INTO contract_history (contract_id, at, what, details)
    SELECT contract_id, :now, CASE WHEN status_before = 'live' THEN 'changed' ELSE 'returned' END,
           jsonb_strip_nulls(jsonb_build_object(
               'price', CASE WHEN price <> price_before THEN jsonb_build_array(price_before, price) END,
               'title', CASE WHEN title <> title_before THEN jsonb_build_array(title_before, title) END,
               'date_expired', CASE WHEN date_expired <> expired_before
                                    THEN jsonb_build_array(expired_before, date_expired) END))
    FROM written WHERE NOT is_new
    ON CONFLICT DO NOTHING
)
SELECT contract_id, is_new FROM written
""")  # noqa: S608 -- names of our own columns
# EXCEPT, not an anti-join: the planner cannot estimate an array's length, and a nested loop would take minutes.
_CONCLUDE: Final = text("""
WITH live AS MATERIALIZED (
    SELECT contract_id, date_expired > :at AS unexpired FROM contracts WHERE region_id = :region AND status = 'live'
), missing AS MATERIALIZED (
    SELECT contract_id FROM live EXCEPT SELECT unnest(CAST(:seen AS bigint[]))
), counted AS (
    SELECT (SELECT count(*) FROM live WHERE unexpired) AS live,
           (SELECT count(*) FROM live JOIN missing USING (contract_id) WHERE unexpired) AS missing
), decided AS (
    SELECT live, missing,
           NOT CAST(:confirmed AS boolean) AND missing > 0
           AND (cardinality(CAST(:seen AS bigint[])) = 0
                OR missing >= :many AND missing > CAST(:share AS float8) * live) AS doubted
    FROM counted
), ended AS (
    UPDATE contracts c
    SET status = CASE WHEN c.date_expired <= :at THEN 'expired' ELSE 'gone' END, ended_at = :now, bids_due_at = NULL
    FROM missing m WHERE c.contract_id = m.contract_id AND NOT (SELECT doubted FROM decided)
    RETURNING c.contract_id, c.status
), noted AS (
    INSERT INTO contract_history (contract_id, at, what) SELECT contract_id, :now, status FROM ended
    ON CONFLICT DO NOTHING
)
SELECT (SELECT count(*) FROM ended WHERE status = 'gone') AS gone,
       (SELECT count(*) FROM ended WHERE status = 'expired') AS expired, live, missing, doubted
FROM decided
""")
MANY: Final = 20
SHARE: Final = 0.5
"""If at least MANY contracts and more than this share of a region are missing at once, the sweep is doubted."""
# Items are rejected only for contracts that still exist: those of blocked issuers were deleted.
_REJECT: Final = text("""
INSERT INTO contract_rejects AS r (region_id, contract_id, part, reason, sent, issuer_id, first_seen_at, last_seen_at)
SELECT DISTINCT ON (x.contract_id) :region, x.contract_id, :part, x.reason, x.sent,
       coalesce(x.issuer_id, c.issuer_id), :now, :now
FROM unnest(CAST(:ids AS bigint[]), CAST(:reasons AS text[]), CAST(:sent AS text[]), CAST(:issuers AS bigint[]))
     AS x (contract_id, reason, sent, issuer_id)
LEFT JOIN contracts c ON c.contract_id = x.contract_id
WHERE :part = 'listing' OR c.contract_id IS NOT NULL
ON CONFLICT (region_id, contract_id, part) DO UPDATE
SET reason = excluded.reason, sent = excluded.sent, issuer_id = excluded.issuer_id,
    last_seen_at = excluded.last_seen_at, times = r.times + 1
""")
_UNREAD: Final = text("""
SELECT contract_id, type FROM contracts
WHERE region_id = :region AND status = 'live' AND items_state = 'pending' AND items_due_at <= :now
  AND date_expired > :now
ORDER BY date_trunc('day', date_issued AT TIME ZONE 'UTC') DESC, greatest(price, buyout, reward) DESC, contract_id
LIMIT :limit
""")
_LOCK_UNREAD: Final = text("""
SELECT contract_id FROM contracts WHERE contract_id = ANY(CAST(:ids AS bigint[])) AND items_state = 'pending'
ORDER BY contract_id FOR UPDATE
""")
_READ: Final = text("""
UPDATE contracts c
SET items_state = 'read', items_due_at = NULL, evaluated = x.evaluated, is_ship = x.ship_type_id IS NOT NULL,
    ship_type_id = x.ship_type_id, ship_quantity = x.ship_quantity, is_blueprint_copy = x.is_blueprint_copy,
    runs = x.runs, material_efficiency = x.material_efficiency, time_efficiency = x.time_efficiency,
    contains_additional_items = x.contains_additional_items
FROM jsonb_to_recordset(CAST(:evaluated AS jsonb)) AS x (
    contract_id bigint, evaluated boolean, ship_type_id bigint, ship_quantity bigint, is_blueprint_copy boolean,
    runs bigint, material_efficiency smallint, time_efficiency smallint, contains_additional_items boolean)
WHERE c.contract_id = x.contract_id
""")
_READ_PLAIN: Final = text("""
UPDATE contracts SET items_state = 'read', items_due_at = NULL, evaluated = true
WHERE contract_id = ANY(CAST(:ids AS bigint[])) AND NOT is_ship
""")
_ITEMS_GONE: Final = text("""
UPDATE contracts SET items_state = 'gone', items_due_at = NULL, evaluated = true
WHERE contract_id = ANY(CAST(:ids AS bigint[])) AND items_state = 'pending'
""")
_ITEMS_LATER: Final = text("""
UPDATE contracts
SET items_tries = items_tries + 1,
    items_state = CASE WHEN items_tries + 1 >= :most THEN 'failed' ELSE items_state END,
    items_due_at = CAST(:now AS timestamptz) + make_interval(secs => 300 * power(4, items_tries))
WHERE contract_id = ANY(CAST(:ids AS bigint[])) AND items_state = 'pending'
""")
_ITEMS_WAIT: Final = text("""
UPDATE contracts SET items_due_at = :until WHERE contract_id = ANY(CAST(:ids AS bigint[])) AND items_state = 'pending'
""")
_UNEVALUATED: Final = text("""
SELECT c.contract_id, c.type,
       json_agg(json_build_object('record_id', i.record_id, 'type_id', i.type_id, 'quantity', i.quantity,
                                  'is_included', i.is_included, 'is_blueprint_copy', i.is_blueprint_copy,
                                  'runs', i.runs, 'material_efficiency', i.material_efficiency,
                                  'time_efficiency', i.time_efficiency)) AS items
FROM (
    SELECT contract_id, type FROM contracts
    WHERE region_id = :region AND status = 'live' AND items_state = 'read' AND NOT evaluated
    ORDER BY contract_id DESC LIMIT :limit
) c JOIN contract_items i ON i.contract_id = c.contract_id
GROUP BY c.contract_id, c.type
""")
_BIDS_DUE: Final = text("""
SELECT contract_id FROM contracts
WHERE region_id = :region AND status = 'live' AND bids_due_at <= :now AND date_expired > :now
ORDER BY bids_due_at LIMIT :limit
""")
_NEXT_BIDS: Final = text("""
SELECT min(bids_due_at) FROM contracts
WHERE region_id = :region AND status = 'live' AND bids_due_at IS NOT NULL AND date_expired > :now
""")
_NEXT_ITEMS: Final = text("""
SELECT min(items_due_at) FROM contracts
WHERE region_id = :region AND status = 'live' AND items_state = 'pending' AND date_expired > :now
""")
_PUT_BIDS: Final = text("""
INSERT INTO contract_bids (contract_id, bid_id, amount, date_bid)
SELECT contract_id, bid_id, amount, date_bid
FROM jsonb_to_recordset(CAST(:bids AS jsonb)) AS x (contract_id bigint, bid_id bigint, amount float8,
                                                   date_bid timestamptz)
ON CONFLICT DO NOTHING
""")
_BIDS_READ: Final = text("""
UPDATE contracts c
SET bids_due_at = :next, bids = coalesce(b.bids, 0), highest_bid = b.highest
FROM unnest(CAST(:ids AS bigint[])) AS x (contract_id)
LEFT JOIN LATERAL (
    SELECT count(*) AS bids, max(amount) AS highest FROM contract_bids b WHERE b.contract_id = x.contract_id
) b ON true
WHERE c.contract_id = x.contract_id AND c.status = 'live'
""")
_REMOVE_ENDED: Final = text("""
DELETE FROM contracts WHERE contract_id IN (
    SELECT contract_id FROM contracts WHERE status <> 'live' AND ended_at < :before
    UNION ALL
    SELECT contract_id FROM contracts
    WHERE status = 'live' AND date_expired < :before
      AND region_id IN (SELECT region_id FROM contract_regions WHERE NOT followed)
    LIMIT :limit
)
""")
_REMOVE_REJECTS: Final = text("""
DELETE FROM contract_rejects WHERE (region_id, contract_id, part) IN (
    SELECT region_id, contract_id, part FROM contract_rejects WHERE last_seen_at < :before LIMIT :limit
)
""")
_ITEM_COLUMNS: Final = ("contract_id", *Item.__struct_fields__)


class Unread(Struct, frozen=True, kw_only=True):
    """A contract whose items must be read."""

    contract_id: int
    type: str


class ReadContract(Struct, frozen=True, kw_only=True):
    """A contract with its items and the ship among them; `evaluated`: True if all types of the items were known."""

    contract_id: int
    items: Sequence[Item]
    ship: ShipOffer | None
    evaluated: bool


class UnevaluatedContract(Struct, frozen=True, kw_only=True):
    """A contract with stored items, some of a type that was unknown when they were read."""

    contract_id: int
    type: str
    items: list[Item]


class ListingChanges(Struct, frozen=True, kw_only=True):
    """Ids of the contracts that a batch of listings added or changed."""

    new: Sequence[int]
    changed: Sequence[int]


class Concluded(Struct, frozen=True, kw_only=True):
    """Counts of a complete sweep; it ended no contracts if it is doubted, because too many were missing at once."""

    gone: int = 0
    expired: int = 0
    live: int = 0
    """Live contracts before the sweep that had not expired."""
    missing: int = 0
    """Those of `live` that the sweep did not see."""
    doubted: bool = False


class ContractRepository(Repository):
    """Reads and writes contracts, their items and their bids."""

    async def store_listings(self, region_id: int, listings: Sequence[Listing], *, now: datetime) -> ListingChanges:
        """Write new and changed contracts of a region, but no unchanged ones; no two listings may have the same id."""
        hashes = {listing.contract_id: listing.row_hash for listing in listings}
        rows = await self.session.execute(_HASHES, {"ids": list(hashes), "region": region_id})
        stored = {row.contract_id: row.row_hash for row in rows}
        differing = [row for row in listings if stored.get(row.contract_id) != hashes[row.contract_id]]
        if not differing:
            return ListingChanges(new=[], changed=[])
        await self.session.execute(_STAGE)
        records = [(*astuple(listing), hashes[listing.contract_id]) for listing in differing]
        await self._copy("contracts_staged", STAGED, records)
        rows = await self.session.execute(_UPSERT, {"region": region_id, "now": now, "selling": sorted(SELLING)})
        written = list(rows)
        return ListingChanges(
            new=[row.contract_id for row in written if row.is_new],
            changed=[row.contract_id for row in written if not row.is_new],
        )

    async def conclude(
        self, region_id: int, *, seen: Sequence[int], at: datetime, now: datetime, confirmed: bool = False
    ) -> Concluded:
        """End the live contracts that a complete sweep did not see, unless they are so many that the sweep is doubted.

        `at`: time of the state that the sweep saw; `confirmed`: end them no matter how many they are.
        """
        values = {"region": region_id, "seen": list(seen), "at": at, "now": now, "confirmed": confirmed}
        row = (await self.session.execute(_CONCLUDE, {**values, "many": MANY, "share": SHARE})).one()
        return Concluded(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name

    async def reject(self, region_id: int, part: str, rejected: Sequence[Rejected], *, now: datetime) -> None:
        """Store rejected rows for admins."""
        values = {
            "ids": [row.contract_id or 0 for row in rejected],
            "reasons": [row.reason for row in rejected],
            "sent": [row.sent for row in rejected],
            "issuers": [row.issuer_id for row in rejected],
        }
        await self.session.execute(_REJECT, {"region": region_id, "part": part, "now": now, **values})

    async def unread(self, region_id: int, *, now: datetime, limit: int) -> list[Unread]:
        """Contracts whose items are due: the newest day (UTC) first, within a day the most valuable first."""
        rows = await self.session.execute(_UNREAD, {"region": region_id, "now": now, "limit": limit})
        return [Unread(contract_id=row.contract_id, type=row.type) for row in rows]

    async def store_items(self, read: Sequence[ReadContract]) -> list[int]:
        """Write items and ships of the contracts whose items are still unread; return the ids of these contracts."""
        ids = [contract.contract_id for contract in read]
        unread = {row.contract_id for row in await self.session.execute(_LOCK_UNREAD, {"ids": ids})}
        written = [contract for contract in read if contract.contract_id in unread]
        records = [(contract.contract_id, *astuple(item)) for contract in written for item in contract.items]
        if records:
            await self._copy("contract_items", _ITEM_COLUMNS, records)
        if written:
            await self.evaluate(written)
        return sorted(unread)

    async def evaluate(self, read: Sequence[ReadContract]) -> None:
        """Store the ship that each contract sells, if any; the items themselves are not written."""
        plain = [contract.contract_id for contract in read if contract.evaluated and contract.ship is None]
        if plain:  # most contracts
            await self.session.execute(_READ_PLAIN, {"ids": plain})
        evaluated = [
            {
                "contract_id": contract.contract_id,
                "evaluated": contract.evaluated,
                **(
                    {
                        "ship_type_id": contract.ship.type_id,
                        "ship_quantity": contract.ship.quantity,
                        "is_blueprint_copy": contract.ship.is_blueprint_copy,
                        "runs": contract.ship.runs,
                        "material_efficiency": contract.ship.material_efficiency,
                        "time_efficiency": contract.ship.time_efficiency,
                        "contains_additional_items": contract.ship.contains_additional_items,
                    }
                    if contract.ship
                    else {}
                ),
            }
            for contract in read
            if contract.ship is not None or not contract.evaluated
        ]
        if evaluated:
            await self.session.execute(_READ, {"evaluated": msgspec.json.encode(evaluated).decode()})

    async def items_gone(self, ids: Sequence[int]) -> None:
        """Note that the API no longer has the items of these contracts; the next sweep will see that they ended."""
        await self.session.execute(_ITEMS_GONE, {"ids": list(ids)})

    async def items_later(self, ids: Sequence[int], *, now: datetime, most: int) -> None:
        """Count a failed try and postpone the items: 5 minutes, then 4 times as long each time, up to `most` tries."""
        await self.session.execute(_ITEMS_LATER, {"ids": list(ids), "now": now, "most": most})

    async def items_wait(self, ids: Sequence[int], *, until: datetime) -> None:
        """Postpone the items of these contracts without counting a try: they did not cause the failure."""
        await self.session.execute(_ITEMS_WAIT, {"ids": list(ids), "until": until})

    async def unevaluated(self, region_id: int, *, limit: int) -> list[UnevaluatedContract]:
        """Contracts whose ship is not decided yet, because types of their items were unknown."""
        rows = await self.session.execute(_UNEVALUATED, {"region": region_id, "limit": limit})
        return [
            UnevaluatedContract(
                contract_id=row.contract_id, type=row.type, items=msgspec.convert(row.items, list[Item])
            )
            for row in rows
        ]

    async def bids_due(self, region_id: int, *, now: datetime, limit: int) -> list[int]:
        """Auctions whose bids are due."""
        rows = await self.session.execute(_BIDS_DUE, {"region": region_id, "now": now, "limit": limit})
        return [row.contract_id for row in rows]

    async def store_bids(self, read: Sequence[tuple[int, Sequence[Bid]]], *, next_fetch_at: datetime) -> None:
        """Write the bids of auctions; bids that are already stored are not written."""
        bids: list[dict[str, Any]] = [
            {"contract_id": contract_id, "bid_id": bid.bid_id, "amount": bid.amount, "date_bid": bid.date_bid}
            for contract_id, rows in read
            for bid in rows
        ]
        if bids:
            await self.session.execute(_PUT_BIDS, {"bids": msgspec.json.encode(bids).decode()})
        await self.session.execute(_BIDS_READ, {"ids": [contract_id for contract_id, _ in read], "next": next_fetch_at})

    async def next_due(self, region_id: int, *, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Times at which items and bids of a region are due next; None if there are none."""
        items = (await self.session.execute(_NEXT_ITEMS, {"region": region_id, "now": now})).scalar_one()
        bids = (await self.session.execute(_NEXT_BIDS, {"region": region_id, "now": now})).scalar_one()
        return items, bids

    async def remove_ended(self, *, before: datetime, limit: int) -> int:
        """Delete contracts that ended before a time, with their items, bids, history and alerts; return their number.

        In dropped regions this includes live contracts that expired before it, because no sweep ends them.
        """
        result = await self.session.execute(_REMOVE_ENDED, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it

    async def remove_rejects(self, *, before: datetime, limit: int) -> int:
        """Delete rejected rows that were last sent before a time; return their number."""
        result = await self.session.execute(_REMOVE_REJECTS, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it

    async def _copy(self, table: str, columns: Sequence[str], records: Sequence[tuple[Any, ...]]) -> None:
        """COPY in the transaction of the session, which a SQLAlchemy statement must have begun."""
        connection = await (await self.session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        await driver.copy_records_to_table(table, records=records, columns=list(columns))
