"""What happened, in order: read by cursor, or heard as it happens."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from trackers_client.errors import ServerError, TooManyRequests, Unreachable, read
from trackers_client.generated.models.events import Feed, FeedEvent
from trackers_client.paging import every
from trackers_client.transport import Transport

STREAM: Final = "/internal/events/stream"
SILENCE: Final = 45.0
"""Seconds; the service says every 15 that it is there."""


@dataclass(kw_only=True)
class Said:
    """One message of an event stream (WHATWG HTML, 9.2.6)."""

    id: int | None = None
    """The position, as the service counts; another kind of id is none to it."""
    event: str = ""
    data: list[str] = field(default_factory=list)
    retry: int | None = None

    def take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self.data.append(value)
        elif name == "event":
            self.event = value
        elif name == "id" and value.isascii() and value.isdigit():
            self.id = int(value)
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Lines as the format has them; httpx would end them at every separator that Unicode knows, also within a text."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode(errors="replace")


async def messages_of(lines: AsyncIterator[str]) -> AsyncIterator[Said]:
    """The messages that these lines make up; the last one only if it is whole."""
    said = Said()
    async for line in lines:
        if line:
            said.take(line)
            continue
        yield said
        said = Said()


class EventReader:
    """A bot's view of the feed of events."""

    def __init__(self, transport: Transport, list_events: Callable[..., Awaitable[Feed]]) -> None:
        self._transport = transport
        self._list = list_events

    async def read(
        self, *, after: int = 0, named: Sequence[str] = (), limit: int = 500
    ) -> AsyncGenerator[FeedEvent, None]:
        """Every event after a position, until there is none left; remember the last one's `position`.

        `named`: only events of these names; `tracker.` with a dot at its end is all of tracker.
        """
        async for event in every(self._list, after=after, event=named or None, limit=limit):
            yield event

    async def listen(self, *, after: int | None = None, named: Sequence[str] = ()) -> AsyncGenerator[FeedEvent, None]:
        """Events as they happen, for ever; from now on, or after a position that was read or heard before.

        It comes back by itself wherever the line breaks, the service restarts or is busy, and goes on behind the last
        event, each of which is told once. It ends when the client is closed. Raises an ApiError where there is no way
        back (Unauthenticated, Forbidden), and UnreadableAnswer where what answers is not the service.
        """
        position, pause, failures = after, self._transport.retries.base, 0
        while not self._transport.http.is_closed:
            heads = {} if position is None else {"Last-Event-ID": str(position)}
            query = {"event": named or None}
            try:
                async with self._transport.stream(STREAM, query=query, headers=heads, silence=SILENCE) as answer:
                    async for said in messages_of(lines_of(answer.aiter_bytes())):
                        failures = 0
                        if said.retry is not None:
                            pause = said.retry / 1000
                        if said.data and (position is None or said.id is None or said.id > position):
                            yield read("\n".join(said.data).encode(), FeedEvent)
                        if said.id is not None:
                            position = max(said.id, position or 0)
            except (httpx.TransportError, httpx.DecodingError, Unreachable):
                failures += 1
            except (ServerError, TooManyRequests) as error:
                failures += 1
                await self._transport.sleep(error.retry_after or 0)
            await self._transport.sleep(self._again_in(pause, failures))

    def _again_in(self, pause: float, failures: int) -> float:
        """Seconds: as the service asked, longer the more often it did not work, and not the same for everybody."""
        retries = self._transport.retries
        longest = min(max(retries.longest, pause), pause * 2 ** min(failures, 10))
        return retries.rng.uniform(pause / 2, longest) if longest > pause / 2 else longest
