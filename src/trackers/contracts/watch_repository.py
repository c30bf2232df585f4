"""SQL of watches and alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.database import Repository
from trackers.contracts.messages import ContractFound, WatchTerms

_LOCK: Final = text("SELECT 1 FROM users WHERE id = ANY(CAST(:people AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
_COUNT: Final = text("SELECT count(*) FROM contract_watches WHERE user_id = :user")
_SAME: Final = text("""
SELECT id FROM contract_watches
WHERE user_id = :user AND (type_id, group_id, region_id) IS NOT DISTINCT FROM
      (CAST(:type_id AS bigint), CAST(:group_id AS bigint), CAST(:region_id AS bigint))
""")
_ADD: Final = text("""
INSERT INTO contract_watches (id, user_id, type_id, group_id, region_id, max_price, note, created_at)
VALUES (:id, :user, :type_id, :group_id, :region_id, :max_price, :note, :now)
""")
_CHANGE: Final = text("""
UPDATE contract_watches
SET max_price = CASE WHEN :set_price THEN CAST(:max_price AS float8) ELSE max_price END,
    note = CASE WHEN :set_note THEN CAST(:note AS text) ELSE note END,
    active = coalesce(CAST(:active AS boolean), active)
WHERE id = :id AND user_id = :user
""")
_REMOVE: Final = text("DELETE FROM contract_watches WHERE id = :id AND user_id = :user")
# One alert per watch and contract, and only while it can be accepted. The price of an auction is its starting bid.
# Watches are locked in the order in which they are erased: otherwise a concurrent removal would fail the statement.
_FOUND: Final = text("""
WITH matching AS (
    SELECT DISTINCT w.id, c.contract_id
    FROM contracts c
    JOIN contract_items i ON i.contract_id = c.contract_id AND i.is_included
    LEFT JOIN esi_types t ON t.type_id = i.type_id
    JOIN contract_watches w ON w.active AND (w.type_id = i.type_id OR w.group_id = t.group_id)
     AND (w.region_id IS NULL OR w.region_id = c.region_id) AND (w.max_price IS NULL OR c.price <= w.max_price)
    WHERE c.contract_id = ANY(CAST(:ids AS bigint[])) AND c.status = 'live' AND c.date_expired > :now
      AND c.type IN ('item_exchange', 'auction') AND EXISTS (SELECT FROM contract_watches WHERE active)
), held AS (
    SELECT id FROM contract_watches WHERE id IN (SELECT id FROM matching) ORDER BY id FOR KEY SHARE
), found AS (
    INSERT INTO contract_alerts (watch_id, contract_id, alerted_at)
    SELECT m.id, m.contract_id, CAST(:now AS timestamptz) FROM held JOIN matching m ON m.id = held.id
    ON CONFLICT DO NOTHING
    RETURNING watch_id, contract_id
)
SELECT w.id AS watch_id, w.user_id, c.contract_id, c.region_id, c.type, i.type_id,
       coalesce(i.name, 'Type ' || i.type_id) AS name, i.quantity, c.price, c.title, c.date_expired,
       i.others AS other_items,
       EXISTS (SELECT FROM contract_items a WHERE a.contract_id = c.contract_id AND NOT a.is_included) AS wants_items
FROM found f
JOIN contract_watches w ON w.id = f.watch_id
JOIN contracts c ON c.contract_id = f.contract_id
JOIN LATERAL (
    SELECT i.type_id, t.name, i.quantity, count(*) OVER () AS matching,
           (SELECT count(*) FROM contract_items o WHERE o.contract_id = c.contract_id AND o.is_included) > 1 AS others
    FROM contract_items i LEFT JOIN esi_types t ON t.type_id = i.type_id
    WHERE i.contract_id = c.contract_id AND i.is_included AND (w.type_id = i.type_id OR w.group_id = t.group_id)
    ORDER BY i.quantity DESC, i.record_id LIMIT 1
) i ON true
ORDER BY w.id, c.contract_id
""")
_STILL: Final = text("""
SELECT w.id AS watch_id, c.contract_id, w.max_price, w.note
FROM unnest(CAST(:watches AS uuid[]), CAST(:contracts AS bigint[])) AS x (watch_id, contract_id)
JOIN contract_watches w ON w.id = x.watch_id AND w.active
JOIN contracts c ON c.contract_id = x.contract_id AND c.status = 'live' AND c.date_expired > :now
 AND (w.max_price IS NULL OR c.price <= w.max_price)
WHERE c.region_id IN (SELECT region_id FROM contract_regions WHERE followed)
""")
_ALL_OF: Final = text("""
SELECT w.id, w.type_id, w.group_id, w.region_id, w.max_price, w.note, w.active, w.created_at,
       (SELECT coalesce(json_agg(json_build_object('contract_id', a.contract_id, 'alerted_at', a.alerted_at)
                                 ORDER BY a.alerted_at), '[]')
        FROM contract_alerts a WHERE a.watch_id = w.id) AS alerts
