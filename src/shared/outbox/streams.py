"""Events as they are relayed, for as long as somebody listens.

A stream holds nothing while it waits: it looks at the table by itself, each look a short read of its own.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

import structlog
from msgspec import Struct

from shared.database import connection_was_lost
from shared.outbox.errors import TooManyStreams
from shared.outbox.queries import EventQueries
from shared.outbox.schemas import FeedEvent, FeedFilter

PAGE: Final = 200
POLL_INTERVAL_S: Final = 1.0
"""Seconds between two looks that found nothing."""
HEARTBEAT: Final = 15.0
"""Seconds of silence at most."""
RECHECK: Final = 1.0
"""Seconds for which a key is taken to work still: a revocation ends its streams within two."""
MAX_STREAMS_PER_KEY: Final = 10
"""Streams open with one key at once, in each process."""


class KeyValidity(Protocol):
    """Tells whether a bot's key still works."""

    async def stands(self, key_id: UUID) -> bool: ...


class Said(Struct, frozen=True, kw_only=True):
    """One message of a stream; without an event it says how far the stream has come, and that it is there."""

    position: int
    event: FeedEvent | None = None


class EventStreams:
    """Opens streams and ends them all."""

    def __init__(
        self,
        *,
        events: EventQueries,
        keys: KeyValidity,
        poll_interval: float = POLL_INTERVAL_S,
        heartbeat: float = HEARTBEAT,
        recheck: float = RECHECK,
        most: int = MAX_STREAMS_PER_KEY,
    ) -> None:
        self.events = events
        self.keys = keys
        self.poll_interval = poll_interval
        self.heartbeat = heartbeat
        self.recheck = recheck
        self.ending = asyncio.Event()
        self._most = most
        self._open: Counter[UUID] = Counter()

    def open(self, key_id: UUID, wanted: FeedFilter, *, after: int | None) -> "EventStream":
        """What is relayed after a position; None: from now on. Whoever opens it says when its client has left.

        Raises TooManyStreams.
        """
        if self._open[key_id] >= self._most:
            raise TooManyStreams(
                f"{self._most} streams are open with this key; close one first, or listen to more events on one.",
                retry_after=5,
            )
        self._open[key_id] += 1
        return EventStream(self, key_id, wanted, after)

    def count(self, key_id: UUID) -> int:
        """How many streams are open with a key."""
        return self._open[key_id]

    def end(self) -> None:
        """The process stops: every stream ends, and its client comes back to another one."""
        self.ending.set()

    def left(self, key_id: UUID) -> None:
        self._open[key_id] -= 1
        if not self._open[key_id]:
            del self._open[key_id]


class EventStream(AsyncIterator[Said]):
    """Ends when its key does not work any more, when the process stops, or the database is away."""

    def __init__(self, streams: EventStreams, key_id: UUID, wanted: FeedFilter, after: int | None) -> None:
        self._streams = streams
        self._key_id = key_id
        self._wanted = wanted
        self._after = after
        self._ready: deque[FeedEvent] = deque()
        self._begun = False
        self._left = False
        self._trusted_until = monotonic() + streams.recheck
        self._silent_until = 0.0

    def leave(self) -> None:
        """Nobody listens any more; to be said once the answer has ended, however it did."""
        if not self._left:
            self._left = True
            self._streams.left(self._key_id)

    async def __anext__(self) -> Said:
        try:
            said = await self._next()
        except Exception as error:
            if not connection_was_lost(error):
                raise
            structlog.get_logger(__name__).warning("event_stream_cut", error=str(error)[:200])
            raise StopAsyncIteration from error
        self._silent_until = monotonic() + self._streams.heartbeat
        return said

    async def _next(self) -> Said:
        """The next thing to say, however long that takes."""
        if self._after is None:
            self._after = await self._streams.events.head()
        if not self._begun:
            self._begun = True
            return Said(position=self._after)
        while True:
            await self._end_where_over()
            if self._ready:
                event = self._ready.popleft()
                return Said(position=event.position, event=event)
            before = self._after
            feed = await self._streams.events.feed(self._wanted, after=before, limit=PAGE)
            self._after = feed.next_after
            self._ready.extend(feed.items)
            if self._ready:
                continue
            if monotonic() >= self._silent_until:
                return Said(position=self._after)
            if self._after == before:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._streams.poll_interval):
                        await self._streams.ending.wait()

    async def _end_where_over(self) -> None:
        if self._streams.ending.is_set():
            raise StopAsyncIteration
        now = monotonic()
        if now >= self._trusted_until:
            if not await self._streams.keys.stands(self._key_id):
                raise StopAsyncIteration
            self._trusted_until = now + self._streams.recheck
