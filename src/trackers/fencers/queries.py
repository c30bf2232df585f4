"""Read queries for fencers and clubs that people follow: static statements whose rows become Structs."""

from datetime import date, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from shared.clock import Clock
from shared.database import PooledQueries, Queries
from shared.ids import LAST
from shared.scraping.target import Status
from shared.scraping.targets import STATUS_COLUMNS
from shared.web.identity import BotIdentity, Identity
from trackers.fencers.errors import TrackedNotFound
from trackers.fencers.links import SubjectKind, event_url, page_url
from trackers.fencers.recording import MAX_AHEAD_DAYS, ChangeKind
from trackers.fencers.repository import COLUMN, PAGES, TRACKED
from trackers.fencers.schemas import (
    FencerHistory,
    FencerHistoryEntry,
    RegistrationView,
    TrackedDetail,
    TrackedFilter,
    TrackedPage,
    TrackedView,
)
from trackers.fencers.weapons import Weapon
from users.access import AccessPolicy

REGISTERED_BY: Final = {
    SubjectKind.FENCER: "r.fencer_id = k.fencer_id",
    SubjectKind.CLUB: """r.id IN (SELECT l.registration_id
                          FROM fencing_clubs b JOIN fencing_listings l USING (target_id)
                          WHERE b.id = k.club_id AND l.gone_at IS NULL)""",
}
"""Condition for the registrations of a followed subject: a fencer's, or those that a club's page lists."""
WHILE_LISTED: Final = "(l.gone_at IS NULL OR c.at <= l.gone_at OR c.kind = 'withdrawn')"
"""Condition for the changes of a club: those while its page listed the registration, and its withdrawal."""
LATELY: Final = f"r.first_seen_at >= CAST(:today AS date) - {MAX_AHEAD_DAYS}"
_SINCE: Final = f"since.at - interval '{MAX_AHEAD_DAYS} days'"
_CHANGES: Final = {
    SubjectKind.FENCER: f"""JOIN fencing_registrations r ON r.fencer_id = k.fencer_id AND r.first_seen_at >= {_SINCE}
                     JOIN fencing_changes c ON c.registration_id = r.id AND c.at >= since.at""",
    SubjectKind.CLUB: f"""JOIN fencing_clubs b ON b.id = k.club_id
                   JOIN fencing_listings l ON l.target_id = b.target_id AND l.listed_at >= {_SINCE}
                   JOIN fencing_registrations r ON r.id = l.registration_id
                   JOIN fencing_changes c ON c.registration_id = r.id AND c.at >= since.at AND {WHILE_LISTED}""",
}
THROUGH: Final = "(k.weapons = '{}' OR e.weapon IS NULL OR e.weapon = ANY(k.weapons))"
"""Condition that the follower's filter lets an event through."""
OPEN: Final = "r.withdrawn_at IS NULL AND (e.held_on IS NULL OR e.held_on >= :today)"
_REGISTRATION: Final = """
SELECT r.id, f.upstream_id AS fencer_id, f.slug, f.name AS fencer, t.name AS tournament, e.name AS event,
       e.upstream_id AS event_id, e.weapon, e.held_on AS date, r.first_seen_at, r.last_seen_at, r.withdrawn_at
"""
_JOINED: Final = """
JOIN fencing_events e ON e.id = r.event_id
JOIN fencing_tournaments t ON t.id = e.tournament_id
JOIN fencers f ON f.id = r.fencer_id
"""
MAX_REGISTRATIONS: Final = 2_000
"""Maximum registrations in one answer."""


def _view(kind: SubjectKind) -> str:
    """Return the SELECT of followed subjects with the fetch status of their pages."""
    return f"""
    SELECT k.id, k.user_id, p.id AS page_id, p.upstream_id, p.slug, coalesce(k.name, p.name) AS name, k.weapons,
           k.active, k.created_at, {STATUS_COLUMNS},
           (SELECT count(*) FROM fencing_registrations r JOIN fencing_events e ON e.id = r.event_id
            WHERE {REGISTERED_BY[kind]} AND {LATELY} AND {OPEN} AND {THROUGH}) AS registrations
    FROM {TRACKED[kind]} k JOIN {PAGES[kind]} p ON p.id = k.{COLUMN[kind]}
    LEFT JOIN scrape_targets t ON t.id = p.target_id
    LEFT JOIN scrape_schedule s ON s.target_id = p.target_id
    """  # noqa: S608 -- constants of this module


