"""SQL of recording a page: registrations, their listings on pages, changes, and followers to notify."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.database.advisory_locks import AdvisoryLock, take
from trackers.fencers.links import SubjectKind
from trackers.fencers.recording import MAX_AHEAD_DAYS, Change, ListedRegistration
from trackers.fencers.rows import as_json, as_pairs

_NAME_CLUB: Final = text("""
UPDATE fencing_clubs SET slug = :slug WHERE upstream_id = :upstream_id AND slug = 'x'
""")
# Pages arrive seconds apart. Recordings wait for each other, so that they cannot collide on shared fencers or events.
_ONE_AT_A_TIME: Final = text(f"SELECT {take(AdvisoryLock.FENCING_PAGES)}")
_LOCK_PAGE: Final = {
    SubjectKind.FENCER: text("SELECT id, read_at FROM fencers WHERE target_id = :target_id FOR NO KEY UPDATE"),
    SubjectKind.CLUB: text("SELECT id, read_at FROM fencing_clubs WHERE target_id = :target_id FOR NO KEY UPDATE"),
}
_NAME_PAGE: Final = {
    SubjectKind.FENCER: text("""
    UPDATE fencers SET name = :name, folded = :folded, slug = coalesce(:slug, slug), read_at = :now WHERE id = :id
    """),
    SubjectKind.CLUB: text("""
    UPDATE fencing_clubs SET name = :name, slug = coalesce(:slug, slug), read_at = :now WHERE id = :id
    """),
}
# Separate subqueries, each with its own index: one combined condition would read every registration.
LISTED: Final = text(f"""
WITH known AS (
    SELECT registration_id AS id FROM fencing_listings WHERE target_id = :target_id AND gone_at IS NULL
    UNION
    SELECT r.id FROM fencing_listings l
    JOIN fencing_registrations r ON r.id = l.registration_id AND r.withdrawn_at IS NULL
    JOIN fencing_events e ON e.id = r.event_id AND (e.held_on IS NULL OR e.held_on > :today)
    WHERE l.target_id = :target_id AND l.gone_at IS NOT NULL
      AND l.listed_at >= CAST(:today AS date) - {MAX_AHEAD_DAYS}
    UNION
    SELECT r.id FROM jsonb_to_recordset(CAST(:pairs AS jsonb)) AS x (fencer_id uuid, event_id uuid)
    JOIN fencing_registrations r ON r.fencer_id = x.fencer_id AND r.event_id = x.event_id
)
SELECT r.id AS registration_id, r.fencer_id, r.event_id, e.held_on, r.withdrawn_at IS NOT NULL AS withdrawn,
       l.registration_id IS NOT NULL AND l.gone_at IS NULL AS listed, l.listed_on,
       l.registration_id IS NOT NULL AS told_here,
       EXISTS (
           SELECT FROM fencing_listings o JOIN scrape_schedule s ON s.target_id = o.target_id
           WHERE o.registration_id = r.id AND o.target_id <> :target_id AND o.gone_at IS NULL
       ) AS elsewhere
FROM known
JOIN fencing_registrations r ON r.id = known.id
JOIN fencing_events e ON e.id = r.event_id
LEFT JOIN fencing_listings l ON l.registration_id = r.id AND l.target_id = :target_id
""")  # noqa: S608 -- a constant number
_ADD_REGISTRATIONS: Final = text("""
INSERT INTO fencing_registrations (id, fencer_id, event_id, first_seen_at, last_seen_at)
SELECT id, fencer_id, event_id, :now, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (id uuid, fencer_id uuid, event_id uuid)
""")
_SEE: Final = text("""
WITH seen AS (
    UPDATE fencing_registrations SET last_seen_at = :now, withdrawn_at = NULL WHERE id = ANY(CAST(:ids AS uuid[]))
)
INSERT INTO fencing_listings (target_id, registration_id, listed_on, listed_at)
SELECT :target_id, id, listed_on, :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS x (id, listed_on)
ON CONFLICT (target_id, registration_id) DO UPDATE SET listed_on = excluded.listed_on, gone_at = NULL
WHERE (fencing_listings.listed_on, fencing_listings.gone_at) IS DISTINCT FROM (excluded.listed_on, NULL)
""")
_MISS: Final = text("""
WITH missed AS (
    UPDATE fencing_listings SET gone_at = :now
    WHERE target_id = :target_id AND registration_id = ANY(CAST(:ids AS uuid[]))
)
UPDATE fencing_registrations SET withdrawn_at = :now WHERE id = ANY(CAST(:withdrawn AS uuid[]))
""")
_ADD_CHANGES: Final = text("""
INSERT INTO fencing_changes (id, registration_id, kind, at, day_before, day)
SELECT uuidv7(), registration_id, kind, :now, day_before, day
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (registration_id uuid, kind text, day_before date, day date)
""")
# A day belongs to the event: all its registrations get the change, whichever page showed it first.
_MOVE: Final = text("""
WITH moved AS (
    UPDATE fencing_events e SET held_on = x.held_on
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (id uuid, held_on date)
    WHERE e.id = x.id AND e.held_on IS DISTINCT FROM x.held_on
    RETURNING e.id, old.held_on AS day_before, e.held_on AS day
)
INSERT INTO fencing_changes (id, registration_id, kind, at, day_before, day)
SELECT uuidv7(), r.id, 'moved', :now, m.day_before, m.day
FROM moved m JOIN fencing_registrations r ON r.event_id = m.id AND r.withdrawn_at IS NULL
WHERE r.id <> ALL(CAST(:new AS uuid[]))
""")
_TOLD = """
       f.id AS fencer_id, f.upstream_id, f.slug, f.name, f.read_at IS NOT NULL AS fetched_at, e.name AS event, e.weapon,
       e.upstream_id AS event_id, t.name AS tournament,
       ARRAY(SELECT b.id FROM fencing_listings l JOIN fencing_clubs b ON b.target_id = l.target_id
             WHERE l.registration_id = r.id {and_listed} ORDER BY b.id) AS clubs
