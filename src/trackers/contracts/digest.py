"""Matches of a person's watches in a digest: found within the window and still on offer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.database import TransactionQueries
from trackers.contracts.messages import FOUND, ContractFound, in_words
from users.notifications.digest import DigestEntry, DigestGroup, DigestSection, DigestWindow, Label, spans

TITLE: Final = "Contracts that match your watches"
_OFFERED: Final = text("""
WITH windows AS (
    SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
        AS w (user_id, since, until)
)
SELECT s.user_id, w.id AS watch_id, c.contract_id, c.region_id, c.type, i.type_id,
       coalesce(i.name, 'Type ' || i.type_id) AS name, i.quantity, c.price, c.title, c.date_expired,
       i.included > 1 AS other_items,
       EXISTS (SELECT FROM contract_items a WHERE a.contract_id = c.contract_id AND NOT a.is_included) AS wants_items
FROM windows s
JOIN contract_watches w ON w.user_id = s.user_id AND w.active
CROSS JOIN LATERAL (
    SELECT a.contract_id FROM contract_alerts a
    WHERE a.watch_id = w.id AND a.alerted_at >= s.since AND a.alerted_at < s.until
    OFFSET 0  -- without it, all alerts of the watch are read and most are discarded
) t
JOIN contracts c ON c.contract_id = t.contract_id AND c.status = 'live' AND c.date_expired > s.until
 AND c.region_id IN (SELECT region_id FROM contract_regions WHERE followed)
JOIN LATERAL (
    SELECT i.type_id, t.name, i.quantity,
           (SELECT count(*) FROM contract_items o WHERE o.contract_id = c.contract_id AND o.is_included) AS included
    FROM contract_items i LEFT JOIN esi_types t ON t.type_id = i.type_id
    WHERE i.contract_id = c.contract_id AND i.is_included AND (w.type_id = i.type_id OR w.group_id = t.group_id)
    ORDER BY i.quantity DESC, i.record_id LIMIT 1
) i ON true
ORDER BY s.user_id, c.contract_id, w.created_at, w.id
""")


class ContractsDigest:
    """The DigestWriter of contracts."""

    name: Final = "contracts"

    def __init__(self, queries: TransactionQueries) -> None:
        self._queries = queries

    async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
        """User id -> one section with an entry per contract, under the oldest watch that the digest includes."""
        wants = {window.user_id: window.wants for window in windows}
        contracts: dict[UUID, dict[int, ContractFound]] = {}
        for row in await self._queries.rows(_OFFERED, spans(windows)):
            user_id = row.pop("user_id")
            if wants[user_id](row["watch_id"], FOUND):
                contracts.setdefault(user_id, {}).setdefault(row["contract_id"], ContractFound(**row))
        return {
            user_id: [DigestSection(title=TITLE, groups=(DigestGroup(entries=_entries(by_id.values())),))]
            for user_id, by_id in contracts.items()
        }


def _entries(contracts: Iterable[ContractFound]) -> tuple[DigestEntry, ...]:
    """Entries by name, then by price per unit, the cheapest first."""
    ordered = sorted(contracts, key=lambda row: (row.name, row.price / max(row.quantity, 1), row.contract_id))
    return tuple(
        DigestEntry(
            title=found.name,
            detail=in_words(found),
            label=Label.NEW,
            note=f"contract {found.contract_id}, until {found.date_expired:%d %b %H:%M} UTC",
        )
        for found in ordered
    )