_ONE: Final = {kind: text(f"{_view(kind)} WHERE k.id = :id") for kind in SubjectKind}
_REGISTRATIONS: Final = {
    kind: text(f"""
    {_REGISTRATION}
    FROM {TRACKED[kind]} k JOIN fencing_registrations r ON {REGISTERED_BY[kind]} AND {LATELY} {_JOINED}
    WHERE k.id = :id AND {OPEN} AND {THROUGH}
    ORDER BY e.held_on NULLS LAST, t.name, f.name, r.id LIMIT {MAX_REGISTRATIONS}
    """)
    for kind in SubjectKind
}
_OWNER: Final = {kind: text(f"SELECT user_id FROM {TRACKED[kind]} WHERE id = :id") for kind in SubjectKind}  # noqa: S608 -- as above
SPANS: Final = (timedelta(days=90), timedelta(days=360), timedelta(days=1440), timedelta(days=36_500))
"""Time spans that are searched for a page of the history, until it is full; most need only the first."""
_HISTORY: Final = {
    kind: text(f"""
    SELECT c.id, c.kind, c.at, c.registration_id, f.name AS fencer, t.name AS tournament, e.name AS event, e.weapon,
           c.day_before AS date_before, c.day AS date
    FROM {TRACKED[kind]} k
    CROSS JOIN (
        SELECT coalesce((SELECT b.at FROM fencing_changes b WHERE b.id = :before), CAST(:now AS timestamptz))
               - CAST(:span AS interval) AS at
    ) AS since
    {_CHANGES[kind]} {_JOINED}
    WHERE k.id = :id AND c.id < :before AND {THROUGH} ORDER BY c.id DESC LIMIT :limit
    """)  # noqa: S608 -- as above
    for kind in SubjectKind
}
_FILTERS: Final = {
    "user_id": "k.user_id = :user_id",
    "active": "k.active = :active",
    "guilds": """EXISTS (SELECT FROM guild_members g
                         WHERE g.user_id = k.user_id AND g.guild_id = ANY(CAST(:guilds AS text[]))
                           AND g.confirmed_by IS NOT NULL)""",
}


@cache
def _list_statements(kind: SubjectKind, filters: frozenset[str]) -> tuple[TextClause, TextClause]:
    """Return the statements for a page and for the total, with only the given filters."""
    where = " AND ".join(["TRUE", *(_FILTERS[name] for name in sorted(filters))])
    page = text(f"{_view(kind)} WHERE {where} ORDER BY k.created_at, k.id LIMIT :limit OFFSET :skip")
    return page, text(f"SELECT count(*) FROM {TRACKED[kind]} k WHERE {where}")  # noqa: S608 -- constants of this module


