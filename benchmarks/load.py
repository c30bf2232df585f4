"""The load of `api_read`: keep-alive connections that ask one after another, in a process that costs little itself.

A line of JSON on stdin makes a round (see Order), a line on stdout says what came of it.
"""

import asyncio
import gc
import sys
import time
from functools import partial
from typing import Final, cast

import msgspec
import uvloop
from msgspec import Struct

PATIENCE: Final = 60.0


class Order(Struct, frozen=True, kw_only=True):
    port: int
    path: str
    headers: dict[str, str]
    requests: int
    connections: int


class Answered(Struct, frozen=True, kw_only=True):
    seconds: float
    p50_ms: float
    p99_ms: float
    body: str
    """Of the last answer; all are of one length."""


class Connection(asyncio.Protocol):
    """Sends a request as soon as the answer before it is complete."""

    def __init__(self, request: bytes, share: int, done: "asyncio.Future[None]") -> None:
        self._request = request
        self._left = share
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
        elif self._left > 0:
            self._send()
        elif not self._done.done():
            self._done.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server closed the connection: {exc}")

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def _fail(self, why: str) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(why))


def _content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


async def send(order: Order) -> Answered:
    loop = asyncio.get_running_loop()
    lines = [f"GET {order.path} HTTP/1.1", f"Host: 127.0.0.1:{order.port}"]
    lines += [f"{name}: {value}" for name, value in order.headers.items()]
    request = "\r\n".join([*lines, "", ""]).encode()
    done = [loop.create_future() for _ in range(order.connections)]
    share = order.requests // order.connections
    started = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        made = [
            await loop.create_connection(partial(Connection, request, share, future), "127.0.0.1", order.port)
            for future in done
        ]
        await asyncio.gather(*done)
    seconds = time.perf_counter() - started
    latencies = sorted(latency for _, connection in made for latency in connection.latencies)
    return Answered(
        seconds=seconds,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
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