FROM contract_watches w WHERE w.user_id = :user ORDER BY w.created_at, w.id
""")
_ERASE: Final = text("""
WITH held AS (SELECT id FROM contract_watches WHERE user_id = :user ORDER BY id FOR UPDATE)
DELETE FROM contract_watches WHERE id IN (SELECT id FROM held)
""")
# Duplicate watches are merged, and the remaining watch gets the alerts of both.
_JOIN_ALERTS: Final = text("""
INSERT INTO contract_alerts (watch_id, contract_id, alerted_at)
SELECT mine.id, a.contract_id, a.alerted_at
FROM contract_watches theirs
JOIN contract_watches mine ON mine.user_id = :to
 AND (mine.type_id, mine.group_id, mine.region_id)
     IS NOT DISTINCT FROM (theirs.type_id, theirs.group_id, theirs.region_id)
JOIN contract_alerts a ON a.watch_id = theirs.id
WHERE theirs.user_id = :user
ON CONFLICT DO NOTHING
""")
_DROP_DOUBLES: Final = text("""
DELETE FROM contract_watches theirs USING contract_watches mine
WHERE theirs.user_id = :user AND mine.user_id = :to
  AND (mine.type_id, mine.group_id, mine.region_id)
      IS NOT DISTINCT FROM (theirs.type_id, theirs.group_id, theirs.region_id)
""")
_HAND_OVER: Final = text("UPDATE contract_watches SET user_id = :to WHERE user_id = :user")


class WatchRepository(Repository):
    """Reads and writes watches and alerts."""

    async def lock(self, *people: UUID) -> bool:
        """Lock the watches of these people until the transaction ends; False if one of the people does not exist."""
        return len((await self.session.execute(_LOCK, {"people": list(people)})).all()) == len(people)

    async def count(self, user_id: UUID) -> int:
        return int((await self.session.execute(_COUNT, {"user": user_id})).scalar_one())

    async def same(
        self, user_id: UUID, *, type_id: int | None, group_id: int | None, region_id: int | None
    ) -> UUID | None:
        """A person's watch for the same type or group in the same region, or None."""
        values = {"user": user_id, "type_id": type_id, "group_id": group_id, "region_id": region_id}
        return (await self.session.execute(_SAME, values)).scalars().first()

    async def add(
        self,
        watch_id: UUID,
        user_id: UUID,
        *,
        type_id: int | None,
        group_id: int | None,
        region_id: int | None,
        max_price: float | None,
        note: str | None,
        now: datetime,
    ) -> None:
        await self.session.execute(
            _ADD,
            {
                "id": watch_id,
                "user": user_id,
                "type_id": type_id,
                "group_id": group_id,
                "region_id": region_id,
                "max_price": max_price,
                "note": note,
                "now": now,
            },
        )

    async def change(self, watch_id: UUID, user_id: UUID, **values: Any) -> bool:
        """Change max_price, note and active, as far as given; False if the person has no such watch."""
        result = await self.session.execute(
            _CHANGE,
            {
                "id": watch_id,
                "user": user_id,
                "set_price": "max_price" in values,
                "max_price": values.get("max_price"),
                "set_note": "note" in values,
                "note": values.get("note"),
                "active": values.get("active"),
            },
        )
        return bool(result.rowcount)  # type: ignore[attr-defined]  # the result of an UPDATE has it

    async def remove(self, watch_id: UUID, user_id: UUID) -> bool:
        """Delete a watch; False if the person has no such watch."""
        result = await self.session.execute(_REMOVE, {"id": watch_id, "user": user_id})
        return bool(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it

    async def found(self, contracts: Sequence[int], *, now: datetime) -> list[tuple[UUID, ContractFound]]:
        """Store new alerts for the watches that these contracts match; return (user id, contract) for each alert."""
        rows = await self.session.execute(_FOUND, {"ids": list(contracts), "now": now})
        return [
            (row.user_id, ContractFound(**{name: getattr(row, name) for name in ContractFound.__struct_fields__}))
            for row in rows
        ]

    async def still_wanted(
        self, found: Sequence[ContractFound], *, now: datetime
    ) -> dict[tuple[UUID, int], WatchTerms]:
        """(watch id, contract id) -> terms of the watch, for live contracts that still match an active watch."""
        watches, contracts = [match.watch_id for match in found], [match.contract_id for match in found]
        rows = await self.session.execute(_STILL, {"watches": watches, "contracts": contracts, "now": now})
        return {(row.watch_id, row.contract_id): WatchTerms(max_price=row.max_price, note=row.note) for row in rows}

    async def all_of(self, user_id: UUID) -> list[dict[str, Any]]:
        """A person's watches with their alerts."""
        return [dict(row) for row in (await self.session.execute(_ALL_OF, {"user": user_id})).mappings()]

    async def erase(self, user_id: UUID) -> None:
        await self.session.execute(_ERASE, {"user": user_id})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Move a person's watches to another account and merge duplicates."""
        for statement in (_JOIN_ALERTS, _DROP_DOUBLES, _HAND_OVER):
            await self.session.execute(statement, {"user": user_id, "to": to})
