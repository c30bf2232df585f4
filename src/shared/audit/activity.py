"""What happened to a thing, told in the transaction in which it happened."""

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
    """On the request's or the job's session: what it notes is there exactly when the change is."""

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
        """Note one thing that happened. `user_id`: whose thing; `actor`: who did it, where somebody did.

        Details lose their secrets, as what people send does.
        """
        happened = ActivityEvent(event=event, subject=subject, subject_id=subject_id, user_id=user_id, details=details)
        await self.record_many([happened], actor=actor)

    async def record_many(
        self, activity_events: Sequence[ActivityEvent], *, actor: Identity | Actor | None = None
    ) -> None:
        """Note what happened to many things at once, in one statement; none, in no statement."""
        if not activity_events:
            return
        for one in activity_events:
            concerns(one.user_id)
        at = self._clock.now()
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        who = Actor.of(actor) if actor is not None else None
        await self._activities.add_many(
            [
                ActivityEntry(
                    id=new_id(at=at),
                    at=at,
                    event=one.event,
                    subject=one.subject,
                    subject_id=str(one.subject_id),
                    user_id=one.user_id,
                    actor_kind=who.kind if who else None,
                    actor_id=who.id if who else None,
                    details=None if one.details is None else redacted(msgspec.to_builtins(one.details)),
                    request_id=request_id,
                )
                for one in activity_events
            ]
        )
