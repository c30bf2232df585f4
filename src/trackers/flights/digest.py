"""Flight prices in a digest: the watched trips whose price changed within the window, and by how much."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.database import TransactionQueries
from trackers.flights.messages import ALERTED, Route
from trackers.flights.money import in_words
from trackers.flights.providers import ProviderRegistry
from trackers.flights.search import ScrapeQuery
from users.notifications.digest import DigestEntry, DigestGroup, DigestSection, DigestWindow, Label, spans

TITLE: Final = "Flight prices"
# Prices of the planned day of departure. Windows go by the time at which a snapshot was written, which is part of its
# id; the condition on `captured_at` only limits how many rows are read.
_MOVED: Final = text("""
WITH windows AS (
    SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
        AS w (user_id, since, until)
)
SELECT w.user_id, v.id, p.name, q.key, q.origin, q.destination, q.departs_on, q.returns_on, v.currency, v.target_price,
       latest.price, earlier.price AS before
FROM windows w
JOIN price_watches v ON v.user_id = w.user_id AND v.is_active
JOIN flight_trips p ON p.id = v.trip_id
CROSS JOIN LATERAL (
    SELECT q.* FROM price_watch_queries x JOIN flight_queries q ON q.id = x.query_id
    WHERE x.watch_id = v.id ORDER BY q.departs_on <> p.departs_on, q.departs_on LIMIT 1
) q
CROSS JOIN LATERAL (
    SELECT s.price FROM flight_snapshots s
    WHERE s.query_id = q.id AND s.cheapest AND NOT s.suspect AND s.origin <> 'history'
      AND s.captured_at > w.since - interval '1 hour'
      AND uuid_extract_timestamp(s.id) > w.since AND uuid_extract_timestamp(s.id) <= w.until
    ORDER BY s.captured_at DESC LIMIT 1
) latest
LEFT JOIN LATERAL (
    SELECT s.price FROM flight_snapshots s
    WHERE s.query_id = q.id AND s.cheapest AND NOT s.suspect AND s.origin <> 'history'
      AND uuid_extract_timestamp(s.id) <= w.since
    ORDER BY s.captured_at DESC LIMIT 1
) earlier ON TRUE
WHERE latest.price IS DISTINCT FROM earlier.price
ORDER BY w.user_id, v.id
""")


class FlightsDigest:
    """Writes the flight prices of a digest (a `DigestWriter`)."""

    name: Final = "flights"

    def __init__(self, questions: TransactionQueries, *, providers: ProviderRegistry) -> None:
        self._questions = questions
        self._providers = providers

    async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
        """Return one section per user, with an entry for each watch whose price differs from the window's beginning."""
        wants = {window.user_id: window.wants for window in windows}
        entries: dict[UUID, list[DigestEntry]] = {}
        for row in await self._questions.rows(_MOVED, spans(windows)):
            if wants[row["user_id"]](row["id"], ALERTED):
                entries.setdefault(row["user_id"], []).append(self._entry(row))
        return {
            user_id: [DigestSection(title=TITLE, groups=(DigestGroup(entries=tuple(user_entries)),))]
            for user_id, user_entries in entries.items()
        }

    def _entry(self, row: Mapping[str, Any]) -> DigestEntry:
        route = Route(**{name: row[name] for name in Route.__struct_fields__}).in_words
        price, before, currency = row["price"], row["before"], row["currency"]
        change = "" if before is None else f" ({'+' if price > before else ''}{in_words(price - before, currency)})"
        return DigestEntry(
            title=f"{row['name']} ({route})" if row["name"] else route,
            detail=f"{in_words(price, currency)}{change}",
            label=Label.NEW if before is None else Label.MOVED,
            note="at or below your target" if price <= row["target_price"] else "",
            url=self._providers.link(ScrapeQuery.read(row["key"])),
        )
