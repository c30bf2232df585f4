"""Read queries for the audit log and the activity log. Pages go back in time by id.

Each filter with an index has its own statement that starts with it, so that a generic plan uses the index. The
filters `mention` of requests and `actor_id` of activities are never combined with others.
"""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.audit.schemas import (
    ActivityEntry,
    ActivityFilter,
    ActivityPage,
    AuditEntry,
    AuditFilter,
    AuditPage,
    LogPage,
)
from shared.database import PooledQueries
from shared.ids import LAST, first_id_of

FIRST: Final = UUID(int=0)

_REQUESTS: Final = """
SELECT id, at, actor_kind, actor_id, actor_name, method, route, path, resource, status, address, user_agent,
       request_id, body, mentions
FROM audit_log
WHERE {leading} id >= CAST(:oldest AS uuid) AND id < CAST(:before AS uuid)
  AND (CAST(:actor_kind AS text) IS NULL OR actor_kind = :actor_kind)
  AND (CAST(:method AS text) IS NULL OR method = :method)
  AND (CAST(:route AS text) IS NULL OR route = :route)
  AND (CAST(:status AS smallint) IS NULL OR status = :status)
  AND (CAST(:failed AS boolean) IS NULL OR (status >= 400) = :failed)
  AND (CAST(:resource AS text) IS NULL
       OR EXISTS (SELECT FROM jsonb_each_text(resource) AS r WHERE r.value = :resource))
ORDER BY id DESC LIMIT CAST(:limit AS bigint)
"""
_REQUESTS_OF: Final = {
    "actor_id": text(_REQUESTS.format(leading="actor_id = CAST(:actor_id AS uuid) AND")),
    "mention": text(_REQUESTS.format(leading="mentions IS NOT NULL AND mentions && ARRAY[CAST(:mention AS text)] AND")),
    None: text(_REQUESTS.format(leading="")),
}
_ACTIVITIES: Final = """
SELECT id, at, event, subject, subject_id, user_id, actor_kind, actor_id, details, request_id
FROM activity_log
WHERE {leading} id >= CAST(:oldest AS uuid) AND id < CAST(:before AS uuid)
  AND (CAST(:event AS text) IS NULL OR event = :event)
  AND (CAST(:beginning AS text) IS NULL OR starts_with(event, :beginning))
  AND (CAST(:subject AS text) IS NULL OR subject = :subject)
  AND (CAST(:subject_id AS text) IS NULL OR subject_id = :subject_id)
  AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
ORDER BY id DESC LIMIT CAST(:limit AS bigint)
"""
_ACTIVITIES_OF: Final = {
    "subject_id": text(_ACTIVITIES.format(leading="subject_id = CAST(:subject_id AS text) AND")),
    "user_id": text(_ACTIVITIES.format(leading="user_id = CAST(:user_id AS uuid) AND")),
    "actor_id": text(_ACTIVITIES.format(leading="actor_kind = 'user' AND actor_id = CAST(:actor_id AS uuid) AND")),
    "event": text(_ACTIVITIES.format(leading="event = CAST(:event AS text) AND")),
    None: text(_ACTIVITIES.format(leading="")),
}


class AuditQueries:
    """Reads both logs, newest first."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def requests(self, filters: AuditFilter, page: LogPage) -> AuditPage:
        parameters = msgspec.structs.asdict(filters)
        statement = _REQUESTS_OF[_leading(_REQUESTS_OF, parameters)]
        rows = await self._reader.rows(statement, {**parameters, **bounds(page)})
        items = [AuditEntry(**row) for row in rows[: page.limit]]
        return AuditPage(items=items, next_before=items[-1].id if len(rows) > page.limit else None)

    async def activities(self, filters: ActivityFilter, page: LogPage) -> ActivityPage:
        parameters = {**msgspec.structs.asdict(filters), "beginning": None}
        if filters.event and filters.event.endswith("."):
            parameters |= {"event": None, "beginning": filters.event}
        statement = _ACTIVITIES_OF[_leading(_ACTIVITIES_OF, parameters)]
        rows = await self._reader.rows(statement, {**parameters, **bounds(page)})
        items = [ActivityEntry(**row) for row in rows[: page.limit]]
        return ActivityPage(items=items, next_before=items[-1].id if len(rows) > page.limit else None)


def _leading(statements: Iterable[str | None], parameters: dict[str, Any]) -> str | None:
    """Name of the first given filter that has its own statement; None if there is none."""
    return next((name for name in statements if name is not None and parameters[name] is not None), None)


def bounds(page: LogPage) -> dict[str, Any]:
    """Bounds of a page as ids, which begin with the time; the limit has one more row, to see if a page follows."""
    newest = LAST if page.until is None else first_id_of(page.until)
    return {
        "oldest": FIRST if page.since is None else first_id_of(page.since),
        "before": newest if page.before is None else min(newest, page.before),
        "limit": page.limit + 1,
    }