"""
_TOLD_FROM = """
JOIN fencing_events e ON e.id = r.event_id
JOIN fencing_tournaments t ON t.id = e.tournament_id
JOIN fencers f ON f.id = r.fencer_id
"""
# A registration that a club's page dropped no longer belongs to the club, but its withdrawal does.
_NEWS: Final = text(f"""
SELECT c.id, c.kind, c.day_before, c.day, {_TOLD.format(and_listed="AND (l.gone_at IS NULL OR c.kind = 'withdrawn')")}
FROM fencing_changes c JOIN fencing_registrations r ON r.id = c.registration_id {_TOLD_FROM}
WHERE c.at = :now AND c.registration_id = ANY(CAST(:ids AS uuid[]))
ORDER BY c.id
""")  # noqa: S608 -- constants of this module
# Registrations that some people know already: through another page, or under a name alone.
_HEARD: Final = text(f"""
SELECT r.id, 'registered' AS kind, CAST(NULL AS date) AS day_before, e.held_on AS day, {_TOLD.format(and_listed="")}
FROM fencing_registrations r {_TOLD_FROM}
WHERE r.id = ANY(CAST(:ids AS uuid[])) ORDER BY r.id
""")  # noqa: S608 -- as above
_MOVED_AT: Final = text("""
SELECT c.registration_id FROM fencing_changes c JOIN fencing_registrations r ON r.id = c.registration_id
WHERE c.at = :now AND c.kind = 'moved' AND r.event_id = ANY(CAST(:events AS uuid[]))
""")
_LETS_THROUGH = "active AND (weapons = '{}' OR CAST(:weapon AS text) IS NULL OR CAST(:weapon AS text) = ANY(weapons))"
_FOLLOWERS: Final = text(f"""
WITH known AS (
    SELECT user_id FROM tracked_fencers WHERE fencer_id = ANY(CAST(:known_through AS uuid[])) AND {_LETS_THROUGH}
    UNION ALL
    SELECT user_id FROM tracked_clubs WHERE club_id = ANY(CAST(:known_through AS uuid[])) AND {_LETS_THROUGH}
), followers AS (
    SELECT id, user_id FROM tracked_fencers WHERE fencer_id = :fencer_id AND {_LETS_THROUGH}
    UNION ALL
    SELECT id, user_id FROM tracked_clubs WHERE club_id = ANY(CAST(:clubs AS uuid[])) AND {_LETS_THROUGH}
)
SELECT id, user_id FROM followers f WHERE NOT EXISTS (SELECT FROM known k WHERE k.user_id = f.user_id) ORDER BY id
""")  # noqa: S608 -- as above
_REMOVE_OLD_CHANGES: Final = text("""
DELETE FROM fencing_changes WHERE id IN (SELECT id FROM fencing_changes WHERE at < :before ORDER BY at LIMIT :limit)
""")


class SubjectPage(Struct, frozen=True, kw_only=True):
    """The fencer or club of a page."""

    id: UUID
    first_fetch: bool


class RegistrationRow(Struct, frozen=True, kw_only=True):
    id: UUID
    fencer_id: UUID
    event_id: UUID


class ChangeUpdate(Struct, frozen=True, kw_only=True):
    """A change with all data for its event."""

    id: UUID
    kind: str
    day_before: date | None
    day: date | None
    fencer_id: UUID
    upstream_id: int | None
    slug: str
    name: str | None
    fetched_at: bool
    """True if the fencer's own page was ever read."""
    event: str
    weapon: str | None
    event_id: int | None
    tournament: str
    clubs: list[UUID]


