"""Blocks of people who ask to be left alone: their data is deleted and never followed, stored or shown again.

A block has one or more keys of one source. The source's module defines the keys and deletes its data
(`SubjectEraser`); each store of copies of events deletes those (`EventCopies`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any, Final, Protocol
from uuid import UUID

import structlog
from msgspec import Meta, Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.audit.repository import ActivityRepository, AuditRepository
from shared.clock import Clock
from shared.database import Database, PooledQueries
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import LAST, new_id
from shared.scraping.block_repository import BlockRepository
from shared.scraping.repository import ScrapingRepository
from shared.spellings import in_json
from shared.web.idempotency import StoredAnswers
from shared.web.identity import Identity

MAX_KEYS: Final = 20
MAX_KEY_LENGTH: Final = 2048


class BlockNotFound(NotFound):
    code = "block_not_found"

    def __init__(self, block_id: UUID) -> None:
        super().__init__(f"There is no block {block_id}; it may have been lifted already.")


class AlreadyBlocked(Conflict):
    code = "already_blocked"
    title = "Already blocked"

    def __init__(self, block_id: UUID) -> None:
        super().__init__(f"Block {block_id} already has one of these keys; leave that key out, or lift the block.")


class NothingToBlock(Invalid):
    code = "nothing_to_block"
    title = "Nobody to block"

    def __init__(self, source: str, known: Sequence[str]) -> None:
        super().__init__(f"Nobody can be blocked on {source[:50]!r}; the sources are {', '.join(sorted(known))}.")


class NewBlock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person to block, identified by one or more keys of one source."""

    source: Annotated[str, Meta(min_length=1, max_length=100, description="games, hiscores, fencers or contracts.")]
    keys: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MAX_KEY_LENGTH)]],
        Meta(min_length=1, max_length=MAX_KEYS, description="Links, numbers or names, as the source reads them."),
    ]
    reason: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")] | None = None
    """Only admins see it."""


class BlockView(Struct, frozen=True, kw_only=True):
    """A block as admins see it."""

    id: UUID
    source: str
    keys: Annotated[list[str], Meta(description="The given keys, and other known keys of the same person.")]
    reason: str | None
    created_at: datetime


class Blocks(Struct, frozen=True, kw_only=True):
    items: list[BlockView]
    next_before: Annotated[UUID | None, Meta(description="Pass it as `before` for the next page; null: last page.")]


class Erased(Struct, frozen=True, kw_only=True):
    """Result of an erasure in a module, so that copies elsewhere can be deleted too."""

    keys: Sequence[str] = ()
    """More keys of the same people, which are added to their block."""
    aggregates: Sequence[str] = ()
    """Aggregates whose events are deleted."""
    subjects: Mapping[str, Sequence[UUID]] = {}
    """Kind -> ids whose entries in the activity log are deleted."""
    names: Sequence[str] = ()
    """Names as they were shown; digests and stored answers that contain one are deleted."""
    values: Mapping[str, Sequence[str | int]] = {}
    """Payload field -> values; events with one of them are deleted, and digests that show one of the numbers."""
    spellings: Sequence[str] = ()
    """Spellings in requests, in any case; what the logs keep of requests that contain one is deleted."""


class SubjectEraser(Protocol):
    """Erases blocked people from one source; built on the session of the request."""

    source: str

    def read(self, entered: str) -> str:
        """Return the key that a text of an admin stands for. Raises a Problem if the text cannot name a person."""

    def covered(self, key: str) -> Sequence[str]:
        """All keys to block along with a key: the keys of its targets, and the key itself."""

    async def erase(self, keys: Sequence[str]) -> Erased:
        """Delete everything that is stored under these keys, including their targets."""


class EventCopies(Protocol):
    """Deletes copies of events, or what was made from them; built on the session of the request."""

    async def forget(
        self, aggregates: Sequence[str], names: Sequence[str], values: Mapping[str, Sequence[str | int]]
    ) -> None:
        """Delete events that belong to one of the aggregates or contain one of the values in their payload.

        Also deletes digests that show one of the names or numbers.
        """


