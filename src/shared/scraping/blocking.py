"""Leaving people alone who ask for it: what is stored of them goes, and nothing is followed, stored or shown again.

A block holds one key or more of one source. The module of the source says what its keys are and deletes what it has
(`SubjectEraser`); whatever keeps copies of events deletes those (`EventCopies`).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Protocol
from uuid import UUID

import structlog
from msgspec import Meta, Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.audit.repository import ActivityRepository, AuditRepository
from shared.clock import Clock
from shared.database import Reader
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import LAST, new_id
from shared.scraping.block_repository import BlockRepository
from shared.scraping.repository import ScrapingRepository
from shared.web.idempotency import StoredAnswers
from shared.web.identity import Identity

MOST_KEYS: Final = 20
LONGEST_KEY: Final = 2048


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
        list[Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY)]],
        Meta(min_length=1, max_length=MOST_KEYS, description="Links, numbers or names, as the source reads them."),
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
    """As they were shown; digests with one of these go."""
    spellings: Sequence[str] = ()
    """As they stand in requests; what the logs keep of requests with one of these goes."""


class SubjectEraser(Protocol):
    """One source's share in a block; built on the session of the request that asks."""

    source: str

    def read(self, typed: str) -> str:
        """The key of what somebody typed. Raises a Problem for what can be nobody."""

    def covered(self, key: str) -> Sequence[str]:
        """All keys that are blocked with a key: that of each of its targets, and the key itself."""

    async def erase(self, keys: Sequence[str]) -> Erased:
        """Delete everything that is stored under these keys, with its targets."""


class EventCopies(Protocol):
    """Something that keeps events or what was made of them; likewise."""

    async def forget(self, aggregates: Sequence[str], names: Sequence[str]) -> None:
        """Delete events of these aggregates, and digests in which one of the names stands."""


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
        keys = list(dict.fromkeys(eraser.read(typed.strip()) for typed in given.keys))
        await self._blocks.begin()
        if (known := await self._blocks.block_of(given.source, keys)) is not None:
            raise AlreadyBlocked(known)
        erased = await eraser.erase(keys)
        listed = sorted({*keys, *erased.keys})
        covered = {one for key in listed for one in eraser.covered(key)}
        block_id, now = new_id(), self._clock.now()
        await self._blocks.add(block_id, given.source, covered, listed=listed, reason=given.reason, now=now)
        await ScrapingRepository(self._session).erase(await self._blocks.targets(given.source, sorted(covered)))
        await self._forget_copies(erased, given.keys)
        await self._note("subject.blocked", block_id, given.source, asker)
        return BlockView(id=block_id, source=given.source, keys=listed, reason=given.reason, created_at=now)

    async def lift(self, block_id: UUID, *, asker: Identity | None = None) -> None:
        """Let people follow it again; what was deleted stays so. Raises BlockNotFound."""
        source = await self._blocks.lift(block_id)
        if source is None:
            raise BlockNotFound(block_id)
        await self._note("subject.unblocked", block_id, source, asker)

    async def _forget_copies(self, erased: Erased, given: Sequence[str]) -> None:
        for copies in self._copies:
            await copies.forget(erased.aggregates, erased.names)
        activities = ActivityRepository(self._session)
        for subject, ids in erased.subjects.items():
            await activities.forget_subjects(subject, ids)
        spellings = sorted({spelling.casefold() for spelling in erased.spellings})
        await activities.forget_details(spellings)
        await StoredAnswers(self._session).forget(spellings)
        asked = [json.dumps(typed, ensure_ascii=False).casefold() for typed in given]
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


class BlockQueries:
    """Reads what is blocked."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def blocks(self, *, source: str | None, before: UUID | None, limit: int) -> Blocks:
        """The newest first."""
        values: dict[str, Any] = {"source": source, "before": before or LAST, "limit": limit + 1}
        items = [BlockView(**row) for row in await self._reader.rows(_LIST, values)]
        return Blocks(items=items[:limit], next_before=items[limit - 1].id if len(items) > limit else None)

    async def is_blocked(self, source: str, key: str) -> bool:
        """Whether a target may not be fetched."""
        return bool(await self._reader.value(_IS_BLOCKED, {"source": source, "key": key}))