class TrackingQueries:
    """Reads the fencers and clubs that people follow.

    Raises TrackedNotFound, or Forbidden if the caller may not read what another person follows.
    """

    def __init__(self, questions: Queries, *, access: AccessPolicy, clock: Clock) -> None:
        self._questions = questions
        self._access = access
        self._clock = clock

    async def list_of(
        self, kind: SubjectKind, asker: Identity, filters: TrackedFilter, *, page: int, per_page: int
    ) -> TrackedPage:
        """Return the fencers or clubs that a person, or the people of a bot, follow and that match the filters.

        The oldest come first.
        """
        parameters: dict[str, Any] = {}
        if filters.active is not None:
            parameters["active"] = filters.active
        if isinstance(asker, BotIdentity):
            if asker.guild_ids is not None:
                parameters["guilds"] = sorted(asker.guild_ids)
            if filters.user_id is not None:
                parameters["user_id"] = filters.user_id
        else:
            parameters["user_id"] = asker.user_id
        items, count = _list_statements(kind, frozenset(parameters))
        paged = {"limit": per_page, "skip": (page - 1) * per_page, "today": self._today()}
        rows = await self._questions.rows(items, {**parameters, **paged})
        return TrackedPage(
            items=[_tracked_view(kind, row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._questions.value(count, parameters),
        )

    async def one(self, kind: SubjectKind, asker: Identity, tracked_id: UUID) -> TrackedView:
        row = await self._questions.row(_ONE[kind], {"id": tracked_id, "today": self._today()})
        if row is None:
            raise TrackedNotFound(kind, tracked_id)
        await self._access.check_read(asker, row["user_id"])
        return _tracked_view(kind, row)

    async def detail(self, kind: SubjectKind, asker: Identity, tracked_id: UUID) -> TrackedDetail:
        """Return a followed subject with the upcoming registrations that its filter lets through."""
        tracked = await self.one(kind, asker, tracked_id)
        rows = await self._questions.rows(_REGISTRATIONS[kind], {"id": tracked_id, "today": self._today()})
        return TrackedDetail(tracked=tracked, registrations=[_registration_view(row) for row in rows])

    async def history(
        self, kind: SubjectKind, asker: Identity, tracked_id: UUID, *, before: UUID | None, limit: int
    ) -> FencerHistory:
        """Return changes of registrations, the newest first."""
        owner = await self._questions.value(_OWNER[kind], {"id": tracked_id})
        if owner is None:
            raise TrackedNotFound(kind, tracked_id)
        await self._access.check_read(asker, owner)
        values = {"id": tracked_id, "before": before or LAST, "limit": limit + 1, "now": self._clock.now()}
        rows: list[dict[str, Any]] = []
        for span in SPANS:
            rows = await self._questions.rows(_HISTORY[kind], {**values, "span": span})
            if len(rows) > limit:
                break
        items = [
            FencerHistoryEntry(**{**row, "kind": ChangeKind(row["kind"]), "weapon": _weapon(row["weapon"])})
            for row in rows[:limit]
        ]
        return FencerHistory(items=items, next_before=items[-1].id if len(rows) > limit else None)

    def _today(self) -> date:
        return self._clock.now().date()


_LISTED_ON: Final = text("""
SELECT count(*) FROM fencing_listings l
JOIN fencing_registrations r ON r.id = l.registration_id
JOIN fencing_events e ON e.id = r.event_id
WHERE l.target_id = :target_id AND l.gone_at IS NULL AND (e.held_on IS NULL OR e.held_on > :today)
""")


class PageQueries:
    """Reads facts about pages that the source needs."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def listed_on(self, target_id: UUID, today: date) -> int:
        """Return the number of upcoming registrations that a page listed at its last fetch."""
        return int(await self._reader.value(_LISTED_ON, {"target_id": target_id, "today": today}))


def _weapon(name: str | None) -> Weapon | None:
    return None if name is None else Weapon(name)


def _tracked_view(kind: SubjectKind, row: dict[str, Any]) -> TrackedView:
    return TrackedView(
        id=row["id"],
        user_id=row["user_id"],
        page_id=row["page_id"],
        upstream_id=row["upstream_id"],
        url=page_url(kind, row["upstream_id"], row["slug"]),
        name=row["name"],
        weapons=[Weapon(name) for name in row["weapons"]],
        active=row["active"],
        created_at=row["created_at"],
        status=Status(row["status"]),
        reason=row["reason"],
        error=row["error"],
        last_checked_at=row["last_attempt_at"],
        last_success_at=row["last_success_at"],
        last_changed_at=row["last_changed_at"],
        next_fetch_at=row["next_fetch_at"],
        registrations=row["registrations"],
    )


def _registration_view(row: dict[str, Any]) -> RegistrationView:
    number, slug, event_id = row["fencer_id"], row.pop("slug"), row.pop("event_id")
    return RegistrationView(
        **{**row, "weapon": _weapon(row["weapon"])},
        fencer_url=None if number is None else page_url(SubjectKind.FENCER, number, slug),
        event_url=event_url(event_id),
    )
