"""Interface of personal data providers.

A provider exports a module's data about a person, erases it, or transfers it to another account.
"""

from typing import Any, Protocol
from uuid import UUID


class PersonalData(Protocol):
    """One module's part of a person's data, on the session of the current request."""

    name: str
    """Key of this part in the export."""

    async def export(self, user_id: UUID) -> Any:
        """Return all data about the person, as Structs or JSON-able values."""

    async def erase(self, user_id: UUID) -> None:
        """Delete the data, or whatever links it to the person."""

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Move the data to another account of the same person. Nothing gets lost if both hold the same thing."""
