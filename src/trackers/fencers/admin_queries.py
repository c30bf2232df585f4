"""Read queries for admins: fetch state of fencers and clubs."""

from datetime import date
from typing import Any, Final

from sqlalchemy import text

from shared.clock import Clock
from shared.database import PooledQueries
from shared.scraping.target import Status
from shared.scraping.targets import STATUS_COLUMNS
from trackers.fencers.links import SubjectKind, page_url
from trackers.fencers.repository import COLUMN, PAGES, TRACKED
from trackers.fencers.schemas import FencersHealth, KindHealth, PageHealth, PageHealths
from trackers.fencers.settings import FencersSettings

_FOLLOWERS: Final = {
    kind: f"SELECT count(*) FROM {TRACKED[kind]} k WHERE k.{COLUMN[kind]} = p.id AND k.active"  # noqa: S608 -- constants of this module
    for kind in SubjectKind
}
_EVERY_PAGE: Final = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, p.id, p.upstream_id, p.slug, p.name, p.target_id, p.read_at, ({_FOLLOWERS[kind]})"  # noqa: S608 -- constants of this module
    f" AS followers FROM {PAGES[kind]} p WHERE p.target_id IS NOT NULL"
    for kind in SubjectKind
)
_PAGES: Final = f"""
SELECT p.kind, p.id, p.upstream_id, p.slug, p.name, p.read_at, p.followers, {STATUS_COLUMNS}, t.failures, t.attempts,
       t.successes, s.due_at,
       (t.failures >= :max_failures AND s.lease_until IS NULL AND s.due_at > :now AND t.last_status = 'failed')
           AS cooling_down
FROM ({_EVERY_PAGE}) p
JOIN scrape_targets t ON t.id = p.target_id
JOIN scrape_schedule s ON s.target_id = p.target_id
"""  # noqa: S608 -- constants of this module
_ASKED: Final = (
    "(CAST(:kind AS text) IS NULL OR p.kind = :kind) AND (NOT CAST(:failing AS boolean) OR t.last_status = 'failed')"
)
_LISTED: Final = text(
    f"{_PAGES} WHERE {_ASKED} ORDER BY t.failures DESC, p.kind, p.upstream_id LIMIT :limit OFFSET :skip"
)
_COUNTED: Final = text(f"""
SELECT count(*) FROM ({_EVERY_PAGE}) p JOIN scrape_targets t ON t.id = p.target_id
JOIN scrape_schedule s ON s.target_id = p.target_id
WHERE {_ASKED}
""")  # noqa: S608 -- constants of this module
_HEALTH: Final = text(f"""
SELECT kind, status, reason, count(*) AS pages, coalesce(sum(followers), 0) AS trackings,
       count(*) FILTER (WHERE failures > 0) AS failing, count(*) FILTER (WHERE cooling_down) AS cooling_down,
       count(*) FILTER (WHERE read_at IS NULL) AS never_read,
       min(due_at) FILTER (WHERE due_at <= :now) AS oldest_due
FROM ({_PAGES}) q GROUP BY kind, status, reason
""")  # noqa: S608 -- constants of this module
_OPEN: Final = text("""
SELECT count(*) FROM fencing_registrations r JOIN fencing_events e ON e.id = r.event_id
WHERE r.withdrawn_at IS NULL AND (e.held_on IS NULL OR e.held_on >= :today)
""")


class FencersAdminQueries:
    """Reads the fetch state of all fencers and clubs."""

    def __init__(self, reader: PooledQueries, *, settings: FencersSettings, clock: Clock) -> None:
        self._reader = reader
        self._settings = settings
        self._clock = clock

    async def health(self) -> FencersHealth:
        """Return the state of all fencer pages and of all club pages."""
        rows = await self._reader.rows(_HEALTH, self._now())
        today: date = self._clock.now().date()
        return FencersHealth(
            fencers=_kind_health([row for row in rows if row["kind"] == SubjectKind.FENCER]),
            clubs=_kind_health([row for row in rows if row["kind"] == SubjectKind.CLUB]),
            fencers_asked_for=self._settings.asks_for_fencers,
            delay=self._settings.scrape_delay,
            jitter=self._settings.scrape_jitter,
            max_failures=self._settings.max_failures,
            open_registrations=await self._reader.value(_OPEN, {"today": today}),
        )

    async def pages(self, kind: SubjectKind | None, *, failing: bool, page: int, per_page: int) -> PageHealths:
        """Return all pages, or those whose last fetch failed; most failures in a row first."""
        filters = {"kind": kind, "failing": failing}
        rows = await self._reader.rows(
            _LISTED, {**filters, **self._now(), "limit": per_page, "skip": (page - 1) * per_page}
        )
        return PageHealths(
            items=[_page_health(row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._reader.value(_COUNTED, filters),
        )

    def _now(self) -> dict[str, Any]:
        return {"now": self._clock.now(), "max_failures": self._settings.max_failures}


def _page_health(row: dict[str, Any]) -> PageHealth:
    kind = SubjectKind(row["kind"])
    return PageHealth(
        id=row["id"],
        kind=kind,
        upstream_id=row["upstream_id"],
        url=page_url(kind, row["upstream_id"], row["slug"]),
        name=row["name"],
        followers=row["followers"],
        status=Status(row["status"]),
        reason=row["reason"],
        error=row["error"],
        failures=row["failures"],
        failed=row["attempts"] - row["successes"],
        successes=row["successes"],
        last_checked_at=row["last_attempt_at"],
        last_success_at=row["last_success_at"],
        next_fetch_at=row["next_fetch_at"],
        cooling_down=row["cooling_down"],
    )


def _kind_health(rows: list[dict[str, Any]]) -> KindHealth:
    by_status, by_reason = dict.fromkeys((status.value for status in Status), 0), dict[str, int]()
    for row in rows:
        by_status[row["status"]] += row["pages"]
        if row["reason"]:
            by_reason[row["reason"]] = by_reason.get(row["reason"], 0) + row["pages"]
    return KindHealth(
        followed=sum(row["pages"] for row in rows),
        trackings=sum(int(row["trackings"]) for row in rows),
        by_status=by_status,
        by_reason=by_reason,
        failing=sum(row["failing"] for row in rows),
        cooling_down=sum(row["cooling_down"] for row in rows),
        never_read=sum(row["never_read"] for row in rows),
        oldest_due=min((row["oldest_due"] for row in rows if row["oldest_due"]), default=None),
    )