class Blocking:
    """Adds and lifts blocks, each in one transaction."""

    def __init__(
        self,
        session: AsyncSession,
        *,
        erasers: Sequence[SubjectEraser],
        copies: Sequence[EventCopies],
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._session = session
        self._blocks = BlockRepository(session)
        self._erasers = {eraser.source: eraser for eraser in erasers}
        self._copies = copies
        self._activity = activity
        self._clock = clock

    async def block(self, given: NewBlock, *, asker: Identity | None = None) -> BlockView:
        """Delete what is stored under these keys, and keep it from coming back.

        Raises NothingToBlock if the source has no people, AlreadyBlocked, or the source's Problem for an invalid key.
        """
        eraser = self._eraser(given.source)
        keys = list(dict.fromkeys(eraser.read(entered.strip()) for entered in given.keys))
        await self._blocks.begin()
        if (known := await self._blocks.block_of(given.source, keys)) is not None:
            raise AlreadyBlocked(known)
        block_id, now = new_id(), self._clock.now()
        await self._blocks.add(block_id, given.source, reason=given.reason, now=now)
        listed = await self._erase(eraser, block_id, keys, given.keys)
        await self._note("subject.blocked", block_id, given.source, asker)
        return BlockView(id=block_id, source=given.source, keys=listed, reason=given.reason, created_at=now)

    async def finish(self) -> int:
        """Delete the data of keys that fetches have assigned to blocked people; returns the number of targets."""
        await self._blocks.begin()
        left = await self._blocks.left()
        for (block_id, source), targets in groupby(left, key=lambda target: (target.block_id, target.source)):
            eraser, keys = self._eraser(source), [target.key for target in targets]
            await self._erase(eraser, block_id, sorted({eraser.read(key) for key in keys}))
            await ScrapingRepository(self._session).erase(await self._blocks.targets(source, keys))
        return len(left)

    async def lift(self, block_id: UUID, *, asker: Identity | None = None) -> None:
        """Lift a block; deleted data does not come back. Raises BlockNotFound."""
        source = await self._blocks.lift(block_id)
        if source is None:
            raise BlockNotFound(block_id)
        await self._note("subject.unblocked", block_id, source, asker)

    async def _erase(
        self, eraser: SubjectEraser, block_id: UUID, keys: Sequence[str], given: Sequence[str] = ()
    ) -> list[str]:
        """Delete what is stored under keys and block all keys of the same people; returns the keys that admins see."""
        erased = await eraser.erase(keys)
        listed = sorted({*keys, *erased.keys})
        covered = {covered_key for key in listed for covered_key in eraser.covered(key)}
        await self._blocks.extend(block_id, eraser.source, covered, listed=listed)
        await ScrapingRepository(self._session).erase(await self._blocks.targets(eraser.source, sorted(covered)))
        await self._forget_copies(erased, given)
        return listed

    async def _forget_copies(self, erased: Erased, given: Sequence[str]) -> None:
        for copies in self._copies:
            await copies.forget(erased.aggregates, erased.names, erased.values)
        activities = ActivityRepository(self._session)
        for subject, ids in erased.subjects.items():
            await activities.forget_subjects(subject, ids)
        spellings = sorted(set(erased.spellings))
        await activities.forget_details(spellings)
        await StoredAnswers(self._session).forget(spellings, erased.names)
        entries = [f'"{in_json(entered)}"' for entered in given]
        await AuditRepository(self._session).forget_spellings([*spellings, *entries])

    def _eraser(self, source: str) -> SubjectEraser:
        if source not in self._erasers:
            raise NothingToBlock(source, list(self._erasers))
        return self._erasers[source]

    async def _note(self, event: str, block_id: UUID, source: str, asker: Identity | None) -> None:
        """Record the event without the keys: only the list of blocks names the blocked person."""
        await self._activity.record(
            event, subject="block", subject_id=block_id, actor=asker, details={"source": source}
        )
        structlog.get_logger(__name__).info(event.replace(".", "_"), block_id=str(block_id), source=source)


_LIST: Final = text("""
SELECT b.id, b.source, b.reason, b.created_at,
       ARRAY(SELECT k.key FROM scrape_blocked_keys k WHERE k.block_id = b.id AND k.listed ORDER BY k.key) AS keys
FROM scrape_blocks b
WHERE b.id < :before AND (CAST(:source AS text) IS NULL OR b.source = :source)
ORDER BY b.id DESC LIMIT CAST(:limit AS bigint)
""")
_IS_BLOCKED: Final = text("""
SELECT EXISTS (SELECT FROM scrape_blocked_keys WHERE source = :source AND key = :key)
""")
_IS_LEFT: Final = text("""
SELECT EXISTS (SELECT FROM scrape_blocked_keys k JOIN scrape_targets t ON t.source = k.source AND t.key = k.key)
""")


class BlockUpkeep:
    """Finishes blocks: a fetch may show that a target belongs to a person who is blocked under another key."""

    def __init__(self, *, database: Database, queries: "BlockQueries", blocking: Callable[[], Blocking]) -> None:
        self._database = database
        self._queries = queries
        self._blocking = blocking

    async def run(self) -> int:
        """Delete the remaining data of blocked people; returns the number of their targets."""
        if not await self._queries.is_anything_left():
            return 0
        async with self._database.unit_of_work():
            return await self._blocking().finish()


class BlockQueries:
    """Reads blocks."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def blocks(self, *, source: str | None, before: UUID | None, limit: int) -> Blocks:
        """A page of blocks, newest first."""
        values: dict[str, Any] = {"source": source, "before": before or LAST, "limit": limit + 1}
        items = [BlockView(**row) for row in await self._reader.rows(_LIST, values)]
        return Blocks(items=items[:limit], next_before=items[limit - 1].id if len(items) > limit else None)

    async def is_anything_left(self) -> bool:
        """True if any blocked key still has a target."""
        return bool(await self._reader.value(_IS_LEFT, {}))

    async def is_blocked(self, source: str, key: str) -> bool:
        """True if the key is blocked, so that its target must not be fetched."""
        return bool(await self._reader.value(_IS_BLOCKED, {"source": source, "key": key}))
