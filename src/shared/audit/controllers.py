"""Endpoints for admins: audit log and activity log."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from shared.audit.queries import AuditQueries
from shared.audit.schemas import ActivityFilter, ActivityPage, ActorKind, AuditFilter, AuditPage, LogPage
from shared.web.times import Since, Until

Queries = NamedDependency[SkipValidation[AuditQueries]]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Entries per page.")]
Before = Annotated[UUID | None, QueryParameter(description="Only entries older than the entry with this id.")]


class AuditController(Controller):
    """Audit log and activity log."""

    path = "/"
    tags = ("audit",)

    @get("/audit", operation_id="list_audit")
    async def list_audit(
        self,
        audit_queries: Queries,
        actor_id: Annotated[UUID | None, QueryParameter(description="Id of a user or of a bot key.")] = None,
        actor_kind: Annotated[ActorKind | None, QueryParameter(description="Kind of caller.")] = None,
        method: Annotated[
            str | None, QueryParameter(pattern=r"^(POST|PUT|PATCH|DELETE)$", description="The HTTP method.")
        ] = None,
        route: Annotated[
            str | None,
            QueryParameter(
                max_length=300, description="Path template such as /internal/trackers/{tracker_id}/refresh."
            ),
        ] = None,
        status: Annotated[
            int | None, QueryParameter(ge=100, le=599, description="Exact status of the response.")
        ] = None,
        failed: Annotated[
            bool | None,
            QueryParameter(description="true: only refused or failed requests; false: only successful ones."),
        ] = None,
        resource: Annotated[
            str | None,
            QueryParameter(max_length=300, description="Value of a path parameter, such as the id of a tracker."),
        ] = None,
        since: Since = None,
        until: Until = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> AuditPage:
        """List the audit log, newest first.

        It has an entry for every request that changes data, allowed or refused, with its caller and the status of the
        response.
        """
        filters = AuditFilter(
            actor_id=actor_id,
            actor_kind=actor_kind,
            method=method,
            route=route,
            status=status,
            failed=failed,
            resource=resource,
        )
        return await audit_queries.requests(filters, LogPage(limit=limit, before=before, since=since, until=until))

    @get("/activity", operation_id="list_activity")
    async def list_activity(
        self,
        audit_queries: Queries,
        event: Annotated[
            str | None,
            QueryParameter(
                max_length=100,
                description="Name such as scrape.failed; `scrape.` with a dot at the end covers all events of scrape.",
            ),
        ] = None,
        subject: Annotated[
            str | None, QueryParameter(max_length=100, description="Kind of subject, such as tracker.")
        ] = None,
        subject_id: Annotated[str | None, QueryParameter(max_length=300, description="Id of the subject.")] = None,
        user_id: Annotated[UUID | None, QueryParameter(description="Owner of the subject.")] = None,
        since: Since = None,
        until: Until = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> ActivityPage:
        """List the activity log, newest first.

        It has an entry for each event that happened to an object, such as `tracker.registered` or `scrape.failed`,
        including events that no request caused. For the HTTP requests themselves, use the audit log.
        """
        filters = ActivityFilter(event=event, subject=subject, subject_id=subject_id, user_id=user_id)
        return await audit_queries.activities(filters, LogPage(limit=limit, before=before, since=since, until=until))
