"""All SQL about bot keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from shared.database import Reader, Repository
from users.auth.models import BotKey

_BY_PREFIX: Final = text("SELECT id, name, digest, scopes FROM bot_keys WHERE prefix = :prefix AND revoked_at IS NULL")
_TOUCH: Final = text(
    "UPDATE bot_keys SET last_used_at = CAST(:now AS timestamptz)"
    " WHERE id = :id AND (last_used_at IS NULL OR last_used_at < CAST(:stale AS timestamptz))"
)
USE_NOTED_EVERY: Final = timedelta(minutes=1)


class BotKeyRepository(Repository):
    """Making, listing and revoking keys."""

    def add(self, key: BotKey) -> None:
        self.session.add(key)

    async def every_key(self) -> Sequence[BotKey]:
        """Working and revoked ones, oldest first."""
        return (await self.session.scalars(select(BotKey).order_by(BotKey.created_at, BotKey.id))).all()

    async def revoke(self, prefix: str, *, now: datetime) -> bool:
        """Whether there was such a key that still worked."""
        statement = text("UPDATE bot_keys SET revoked_at = :now WHERE prefix = :prefix AND revoked_at IS NULL")
        result = await self.session.execute(statement, {"now": now, "prefix": prefix})
        return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it


class BotKeyReader:
    """Looking keys up, outside any transaction."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def by_prefix(self, prefix: str) -> dict[str, Any] | None:
        """id, name, digest and scopes of a key that works."""
        return await self._reader.row(_BY_PREFIX, {"prefix": prefix})

    async def note_use(self, key_id: UUID, *, now: datetime) -> None:
        """Remember when a key was last used, at most once a minute."""
        await self._reader.execute(_TOUCH, {"id": key_id, "now": now, "stale": now - USE_NOTED_EVERY})
