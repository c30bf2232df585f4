"""Streams of events for bots.

A stream holds no database connection while it waits: it polls the table with short reads.
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
"""Seconds between two polls without new events."""
HEARTBEAT: Final = 15.0
"""Maximum seconds without a message."""
RECHECK: Final = 1.0
"""Seconds between two checks of the key: a revoked key's streams end within two seconds."""
MAX_STREAMS_PER_KEY: Final = 10
"""Maximum number of open streams with one key in each process."""


class KeyValidity(Protocol):
    """Checks if a bot key is still valid."""

    async def stands(self, key_id: UUID) -> bool: ...


class Said(Struct, frozen=True, kw_only=True):
    """One message of a stream. Without an event it is a heartbeat with the current position."""

    position: int
    event: FeedEvent | None = None


class EventStreams:
    """Opens the streams of a process, and ends all of them when the process stops."""

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

    def open(self, key_id: UUID, filters: FeedFilter, *, after: int | None) -> "EventStream":
        """Open a stream of events after a position (None: from now on). The caller must call `leave` at its end.

        Raises TooManyStreams if the key has the maximum number of open streams.
        """
        if self._open[key_id] >= self._most:
            raise TooManyStreams(
                f"{self._most} streams are open with this key; close one of them, or read more events with one stream.",
                retry_after=5,
            )
        self._open[key_id] += 1
        return EventStream(self, key_id, filters, after)

    def count(self, key_id: UUID) -> int:
        """Number of open streams with a key."""
        return self._open[key_id]

    def end(self) -> None:
        """End all streams when the process stops. Clients reconnect to another process."""
        self.ending.set()

    def left(self, key_id: UUID) -> None:
        self._open[key_id] -= 1
        if not self._open[key_id]:
            del self._open[key_id]


class EventStream(AsyncIterator[Said]):
    """One open stream. It ends when the key is revoked, the process stops, or the database is unreachable."""

    def __init__(self, streams: EventStreams, key_id: UUID, filters: FeedFilter, after: int | None) -> None:
        self._streams = streams
        self._key_id = key_id
        self._filters = filters
        self._after = after
        self._ready: deque[FeedEvent] = deque()
        self._begun = False
        self._left = False
        self._trusted_until = monotonic() + streams.recheck
        self._silent_until = 0.0

    def leave(self) -> None:
        """Free the place of this stream. Call it when the response has ended, for whatever reason."""
        if not self._left:
            self._left = True
            self._streams.left(self._key_id)

    async def __anext__(self) -> Said:
        try:
            message = await self._next()
        except Exception as error:
            if not connection_was_lost(error):
                raise
            structlog.get_logger(__name__).warning("event_stream_cut", error=str(error)[:200])
            raise StopAsyncIteration from error
        self._silent_until = monotonic() + self._streams.heartbeat
        return message

    async def _next(self) -> Said:
        """Wait for the next message."""
        if self._after is None:
            self._after = await self._streams.events.head()
        if not self._begun:
            self._begun = True
            return Said(position=self._after)
        while True:
            await self._end_if_over()
            if self._ready:
                event = self._ready.popleft()
                return Said(position=event.position, event=event)
            before = self._after
            feed = await self._streams.events.feed(self._filters, after=before, limit=PAGE)
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

    async def _end_if_over(self) -> None:
        if self._streams.ending.is_set():
            raise StopAsyncIteration
        now = monotonic()
        if now >= self._trusted_until:
            if not await self._streams.keys.stands(self._key_id):
                raise StopAsyncIteration
            self._trusted_until = now + self._streams.recheck
