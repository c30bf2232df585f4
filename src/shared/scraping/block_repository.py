"""All SQL about blocked keys."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.database.advisory_locks import AdvisoryLock, take, take_shared, try_to_share

# No statement timeout: a block may delete many rows, and it searches the logs as a whole.
_BEGIN: Final = text(f"SELECT set_config('statement_timeout', '0', true), {take(AdvisoryLock.BLOCKING)}")
_SHARE: Final = text(f"SELECT {take_shared(AdvisoryLock.BLOCKING)}")
_TRY_TO_SHARE: Final = text(f"SELECT {try_to_share(AdvisoryLock.BLOCKING)}")
_AMONG: Final = text("""
SELECT DISTINCT key FROM scrape_blocked_keys WHERE source = :source AND key = ANY(CAST(:keys AS text[]))
""")
_BLOCK_OF: Final = text("""
SELECT block_id FROM scrape_blocked_keys
WHERE source = :source AND key = ANY(CAST(:keys AS text[])) AND listed ORDER BY block_id LIMIT 1
""")
_ADD: Final = text("INSERT INTO scrape_blocks (id, source, reason, created_at) VALUES (:id, :source, :reason, :now)")
_EXTEND: Final = text("""
INSERT INTO scrape_blocked_keys (source, key, block_id, listed)
SELECT :source, key, :id, key = ANY(CAST(:listed AS text[])) FROM unnest(CAST(:keys AS text[])) AS k (key)
ON CONFLICT (source, key, block_id) DO NOTHING
""")
_FOUND: Final = text("""
INSERT INTO scrape_blocked_keys (source, key, block_id, listed)
SELECT DISTINCT :source, f.key, b.block_id, true
FROM unnest(CAST(:keys AS text[]), CAST(:known AS text[])) AS f (key, known)
JOIN scrape_blocked_keys b ON b.source = :source AND b.key = f.known
ON CONFLICT (source, key, block_id) DO NOTHING
""")
_LEFT: Final = text("""
SELECT DISTINCT k.block_id, k.source, k.key
FROM scrape_blocked_keys k JOIN scrape_targets t ON t.source = k.source AND t.key = k.key
ORDER BY k.block_id, k.key
""")
_LIFT: Final = text("DELETE FROM scrape_blocks WHERE id = :id RETURNING source")
_TARGETS: Final = text("""
SELECT id FROM scrape_targets WHERE source = :source AND key = ANY(CAST(:keys AS text[])) ORDER BY id
""")


class BlockedTarget(Struct, frozen=True, kw_only=True):
    """A target that exists although its key is blocked."""

    block_id: UUID
    source: str
    key: str


class BlockRepository(Repository):
    """Blocks and their keys."""

    async def begin(self) -> None:
        """Make others wait with blocking, following and storing until the transaction ends; call it first of all."""
        await self.session.execute(_BEGIN)

    async def share(self) -> None:
        """Make others wait with blocking until the transaction ends; call it before you lock rows of targets."""
        await self.session.execute(_SHARE)

    async def try_to_share(self) -> bool:
        """Like `share`, but without waiting: False while another transaction blocks."""
        return bool((await self.session.execute(_TRY_TO_SHARE)).scalar_one())

    async def among(self, source: str, keys: Collection[str]) -> set[str]:
        """The given keys that are blocked."""
        values = {"source": source, "keys": list(keys)}
        return set((await self.session.execute(_AMONG, values)).scalars())

    async def block_of(self, source: str, keys: Collection[str]) -> UUID | None:
        """Id of a block that lists one of these keys; None if there is none."""
        values = {"source": source, "keys": list(keys)}
        block_id: UUID | None = (await self.session.execute(_BLOCK_OF, values)).scalar_one_or_none()
        return block_id

    async def add(self, block_id: UUID, source: str, *, reason: str | None, now: datetime) -> None:
        """Create a block without keys."""
        await self.session.execute(_ADD, {"id": block_id, "source": source, "reason": reason, "now": now})

    async def extend(self, block_id: UUID, source: str, keys: Collection[str], *, listed: Collection[str]) -> None:
        """Add keys to a block; admins see the `listed` ones."""
        values: dict[str, Any] = {"id": block_id, "source": source, "keys": sorted(keys), "listed": sorted(listed)}
        await self.session.execute(_EXTEND, values)

    async def found(self, source: str, known: Mapping[str, str]) -> None:
        """Block further keys of blocked people, found by a fetch; `known`: new key -> blocked key of that person."""
        values = {"source": source, "keys": list(known), "known": list(known.values())}
        await self.session.execute(_FOUND, values)

    async def left(self) -> list[BlockedTarget]:
        """Targets that still exist for blocked keys, ordered by block."""
        return [BlockedTarget(**row) for row in (await self.session.execute(_LEFT)).mappings()]

    async def lift(self, block_id: UUID) -> str | None:
        """Delete a block and return its source; None if it does not exist."""
        source: str | None = (await self.session.execute(_LIFT, {"id": block_id})).scalar_one_or_none()
        return source

    async def targets(self, source: str, keys: Collection[str]) -> Sequence[UUID]:
        """Ids of the targets with these keys."""
        return (await self.session.execute(_TARGETS, {"source": source, "keys": list(keys)})).scalars().all()
