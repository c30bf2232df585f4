"""Who asks, once that is proven; what guards, policies, limits and the audit log look at."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Role(StrEnum):
    """What a person may do in the whole house."""

    USER = "user"
    ADMIN = "admin"


class BotIdentity(Struct, frozen=True, kw_only=True):
    """A bot and what its key allows: `trackers` for all of a module, `trackers:read` or `trackers:write` for part."""

    key_id: UUID
    name: str
    scopes: frozenset[str]
    guild_ids: frozenset[str] | None = None
    """The only guilds, and their members, that it may speak for; None: all."""

    @property
    def label(self) -> str:
        """In logs and listings."""
        return f"bot:{self.name}"

    def may(self, scope: str) -> bool:
        """Whether the key's scopes cover one; a module's bare name covers both reading and writing."""
        return scope in self.scopes or scope.partition(":")[0] in self.scopes


class PersonIdentity(Struct, frozen=True, kw_only=True):
    """A person, by an access token of one of their sessions."""

    user_id: UUID
    role: Role
    session_id: UUID
    token_id: str
    """The token's `jti`."""
    expires_at: datetime

    @property
    def label(self) -> str:
        """In logs and listings; no name, so that logs hold no personal data."""
        return f"user:{self.user_id}"

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


Identity = BotIdentity | PersonIdentity
