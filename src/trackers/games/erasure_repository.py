"""All SQL behind the erasure of game accounts that are blocked."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository

_OF_KEYS: Final = "a.game || ':' || a.platform || ':' || a.identifier = ANY(CAST(:keys AS text[]))"
_OWNERS: Final = text(f"""
SELECT DISTINCT t.user_id FROM game_trackers t JOIN game_accounts a ON a.id = t.account_id WHERE {_OF_KEYS}
""")  # noqa: S608 -- a fragment of our own
_TARGETS: Final = text(f"SELECT a.target_id FROM game_accounts a WHERE {_OF_KEYS}")  # noqa: S608 -- as above
_LOCK_ACCOUNTS: Final = text(f"""
SELECT a.id, a.target_id, a.identifier, a.display, a.handle FROM game_accounts a
WHERE {_OF_KEYS} ORDER BY a.id FOR UPDATE
""")  # noqa: S608 -- as above
_DELETE_TRACKERS: Final = text("DELETE FROM game_trackers WHERE account_id = ANY(CAST(:ids AS uuid[])) RETURNING id")
_DELETE_ACCOUNTS: Final = text("DELETE FROM game_accounts WHERE id = ANY(CAST(:ids AS uuid[]))")


class StoredAccount(Struct, frozen=True, kw_only=True):
    """An account, and the names that it has."""

    id: UUID
    target_id: UUID
    identifier: str
    display: str
    handle: str | None


class ErasureRepository(Repository):
    """Finds and deletes accounts by their keys."""

    async def owners(self, keys: Sequence[str]) -> set[UUID]:
        """Whose trackers of these accounts are, removed ones too."""
        return set((await self.session.execute(_OWNERS, {"keys": list(keys)})).scalars())

    async def targets(self, keys: Sequence[str]) -> list[UUID]:
        return list((await self.session.execute(_TARGETS, {"keys": list(keys)})).scalars())

    async def lock_accounts(self, keys: Sequence[str]) -> list[StoredAccount]:
        rows = await self.session.execute(_LOCK_ACCOUNTS, {"keys": list(keys)})
        return [StoredAccount(**row) for row in rows.mappings()]

    async def erase(self, accounts: Sequence[UUID]) -> list[UUID]:
        """Delete accounts with their history and their trackers; the trackers."""
        trackers = (await self.session.execute(_DELETE_TRACKERS, {"ids": list(accounts)})).scalars().all()
        await self.session.execute(_DELETE_ACCOUNTS, {"ids": list(accounts)})
        return list(trackers)