class RegistrationRepository(Repository):
    """Reads what a page is compared with, and writes the differences."""

    async def one_at_a_time(self) -> None:
        await self.session.execute(_ONE_AT_A_TIME)

    async def lock_page(self, kind: SubjectKind, target_id: UUID) -> SubjectPage | None:
        """Lock the fencer or club of a page until the transaction ends; None if it no longer exists."""
        row = (await self.session.execute(_LOCK_PAGE[kind], {"target_id": target_id})).one_or_none()
        return None if row is None else SubjectPage(id=row.id, first_fetch=row.read_at is None)

    async def name_page(
        self, kind: SubjectKind, page_id: UUID, name: str, folded: str, *, slug: str | None, now: datetime
    ) -> None:
        """Store the name and slug of a page; without a slug the stored slug stays."""
        values = {"id": page_id, "name": name, "slug": slug, "now": now}
        await self.session.execute(
            _NAME_PAGE[kind], values | ({"folded": folded} if kind is SubjectKind.FENCER else {})
        )

    async def name_club(self, upstream_id: int, slug: str) -> None:
        """Store the slug in a fencer's link to their club, if the club has none yet."""
        await self.session.execute(_NAME_CLUB, {"upstream_id": upstream_id, "slug": slug})

    async def listed(
        self, target_id: UUID, pairs: Sequence[tuple[UUID, UUID]], *, today: date
    ) -> dict[tuple[UUID, UUID], ListedRegistration]:
        """Return (fencer, event) -> registration: those that the page listed before, and those of `pairs`.

        Registrations that the page dropped earlier are included if they are upcoming and not withdrawn, because another
        page lists them.
        """
        rows = await self.session.execute(LISTED, {"target_id": target_id, "pairs": as_pairs(pairs), "today": today})
        return {
            (row["fencer_id"], row["event_id"]): ListedRegistration(
                **{name: value for name, value in row.items() if name != "fencer_id"}
            )
            for row in rows.mappings()
        }

    async def add_registrations(self, rows: Sequence[RegistrationRow], *, now: datetime) -> None:
        await self.session.execute(_ADD_REGISTRATIONS, {"rows": as_json(rows), "now": now})

    async def see(self, target_id: UUID, days: Mapping[UUID, date | None], *, now: datetime) -> None:
        """Store that a page lists registrations, with the day that it names."""
        values = {"target_id": target_id, "ids": list(days), "days": list(days.values()), "now": now}
        await self.session.execute(_SEE, values)

    async def miss(self, target_id: UUID, missing: Sequence[UUID], withdrawn: Sequence[UUID], *, now: datetime) -> None:
        """Store that a page no longer lists registrations, and which registrations are withdrawn."""
        values = {"target_id": target_id, "ids": list(missing), "withdrawn": list(withdrawn), "now": now}
        await self.session.execute(_MISS, values)

    async def add_changes(self, changes: Sequence[Change], *, now: datetime) -> None:
        await self.session.execute(_ADD_CHANGES, {"rows": as_json(changes), "now": now})

    async def move(self, days: Mapping[UUID, date], *, new: Sequence[UUID], now: datetime) -> list[UUID]:
        """Change the days of events; add a change to all their registrations but `new`, and return their ids."""
        rows = as_json([{"id": str(event), "held_on": day} for event, day in days.items()])
        await self.session.execute(_MOVE, {"rows": rows, "new": list(new), "now": now})
        return list((await self.session.execute(_MOVED_AT, {"now": now, "events": list(days)})).scalars())

    async def news(self, registrations: Sequence[UUID], *, now: datetime) -> list[ChangeUpdate]:
        """Return the changes of these registrations that were added at `now`."""
        rows = await self.session.execute(_NEWS, {"ids": list(registrations), "now": now})
        return [ChangeUpdate(**row) for row in rows.mappings()]

    async def heard(self, registrations: Sequence[UUID]) -> list[ChangeUpdate]:
        """Return registrations as changes, for people who do not know them yet."""
        rows = await self.session.execute(_HEARD, {"ids": list(registrations)})
        return [ChangeUpdate(**row) for row in rows.mappings()]

    async def followers(
        self, fencer_id: UUID, *, clubs: Sequence[UUID], weapon: str | None, known_through: Sequence[UUID] = ()
    ) -> list[tuple[UUID, UUID]]:
        """Return (tracked id, user id) of followers of a fencer or of `clubs` whose filter lets the weapon through.

        People who follow one of `known_through` are left out, because they know the change already.
        """
        values = {"fencer_id": fencer_id, "clubs": list(clubs), "weapon": weapon, "known_through": list(known_through)}
        rows = await self.session.execute(_FOLLOWERS, values)
        return [(row.id, row.user_id) for row in rows]

    async def remove_old_changes(self, *, before: datetime, limit: int) -> int:
        result = await self.session.execute(_REMOVE_OLD_CHANGES, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has `rowcount`
