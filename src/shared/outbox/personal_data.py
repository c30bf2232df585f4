"""What the outbox holds about a person: events about what is theirs."""

from typing import Final
from uuid import UUID

from shared.outbox.repository import OutboxRepository
from shared.outbox.schemas import ExportedEvent


class EventPersonalData:
    """Events to be shown, erased, or handed over when two accounts turn out to be one person."""

    name: Final = "events"

    def __init__(self, *, repository: OutboxRepository) -> None:
        self._repository = repository

    async def export(self, user_id: UUID) -> list[ExportedEvent]:
        return await self._repository.of_person(user_id)

    async def erase(self, user_id: UUID) -> None:
        """Those that still wait go, too: nobody is told any more."""
        await self._repository.erase(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self._repository.hand_over(user_id, to=to)
