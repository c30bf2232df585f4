"""Interface for modules that depend on guilds. They are called in the transaction of a change, on its session."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID


class GuildListener(Protocol):
    """Reacts to changes of guild settings and memberships."""

    async def settings_changed(self, guild_id: str) -> None:
        """Handle a change of a guild's settings."""

    async def members_changed(self, user_ids: Collection[UUID]) -> None:
        """Handle a change of these people's memberships: they joined, left or confirmed, or their rights changed."""
