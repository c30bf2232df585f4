"""The load on an API: keep-alive connections that ask one after another, in a process that costs little itself.

A line of JSON on stdin makes a round (see Order), a line on stdout says what came of it.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import Final, cast

import msgspec
import uvloop
from msgspec import Struct

PATIENCE: Final = 60.0
"""Seconds that a round may take, beyond those that it was ordered to."""


class Asking(Struct, frozen=True, kw_only=True):
    """One request; a `body` is sent as JSON."""

    path: str
    headers: dict[str, str]
    method: str = "GET"
    body: str = ""


class Order(Struct, frozen=True, kw_only=True):
    """A round: so many `requests`, or fewer where `seconds` are over first."""

    port: int
    asking: list[Asking]
    """Sent in turns, over all connections."""
    connections: int
    requests: int = sys.maxsize
    seconds: float | None = None


class Answered(Struct, frozen=True, kw_only=True):
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    body: str
    """Of the last answer of a connection."""


class Connection(asyncio.Protocol):
    """Sends a request as soon as the answer before it is complete."""

    def __init__(self, requests: Iterator[bytes], share: int, ends: float, done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._left = share
        self._ends = ends
        self._done = done
        self._received = b""
        self._sent_at = 0.0
        self.latencies: list[float] = []
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return
        self.latencies.append(time.perf_counter() - self._sent_at)
        self.body = body
        self._received = b""
        self._left -= 1
        if not head.startswith(b"HTTP/1.1 200"):
            self._fail(f"answered {head[:60]!r} {body[:300]!r}")
        elif self._left > 0 and time.perf_counter() < self._ends:
            self._send()
        elif not self._done.done():
            self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server closed the connection: {exc}")

    def _send(self) -> None:
        request = next(self._requests)
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _fail(self, why: str) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(why))


def _content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def as_sent(asking: Asking, port: int) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{asking.method} {asking.path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in asking.headers.items()]
    body = asking.body.encode()
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def send(order: Order) -> Answered:
    loop = asyncio.get_running_loop()
    requests = cycle([as_sent(asking, order.port) for asking in order.asking])
    done = [loop.create_future() for _ in range(order.connections)]
    share = order.requests // order.connections
    started = time.perf_counter()
    ends = float("inf") if order.seconds is None else started + order.seconds
    made: list[tuple[asyncio.Transport, Connection]] = []
    try:
        async with asyncio.timeout(PATIENCE + (order.seconds or 0.0)):
            for future in done:
                asks = partial(Connection, requests, share, ends, future)
                made.append(await loop.create_connection(asks, "127.0.0.1", order.port))
            await asyncio.gather(*done)
    finally:
        for transport, _ in made:
            transport.close()
    seconds = time.perf_counter() - started
    latencies = sorted(latency for _, connection in made for latency in connection.latencies)
    return Answered(
        requests=len(latencies),
        seconds=seconds,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        worst_ms=latencies[-1] * 1000,
        body=made[0][1].body.decode(),
    )


async def main() -> None:
    gc.freeze()
    while line := await asyncio.to_thread(sys.stdin.readline):
        answered = await send(msgspec.json.decode(line, type=Order))
        sys.stdout.write(msgspec.json.encode(answered).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
