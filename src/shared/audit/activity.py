"""The activity log: services record events in the transaction of the change."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from shared.audit.concerned import concerns
from shared.audit.repository import ActivityRepository
from shared.audit.schemas import ActivityEntry, ActivityEvent, Actor
from shared.clock import Clock
from shared.ids import new_id
from shared.redaction import redacted
from shared.web.identity import Identity


class ActivityLog:
    """Records events on the session of the request or job, so that they are committed together with the change."""

    def __init__(self, *, activities: ActivityRepository, clock: Clock) -> None:
        self._activities = activities
        self._clock = clock

    async def record(
        self,
        event: str,
        *,
        subject: str,
        subject_id: object,
        user_id: UUID | None = None,
        actor: Identity | Actor | None = None,
        details: Mapping[str, Any] | Struct | None = None,
    ) -> None:
        """Record one event. `user_id` is the owner of the subject; `actor` is the person or bot that caused it, if any.

        Secrets are removed from `details`.
        """
        activity_event = ActivityEvent(
            event=event, subject=subject, subject_id=subject_id, user_id=user_id, details=details
        )
        await self.record_many([activity_event], actor=actor)

    async def record_many(
        self, activity_events: Sequence[ActivityEvent], *, actor: Identity | Actor | None = None
    ) -> None:
        """Record several events with one statement; does nothing if the list is empty."""
        if not activity_events:
            return
        for activity_event in activity_events:
            concerns(activity_event.user_id)
        at = self._clock.now()
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        who = Actor.of(actor) if actor is not None else None
        await self._activities.add_many(
            [
                ActivityEntry(
                    id=new_id(at=at),
                    at=at,
                    event=activity_event.event,
                    subject=activity_event.subject,
                    subject_id=str(activity_event.subject_id),
                    user_id=activity_event.user_id,
                    actor_kind=who.kind if who else None,
                    actor_id=who.id if who else None,
                    details=None
                    if activity_event.details is None
                    else redacted(msgspec.to_builtins(activity_event.details)),
                    request_id=request_id,
                )
                for activity_event in activity_events
            ]
        )
