"""All SQL of the erasure of blocked game accounts."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.database.advisory_locks import AdvisoryLock, take
from trackers.games.links import PLAYER, player_key

_BEGIN: Final = text(f"SELECT {take(AdvisoryLock.GAME_PROFILES)}")
_ACCOUNTS: Final = text(f"""
WITH named AS (
    SELECT id, game, platform, upstream_player_id FROM game_accounts a
    WHERE a.game || ':' || a.platform || ':' || a.identifier = ANY(CAST(:keys AS text[]))
       OR '{PLAYER}:' || a.game || ':' || a.platform || ':' || a.upstream_player_id = ANY(CAST(:keys AS text[]))
)
SELECT a.id, a.target_id, a.game, a.platform, a.identifier, a.display, a.handle, a.upstream_player_id
FROM game_accounts a
WHERE a.id IN (SELECT id FROM named)
   OR (a.game, a.platform, a.upstream_player_id) IN (SELECT game, platform, upstream_player_id FROM named)
ORDER BY a.id
""")  # noqa: S608 -- a word of our own
_OWNERS: Final = text("SELECT DISTINCT user_id FROM game_trackers WHERE account_id = ANY(CAST(:ids AS uuid[]))")
_LOCK: Final = text("SELECT 1 FROM game_accounts WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE")
_DELETE_TRACKERS: Final = text("DELETE FROM game_trackers WHERE account_id = ANY(CAST(:ids AS uuid[])) RETURNING id")
_DELETE_ACCOUNTS: Final = text("DELETE FROM game_accounts WHERE id = ANY(CAST(:ids AS uuid[]))")


class NamedAccount(Struct, frozen=True, kw_only=True):
    """An account, its names, and the number of its player."""

    id: UUID
    target_id: UUID
    game: str
    platform: str
    identifier: str
    display: str
    handle: str | None
    upstream_player_id: int | None

    @property
    def keys(self) -> list[str]:
        """Keys by which the account is blocked: its name, and the number of its player if a fetch has shown it."""
        named = f"{self.game}:{self.platform}:{self.identifier}"
        number = self.upstream_player_id
        return [named] if number is None else [named, player_key(self.game, self.platform, number)]


class GamesErasureRepository(Repository):
    """Finds accounts by their keys and deletes them."""

    async def begin(self) -> None:
        """Prevent profiles from being recorded until the transaction ends."""
        await self.session.execute(_BEGIN)

    async def accounts(self, keys: Sequence[str]) -> list[NamedAccount]:
        """Return the accounts of these keys, and all other accounts of the same players."""
        rows = await self.session.execute(_ACCOUNTS, {"keys": list(keys)})
        return [NamedAccount(**row) for row in rows.mappings()]

    async def owners(self, accounts: Sequence[UUID]) -> set[UUID]:
        """Return the owners of all trackers of these accounts, removed trackers too."""
        return set((await self.session.execute(_OWNERS, {"ids": list(accounts)})).scalars())

    async def lock(self, accounts: Sequence[UUID]) -> None:
        await self.session.execute(_LOCK, {"ids": list(accounts)})

    async def erase(self, accounts: Sequence[UUID]) -> list[UUID]:
        """Delete accounts with their history and their trackers. Return the ids of the trackers."""
        trackers = (await self.session.execute(_DELETE_TRACKERS, {"ids": list(accounts)})).scalars().all()
        await self.session.execute(_DELETE_ACCOUNTS, {"ids": list(accounts)})
        return list(trackers)
