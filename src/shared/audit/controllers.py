"""The two logs for admins."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from shared.audit.queries import AuditQueries
from shared.audit.schemas import ActivityFilter, ActivityPage, ActorKind, AuditFilter, AuditPage, LogPage
from shared.web.times import Since, Until

Queries = NamedDependency[SkipValidation[AuditQueries]]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Entries to a page.")]
Before = Annotated[UUID | None, QueryParameter(description="Only entries older than this one.")]


class AuditController(Controller):
    """Who did what, and what happened to what."""

    path = "/"
    tags = ("audit",)

    @get("/audit", operation_id="list_audit")
    async def list_audit(
        self,
        audit_queries: Queries,
        actor_id: Annotated[UUID | None, QueryParameter(description="A person's id, or a bot key's.")] = None,
        actor_kind: Annotated[ActorKind | None, QueryParameter(description="Who asked.")] = None,
        method: Annotated[
            str | None, QueryParameter(pattern=r"^(POST|PUT|PATCH|DELETE)$", description="The HTTP method.")
        ] = None,
        route: Annotated[
            str | None, QueryParameter(max_length=300, description="Such as /internal/trackers/{tracker_id}/refresh.")
        ] = None,
        status: Annotated[int | None, QueryParameter(ge=100, le=599, description="This very status.")] = None,
        failed: Annotated[
            bool | None, QueryParameter(description="Only what was refused or failed, or only not.")
        ] = None,
        resource: Annotated[
            str | None, QueryParameter(max_length=300, description="The value of a path's parameter: a thing's id.")
        ] = None,
        since: Since = None,
        until: Until = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> AuditPage:
        """Every mutating request, allowed or refused, the newest first: who asked for what, and what came of it."""
        wanted = AuditFilter(
            actor_id=actor_id,
            actor_kind=actor_kind,
            method=method,
            route=route,
            status=status,
            failed=failed,
            resource=resource,
        )
        return await audit_queries.requests(wanted, LogPage(limit=limit, before=before, since=since, until=until))

    @get("/activity", operation_id="list_activity")
    async def list_activity(
        self,
        audit_queries: Queries,
        event: Annotated[
            str | None,
            QueryParameter(max_length=100, description="scrape.failed; with a dot at its end, all of scrape."),
        ] = None,
        subject: Annotated[str | None, QueryParameter(max_length=100, description="The kind of thing.")] = None,
        subject_id: Annotated[str | None, QueryParameter(max_length=300, description="The thing's id.")] = None,
        user_id: Annotated[UUID | None, QueryParameter(description="Whose thing it is.")] = None,
        since: Since = None,
        until: Until = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> ActivityPage:
        """What happened to things, the newest first."""
        wanted = ActivityFilter(event=event, subject=subject, subject_id=subject_id, user_id=user_id)
        return await audit_queries.activities(wanted, LogPage(limit=limit, before=before, since=since, until=until))
