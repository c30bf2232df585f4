"""Errors of the outbox.

Problem
├── DeadEventNotFound   404
└── TooManyStreams      429
"""

from uuid import UUID

from shared.errors import NotFound, TooManyRequests


class DeadEventNotFound(NotFound):
    code = "dead_event_not_found"

    def __init__(self, event_id: UUID) -> None:
        super().__init__(
            f"There is no dead event with the id {event_id}; GET /api/admin/outbox/dead lists all dead events."
        )


class TooManyStreams(TooManyRequests):
    code = "too_many_streams"
    title = "Too many streams"
