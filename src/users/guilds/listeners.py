"""What depends on guilds: told of a change in its transaction, on the session that is bound."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID


class GuildListener(Protocol):
    """Something of a module that follows what guilds settle and who is in them."""

    async def settings_changed(self, guild_id: str) -> None:
        """A guild settled something anew."""

    async def members_changed(self, user_ids: Collection[UUID]) -> None:
        """These people joined a guild or left one."""
