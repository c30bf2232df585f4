"""What each module must be able to do with what it holds about a person."""

from typing import Any, Protocol
from uuid import UUID


class PersonalData(Protocol):
    """One module's share of a person's data; built on the session of the request that asks."""

    name: str
    """Its place in the export."""

    async def export(self, user_id: UUID) -> Any:
        """All of it, as Structs or what JSON knows."""

    async def erase(self, user_id: UUID) -> None:
        """Delete it, or what ties it to the person."""

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Give it to another account of the same person; nothing is lost where both hold the same."""
