"""Personal data in the outbox: events about a person's trackers and other aggregates."""

from typing import Final
from uuid import UUID

from shared.outbox.repository import OutboxRepository
from shared.outbox.schemas import ExportedEvent


class EventPersonalData:
    """Export, erasure and handover (merger of two accounts) of a person's events."""

    name: Final = "events"

    def __init__(self, *, repository: OutboxRepository) -> None:
        self._repository = repository

    async def export(self, user_id: UUID) -> list[ExportedEvent]:
        return await self._repository.of_person(user_id)

    async def erase(self, user_id: UUID) -> None:
        """Delete all events of the person. Waiting events are not delivered any more."""
        await self._repository.erase(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self._repository.hand_over(user_id, to=to)
