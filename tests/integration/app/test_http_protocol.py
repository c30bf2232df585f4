"""The server's bounds on requests, over real connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
import uvicorn
from tests.waiting import eventually

from app.http_protocol import MAX_HEAD_SIZE, BoundedHttpProtocol


class Impatient(BoundedHttpProtocol):
    head_timeout = 0.2
    body_timeout = 0.2


class Application:
    """Notes what it was asked, and answers once it has the whole body."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.disconnected = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected += 1
                return
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served(protocol: type[BoundedHttpProtocol]) -> AsyncIterator[tuple[Application, int]]:
    application = Application()
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, http=protocol, ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]  # pytest keeps its own signals
    serving = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: _started(server), what="the server listens")
        yield application, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def _started(server: uvicorn.Server) -> bool:
    return server.started


async def answer_to(port: int, *parts: bytes) -> bytes:
    """What the server sends until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(*headers: bytes) -> bytes:
    return b"\r\n".join((b"GET /hello HTTP/1.1", b"Host: test", b"Connection: close", *headers, b"", b""))


def padding(size: int) -> bytes:
    return b"X-Padding: " + b"x" * size


async def test_a_request_within_the_bounds_is_answered() -> None:
    async with served(BoundedHttpProtocol) as (application, port):
        assert b"200 OK" in await answer_to(port, request(padding(MAX_HEAD_SIZE - 200)))
    assert application.paths == ["/hello"]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((padding(MAX_HEAD_SIZE),), id="one long header"),
        pytest.param((padding(8_000_000),), id="one endless header"),
        pytest.param(tuple(b"X-%d: y" % number for number in range(4_000)), id="many short headers"),
    ],
)
async def test_large_headers_are_431_and_reach_no_application(headers: tuple[bytes, ...]) -> None:
    async with served(BoundedHttpProtocol) as (application, port):
        answer = await answer_to(port, request(*headers))
    assert answer.startswith(b"HTTP/1.1 431 ") or answer == b""  # a client that still sends may see a reset only
    assert application.paths == []


async def test_headers_without_an_end_are_431() -> None:
    async with served(BoundedHttpProtocol) as (application, port):
        answer = await answer_to(port, b"GET / HTTP/1.1\r\nX-Padding: ", *[b"x" * 4_096] * 5)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"headers_too_large"' in answer
    assert application.paths == []


async def test_a_long_address_is_431() -> None:
    async with served(BoundedHttpProtocol) as (application, port):
        answer = await answer_to(port, b"GET /" + b"a" * MAX_HEAD_SIZE + b" HTTP/1.1\r\nHost: test\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert application.paths == []


async def test_every_request_of_a_connection_has_the_whole_bound() -> None:
    kept = request(padding(10_000)).replace(b"Connection: close\r\n", b"")
    async with served(BoundedHttpProtocol) as (application, port):
        answer = await answer_to(port, kept, kept, request(padding(10_000)))
    assert answer.count(b"200 OK") == 3
    assert len(application.paths) == 3


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: te", b"\r\n"], ids=["nothing", "half", "empty line"])
async def test_a_connection_without_a_whole_head_is_closed(sent: bytes) -> None:
    async with served(Impatient) as (application, port):
        answer = await answer_to(port, sent)
    assert (b"408" in answer) == sent.startswith(b"GET")
    assert application.paths == []


async def test_a_connection_whose_body_does_not_arrive_is_closed() -> None:
    async with served(Impatient) as (application, port):
        assert await answer_to(port, b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nhalf") == b""
        await eventually(lambda: _disconnected(application), what="the application hears of it")


async def _disconnected(application: Application) -> bool:
    return application.disconnected == 1


async def test_noise_is_400() -> None:
    async with served(BoundedHttpProtocol) as (application, port):
        assert (await answer_to(port, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert application.paths == []
