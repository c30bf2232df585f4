"""Leaving people alone who ask for it: what is stored of them goes, and nothing is followed, stored or shown again.

A block holds one key or more of one source. The module of the source says what its keys are and deletes what it has
(`SubjectEraser`); whatever keeps copies of events deletes those (`EventCopies`).
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
    title = "Blocked already"

    def __init__(self, block_id: UUID) -> None:
        super().__init__(f"Block {block_id} holds one of these keys already; leave that key out, or lift the block.")


class NothingToBlock(Invalid):
    code = "nothing_to_block"
    title = "Nobody to block there"

    def __init__(self, source: str, known: Sequence[str]) -> None:
        super().__init__(f"Nobody can be blocked on {source[:50]!r}; the sources are {', '.join(sorted(known))}.")


class NewBlock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to be left alone."""

    source: Annotated[str, Meta(min_length=1, max_length=100, description="games, hiscores, fencers or contracts.")]
    keys: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MAX_KEY_LENGTH)]],
        Meta(min_length=1, max_length=MAX_KEYS, description="Links, numbers or names, as the source reads them."),
    ]
    reason: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")] | None = None
    """For other admins; nobody else sees it."""


class BlockView(Struct, frozen=True, kw_only=True):
    """A block as admins see it."""

    id: UUID
    source: str
    keys: Annotated[list[str], Meta(description="Those given, and those that were known of the same person.")]
    reason: str | None
    created_at: datetime


class Blocks(Struct, frozen=True, kw_only=True):
    items: list[BlockView]
    next_before: Annotated[UUID | None, Meta(description="Ask for the next page with it; null: this was the last.")]


class Erased(Struct, frozen=True, kw_only=True):
    """What a module deleted, so that copies of it elsewhere can go too."""

    keys: Sequence[str] = ()
    """Further keys of the same people, which their block gets."""
    aggregates: Sequence[str] = ()
    """Things whose events go."""
    subjects: Mapping[str, Sequence[UUID]] = {}
    """Things whose entries in the activity log go, by kind."""
    names: Sequence[str] = ()
    """As they were shown; digests and stored answers with one of these go."""
    values: Mapping[str, Sequence[str | int]] = {}
    """Field of events' payloads -> values; events with one of these go, and digests that show one of the numbers."""
    spellings: Sequence[str] = ()
    """As they stand in requests, in any case; what the logs keep of requests with one of these goes."""


class SubjectEraser(Protocol):
    """One source's share in a block; built on the session of the request that asks."""

    source: str

    def read(self, entered: str) -> str:
        """The key of what somebody typed. Raises a Problem for what can be nobody."""

    def covered(self, key: str) -> Sequence[str]:
        """All keys that are blocked with a key: that of each of its targets, and the key itself."""

    async def erase(self, keys: Sequence[str]) -> Erased:
        """Delete everything that is stored under these keys, with its targets."""


class EventCopies(Protocol):
    """Something that keeps events or what was made of them; likewise."""

    async def forget(
        self, aggregates: Sequence[str], names: Sequence[str], values: Mapping[str, Sequence[str | int]]
    ) -> None:
        """Delete events of these aggregates or with these values, and digests that show a name or number of them."""


class Blocking:
    """Blocks and lifts blocks, each in one transaction."""

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

        Raises NothingToBlock for a source without people, AlreadyBlocked, or the source's Problem for a bad key.
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
        """Delete what is stored of keys that fetches have shown to be blocked people's; how many targets it had."""
        await self._blocks.begin()
        left = await self._blocks.left()
        for (block_id, source), targets in groupby(left, key=lambda one: (one.block_id, one.source)):
            eraser, keys = self._eraser(source), [one.key for one in targets]
            await self._erase(eraser, block_id, sorted({eraser.read(key) for key in keys}))
            await ScrapingRepository(self._session).erase(await self._blocks.targets(source, keys))
        return len(left)

    async def lift(self, block_id: UUID, *, asker: Identity | None = None) -> None:
        """Let people follow it again; what was deleted stays so. Raises BlockNotFound."""
        source = await self._blocks.lift(block_id)
        if source is None:
            raise BlockNotFound(block_id)
        await self._note("subject.unblocked", block_id, source, asker)

    async def _erase(
        self, eraser: SubjectEraser, block_id: UUID, keys: Sequence[str], given: Sequence[str] = ()
    ) -> list[str]:
        """Delete what is stored under keys, and block all keys of the same people; those that admins see."""
        erased = await eraser.erase(keys)
        listed = sorted({*keys, *erased.keys})
        covered = {one for key in listed for one in eraser.covered(key)}
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
        asked = [f'"{in_json(entered)}"' for entered in given]
        await AuditRepository(self._session).forget_spellings([*spellings, *asked])

    def _eraser(self, source: str) -> SubjectEraser:
        if source not in self._erasers:
            raise NothingToBlock(source, list(self._erasers))
        return self._erasers[source]

    async def _note(self, event: str, block_id: UUID, source: str, asker: Identity | None) -> None:
        """Without the keys: whoever asked to be left alone stands in the list of blocks only."""
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
    """Finishes blocks: a fetch may show that a target is somebody's who is blocked under another key."""

    def __init__(self, *, database: Database, queries: "BlockQueries", blocking: Callable[[], Blocking]) -> None:
        self._database = database
        self._queries = queries
        self._blocking = blocking

    async def run(self) -> int:
        """Delete what is left of blocked people; how many targets that was."""
        if not await self._queries.is_anything_left():
            return 0
        async with self._database.unit_of_work():
            return await self._blocking().finish()


class BlockQueries:
    """Reads what is blocked."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def blocks(self, *, source: str | None, before: UUID | None, limit: int) -> Blocks:
        """The newest first."""
        values: dict[str, Any] = {"source": source, "before": before or LAST, "limit": limit + 1}
        items = [BlockView(**row) for row in await self._reader.rows(_LIST, values)]
        return Blocks(items=items[:limit], next_before=items[limit - 1].id if len(items) > limit else None)

    async def is_anything_left(self) -> bool:
        """Whether a blocked key has a target."""
        return bool(await self._reader.value(_IS_LEFT, {}))

    async def is_blocked(self, source: str, key: str) -> bool:
        """Whether a target may not be fetched."""
        return bool(await self._reader.value(_IS_BLOCKED, {"source": source, "key": key}))
