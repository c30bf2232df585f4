"""The authenticated caller of a request, as guards, policies, limits and the audit log use it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Role(StrEnum):
    """Role of a person in the installation."""

    USER = "user"
    ADMIN = "admin"


class BotIdentity(Struct, frozen=True, kw_only=True):
    """A bot and the scopes of its key: `trackers` for a whole module, `trackers:read` or `trackers:write` for part."""

    key_id: UUID
    name: str
    scopes: frozenset[str]
    guild_ids: frozenset[str] | None = None
    """Guilds that the key may act for, with their members; None: all guilds."""

    @property
    def label(self) -> str:
        """Name in logs and listings."""
        return f"bot:{self.name}"

    def may(self, scope: str) -> bool:
        """True if the key has the scope. The bare name of a module covers reading and writing."""
        return scope in self.scopes or scope.partition(":")[0] in self.scopes


class PersonIdentity(Struct, frozen=True, kw_only=True):
    """A person, authenticated by an access token of one of their sessions."""

    user_id: UUID
    role: Role
    session_id: UUID
    token_id: str
    """The token's `jti`."""
    expires_at: datetime

    @property
    def label(self) -> str:
        """Id in logs and listings; without a name, so that logs hold no personal data."""
        return f"user:{self.user_id}"

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


Identity = BotIdentity | PersonIdentity
