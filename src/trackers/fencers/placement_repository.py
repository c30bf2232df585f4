"""SQL of the placement of a page's entries: the tournament, event and fencer of each."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from trackers.fencers.matching import ListedEvent, StoredEvent
from trackers.fencers.rows import as_json, as_pairs

_ADD_TOURNAMENTS: Final = text("""
INSERT INTO fencing_tournaments (id, name, folded, season)
SELECT uuidv7(), name, folded, season
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (name text, folded text, season smallint)
ON CONFLICT (folded, season) DO NOTHING
""")
_TOURNAMENTS: Final = text("""
SELECT t.id, t.folded, t.season FROM fencing_tournaments t
JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (folded text, season smallint) USING (folded, season)
""")
_EVENTS: Final = text("""
SELECT id, upstream_id, tournament_id, code, held_on, EXISTS (
           SELECT FROM fencing_registrations r
           JOIN fencing_listings l ON l.registration_id = r.id AND l.gone_at IS NULL AND l.target_id <> :target_id
           JOIN scrape_schedule s ON s.target_id = l.target_id
           WHERE r.event_id = fencing_events.id AND l.listed_on = fencing_events.held_on
       ) AS upheld
FROM fencing_events
WHERE upstream_id = ANY(CAST(:upstream_ids AS bigint[])) OR tournament_id = ANY(CAST(:tournaments AS uuid[]))
ORDER BY id
""")
_ADD_EVENTS: Final = text("""
INSERT INTO fencing_events (id, upstream_id, tournament_id, name, code, weapon, held_on)
SELECT id, upstream_id, tournament_id, name, code, weapon, held_on
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (
    id uuid, upstream_id bigint, tournament_id uuid, name text, code text, weapon text, held_on date
)
""")
_NUMBER_EVENT: Final = text("UPDATE fencing_events SET upstream_id = :upstream_id WHERE id = :id")
_TOLD_EVENTS: Final = text("""
SELECT e.id, e.upstream_id, e.tournament_id, e.code, e.held_on, t.folded AS tournament,
       array_remove(array_agg(DISTINCT f.upstream_id), NULL) AS numbers, array_agg(DISTINCT f.folded) AS names,
       array_remove(array_agg(DISTINCT l.listed_on), NULL) AS days
FROM fencing_listings l
JOIN fencing_registrations r ON r.id = l.registration_id
JOIN fencing_events e ON e.id = r.event_id AND (e.held_on IS NULL OR e.held_on >= :today)
JOIN fencing_tournaments t ON t.id = e.tournament_id
JOIN fencers f ON f.id = r.fencer_id
WHERE l.target_id = :target_id AND l.gone_at IS NULL
GROUP BY e.id, t.id ORDER BY e.id
""")
_RENAME_EVENT: Final = text("""
UPDATE fencing_events SET tournament_id = :tournament_id, name = :name, code = :code WHERE id = :id
""")
_ADD_FENCERS: Final = text("""
INSERT INTO fencers (id, upstream_id, club_id, name, folded)
SELECT uuidv7(), upstream_id, club_id, name, folded
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (upstream_id bigint, club_id uuid, name text, folded text)
ON CONFLICT DO NOTHING
""")
# Fill in a name or slug that the fencer's own page has not given yet.
_NAME_FENCERS: Final = text("""
UPDATE fencers f
SET name = coalesce(f.name, x.name), folded = CASE WHEN f.name IS NULL THEN x.folded ELSE f.folded END,
    slug = CASE WHEN f.slug = 'x' THEN coalesce(x.slug, f.slug) ELSE f.slug END
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (upstream_id bigint, name text, folded text, slug text)
WHERE f.upstream_id = x.upstream_id AND (f.name IS NULL OR f.slug = 'x' AND x.slug IS NOT NULL)
""")
_NUMBERED: Final = text("SELECT id, upstream_id FROM fencers WHERE upstream_id = ANY(CAST(:upstream_ids AS bigint[]))")
# Fencers that an entry without a link can mean.
_NAMESAKES: Final = text("""
SELECT f.id, f.folded, f.upstream_id IS NOT NULL AS numbered, r.event_id,
       EXISTS (SELECT FROM fencing_listings l WHERE l.registration_id = r.id AND l.target_id = :target_id) AS listed
