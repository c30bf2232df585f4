"""Who asks, once that is proven; what guards look at."""

from uuid import UUID

from msgspec import Struct


class BotIdentity(Struct, frozen=True, kw_only=True):
    """A bot and what its key allows: `trackers` for all of a module, `trackers:read` or `trackers:write` for part."""

    key_id: UUID
    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the key's scopes cover one; a module's bare name covers both reading and writing."""
        return scope in self.scopes or scope.partition(":")[0] in self.scopes
