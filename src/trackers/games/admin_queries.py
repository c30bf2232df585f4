"""Read queries for admins: the game trackers of all people."""

from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text

from shared.audit.queries import bounds
from shared.audit.schemas import LogPage
from shared.clock import Clock
from shared.database import Queries
from shared.scraping.target import Status
from shared.scraping.targets import STATUS_COLUMNS, counts
from shared.web.identity import PersonIdentity
from trackers.games.admin_repository import fetch_status_is
from trackers.games.admin_schemas import (
    AdminTracker,
    AdminTrackerFilter,
    AdminTrackerPage,
    FetchReason,
    RunFilter,
    ScrapeLog,
    ScrapeLogs,
    ScrapingStatus,
)
from trackers.games.errors import TrackerNotFound
from trackers.games.links import account_of, site_profile_url
from trackers.games.queries import TRACKER_COLUMNS, TRACKER_FILTERS, TRACKER_JOINS, TRACKER_ORDER
from trackers.games.schemas import TrackerSort
from users.access import AccessPolicy

_COLUMNS: Final = f"{TRACKER_COLUMNS}, k.account_id, k.deleted_at"
_FILTERS: Final = TRACKER_FILTERS | {"account_id": "k.account_id = :account_id"}
_JOINED_FILTERS: Final = frozenset({"status", "reason", "platform"})
"""Filters on columns outside the tracker's own row."""
_TRACKER: Final = text(f"{_COLUMNS} {TRACKER_JOINS} WHERE k.id = :id")
_STATUS: Final = text(f"""
SELECT status, reason, count(*) AS trackers, min(due_at) AS oldest_due,
       count(*) FILTER (WHERE never_fetched) AS never_fetched
FROM (
    SELECT t.last_status IS NULL AS never_fetched,
           CASE WHEN s.lease_until IS NULL AND s.priority <> 5 AND s.due_at <= :now THEN s.due_at END AS due_at,
           {STATUS_COLUMNS}
    {TRACKER_JOINS}
    WHERE k.deleted_at IS NULL AND k.active
) AS x
GROUP BY status, reason
""")  # noqa: S608 -- fragments of our own
_TARGET: Final = text("""
SELECT a.target_id FROM game_trackers k JOIN game_accounts a ON a.id = k.account_id WHERE k.id = :id
""")
_RUNS: Final = """
SELECT r.id, a.id AS account_id, a.game, a.platform, a.identifier, a.display, r.trigger, r.status, r.reason, r.error,
       r.requested_at, r.started_at, r.finished_at, r.http_status, r.requests, r.bytes, r.changed
FROM scrape_runs r JOIN game_accounts a ON a.target_id = r.target_id
WHERE {which} r.id >= CAST(:oldest AS uuid) AND r.id < CAST(:before AS uuid)
ORDER BY r.id DESC LIMIT CAST(:limit AS bigint)
"""
_RUN_FILTERS: Final = {"target_id": "r.target_id = :target_id", "reason": "r.status = 'failed' AND r.reason = :reason"}


@cache
def _list_statements(
    names: frozenset[str], status: Status | None, reason: FetchReason | None, sort: TrackerSort, *, removed: bool
) -> tuple[TextClause, TextClause]:
    """Statements for a page and for the total, with only the given filters, because query plans depend on them."""
    filters = [_FILTERS[name] for name in sorted(names & _FILTERS.keys())]
    where = " AND ".join(
        [f"k.deleted_at IS {'NOT ' if removed else ''}NULL", *filters, *fetch_status_is(status, reason)]
    )
    page = text(f"{_COLUMNS} {TRACKER_JOINS} WHERE {where} ORDER BY {TRACKER_ORDER[sort]} LIMIT :limit OFFSET :skip")
    joins = TRACKER_JOINS if names & _JOINED_FILTERS else "FROM game_trackers k"
    return page, text(f"SELECT count(*) {joins} WHERE {where}")


@cache
def _runs_statement(names: frozenset[str], status: Status | None) -> TextClause:
    """Statement for runs with the given filters. The status is a literal in it, so that partial indexes apply."""
    filters = [_RUN_FILTERS[name] for name in sorted(names)] + ([f"r.status = '{status}'"] if status else [])
    return text(_RUNS.format(which="".join(f"{condition} AND " for condition in filters)))


class TrackerAdminQueries:
    """Reads the trackers of all people, removed ones too, and the runs of their accounts."""

    def __init__(self, questions: Queries, *, access: AccessPolicy, clock: Clock) -> None:
        self._questions = questions
        self._access = access
        self._clock = clock

    async def list_trackers(
        self,
        asker: PersonIdentity,
        wanted: AdminTrackerFilter,
        *,
        sort: TrackerSort = TrackerSort.CREATED,
        page: int = 1,
        per_page: int = 50,
    ) -> AdminTrackerPage:
        """Return a page of all trackers that match the filter. Raises GuildNotFound."""
        if wanted.guild_id is not None:
            await self._access.check_guild_read(asker, wanted.guild_id)
        given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
        names = frozenset(given)
        items, count = _list_statements(names, wanted.status, wanted.reason, sort, removed=wanted.removed)
        rows = await self._questions.rows(items, {**given, "limit": per_page, "skip": (page - 1) * per_page})
        return AdminTrackerPage(
            items=[_view(row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._questions.value(count, given),
        )

    async def get_tracker(self, tracker_id: UUID) -> AdminTracker:
        """Return a tracker, removed or not. Raises TrackerNotFound."""
        row = await self._questions.row(_TRACKER, {"id": tracker_id})
        if row is None:
            raise TrackerNotFound(tracker_id)
        return _view(row)

    async def get_scraping_status(self) -> ScrapingStatus:
        """Return the scraping status of all active trackers."""
        rows = await self._questions.rows(_STATUS, {"now": self._clock.now()})
        by_status, by_reason = counts(rows, "trackers")
        return ScrapingStatus(
            total=sum(by_status.values()),
            by_status=by_status,
            by_reason=by_reason,
            oldest_due=min((row["oldest_due"] for row in rows if row["oldest_due"]), default=None),
            never_fetched=sum(row["never_fetched"] for row in rows),
        )

    async def get_scraping_logs(self, wanted: RunFilter, page: LogPage) -> ScrapeLogs:
        """Return the runs that match the filter, the latest first. Raises TrackerNotFound."""
        parameters: dict[str, Any] = {"reason": wanted.reason} if wanted.reason else {}
        if wanted.tracker_id is not None:
            parameters["target_id"] = await self._questions.value(_TARGET, {"id": wanted.tracker_id})
            if parameters["target_id"] is None:
                raise TrackerNotFound(wanted.tracker_id)
        statement = _runs_statement(frozenset(parameters), wanted.status)
        rows = await self._questions.rows(statement, {**parameters, **bounds(page)})
        items = [ScrapeLog(**{**row, "status": Status(row["status"])}) for row in rows[: page.limit]]
        return ScrapeLogs(items=items, next_before=items[-1].id if len(rows) > page.limit else None)


def _view(row: dict[str, Any]) -> AdminTracker:
    return AdminTracker(**row, profile_url=site_profile_url(account_of(row)))