FROM fencers f LEFT JOIN fencing_registrations r ON r.fencer_id = f.id
WHERE f.folded = ANY(CAST(:folded AS text[])) AND (
    f.upstream_id IS NOT NULL OR f.club_id = (SELECT id FROM fencing_clubs WHERE target_id = :target_id)
)
ORDER BY f.upstream_id NULLS LAST, f.id
""")
# A registration under a name alone is given to the identified fencer. If several clubs listed it like that, it becomes
# one registration, which gets all their listings.
_ADOPT: Final = text("""
WITH meant AS (
    SELECT DISTINCT ON (r.id) r.id, x.fencer_id, x.event_id, r.fencer_id = x.fencer_id AS theirs
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (fencer_id uuid, event_id uuid)
    JOIN fencers f ON f.id = x.fencer_id AND f.upstream_id IS NOT NULL
    JOIN fencers named ON named.folded = f.folded AND named.upstream_id IS NULL OR named.id = f.id
    JOIN fencing_registrations r ON r.fencer_id = named.id AND r.event_id = x.event_id
    ORDER BY r.id, x.fencer_id
), kept AS (
    SELECT *, first_value(id) OVER (PARTITION BY fencer_id, event_id ORDER BY theirs DESC, id) AS kept_id FROM meant
), listed AS (
    INSERT INTO fencing_listings (target_id, registration_id, listed_on, listed_at, gone_at)
    SELECT l.target_id, k.kept_id, l.listed_on, l.listed_at, l.gone_at
    FROM kept k JOIN fencing_listings l ON l.registration_id = k.id WHERE k.id <> k.kept_id
    ON CONFLICT (target_id, registration_id) DO NOTHING
), merged AS (
    DELETE FROM fencing_registrations r USING kept k WHERE r.id = k.id AND k.id <> k.kept_id
)
UPDATE fencing_registrations r SET fencer_id = k.fencer_id, identified_at = :now FROM kept k
WHERE r.id = k.id AND k.id = k.kept_id AND NOT k.theirs
RETURNING r.id
""")


class EventRow(StoredEvent, frozen=True, kw_only=True):
    name: str
    weapon: str | None


class FencerRow(Struct, frozen=True, kw_only=True):
    upstream_id: int | None
    club_id: UUID | None
    name: str
    folded: str
    slug: str | None = None


class Namesake(Struct, frozen=True, kw_only=True):
    """A fencer of a given name, with one of their registrations."""

    id: UUID
    folded: str
    numbered: bool
    event_id: UUID | None
    listed: bool
    """True if the page lists or listed the registration."""


class PlacementRepository(Repository):
    """Reads, creates and changes the tournaments, events and fencers that a page names."""

    async def tournaments(self, named: Mapping[tuple[str, int], str]) -> dict[tuple[str, int], UUID]:
        """Return (folded name, season) -> id, creating new tournaments; `named`: their names as they are shown."""
        rows = as_json([{"folded": f, "season": s, "name": name} for (f, s), name in sorted(named.items())])
        await self.session.execute(_ADD_TOURNAMENTS, {"rows": rows})
        tournaments = await self.session.execute(_TOURNAMENTS, {"rows": rows})
        return {(row.folded, row.season): row.id for row in tournaments}

    async def events(
        self, upstream_ids: Sequence[int], tournaments: Sequence[UUID], *, target_id: UUID
    ) -> list[StoredEvent]:
        """Return events with these numbers and all events of these tournaments, for the page of a target."""
        values = {"upstream_ids": list(upstream_ids), "tournaments": list(tournaments), "target_id": target_id}
        rows = await self.session.execute(_EVENTS, values)
        return [StoredEvent(**row) for row in rows.mappings()]

    async def add_events(self, events: Sequence[EventRow]) -> None:
        await self.session.execute(_ADD_EVENTS, {"rows": as_json(events)})

    async def number_event(self, event_id: UUID, upstream_id: int) -> None:
        """Set the number of an event that was stored without it."""
        await self.session.execute(_NUMBER_EVENT, {"id": event_id, "upstream_id": upstream_id})

    async def told_events(self, target_id: UUID, *, today: date) -> list[ListedEvent]:
        """Return the upcoming events that a page listed when it was last fetched."""
        rows = await self.session.execute(_TOLD_EVENTS, {"target_id": target_id, "today": today})
        return [ListedEvent(**row) for row in rows.mappings()]

    async def rename_event(self, event_id: UUID, tournament_id: UUID, *, name: str, code: str) -> None:
        values = {"id": event_id, "tournament_id": tournament_id, "name": name, "code": code}
        await self.session.execute(_RENAME_EVENT, values)

    async def numbered(self, fencers: Sequence[FencerRow]) -> dict[int, UUID]:
        """Return number -> fencer id, creating new fencers."""
        rows = as_json(sorted(fencers, key=lambda fencer: fencer.upstream_id or 0))
        await self.session.execute(_ADD_FENCERS, {"rows": rows})
        await self.session.execute(_NAME_FENCERS, {"rows": rows})
        numbers = [fencer.upstream_id for fencer in fencers]
        stored = await self.session.execute(_NUMBERED, {"upstream_ids": numbers})
        return {row.upstream_id: row.id for row in stored}

    async def namesakes(self, folded: Sequence[str], *, target_id: UUID) -> list[Namesake]:
        """Return the fencers that a name on a club's page may refer to.

        These are all fencers of that name with a number, and this club's fencers of that name without one.
        """
        rows = await self.session.execute(_NAMESAKES, {"folded": list(folded), "target_id": target_id})
        return [Namesake(**row) for row in rows.mappings()]

    async def add_unnumbered(self, fencers: Sequence[FencerRow]) -> None:
        await self.session.execute(_ADD_FENCERS, {"rows": as_json(fencers)})

    async def adopt(self, pairs: Sequence[tuple[UUID, UUID]], *, now: datetime) -> set[UUID]:
        """Give registrations of fencers without a number to the numbered fencers in the (fencer, event) pairs.

        Returns the ids of these registrations.
        """
        return set((await self.session.execute(_ADOPT, {"rows": as_pairs(pairs), "now": now})).scalars())
