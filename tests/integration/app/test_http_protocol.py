"""The server's bounds on requests, over real connections."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import uvloop
from structlog.testing import capture_logs
from tests.features.service import running_api
from tests.waiting import eventually, eventually_sync

from app.http_protocol import MAX_HEAD_SIZE, BoundedHttpProtocol


class Impatient(BoundedHttpProtocol):
    head_timeout = 0.2
    body_timeout = 0.2
    write_timeout = 0.2


class SmallBuffers(Impatient):
    """The kernel takes a few kilobytes of an answer that nobody reads."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        super().connection_made(transport)


class SmallBuffersPatient(SmallBuffers):
    write_timeout = 120.0


class Application:
    """Notes what it was asked, and answers once it has the whole body."""

    def __init__(self, size: int = 2) -> None:
        self.paths: list[str] = []
        self.disconnected = 0
        self.connections: set[Any] = set()
        """Of the server, from when it listens."""
        self.body = b"o" * size

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected += 1
                return
            if not message["more_body"]:
                break
        size = b"%d" % len(self.body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]})
        await send({"type": "http.response.body", "body": self.body})


@asynccontextmanager
async def served(
    protocol: type[BoundedHttpProtocol], *, application: Application | None = None
) -> AsyncIterator[tuple[Application, int]]:
    application = application or Application()
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=1,
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]  # pytest keeps its own signals
    serving = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: _started(server), what="the server listens")
        application.connections = server.server_state.connections
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


def deaf_client(port: int) -> socket.socket:
    """A connection whose end here takes little and reads nothing."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


@pytest.mark.parametrize(
    ("size", "requests", "close"),
    [
        pytest.param(10_000, 40, False, id="many answers"),
        pytest.param(1_000_000, 1, False, id="a large answer"),
        pytest.param(1_000_000, 1, True, id="a large answer, closing"),
        pytest.param(50_000, 1, True, id="less than the buffer, closing"),
        pytest.param(50_000, 1, False, id="less than the buffer, until keep-alive ends"),
    ],
)
def test_a_client_that_reads_nothing_loses_its_connection(
    size: int, requests: int, caplog: pytest.LogCaptureFixture, *, close: bool
) -> None:
    """On the loop of the real server, which raises where an application writes to a connection that is gone."""
    asked = request() if close else request().replace(b"Connection: close\r\n", b"")

    async def scenario() -> None:
        async with served(SmallBuffers, application=Application(size)) as (application, port):
            with deaf_client(port) as client:
                await asyncio.get_running_loop().sock_sendall(client, asked * requests)
                await eventually(lambda: _asked(application), what="the application is asked")
                await eventually(lambda: _nobody_connected(application), what="the connection is gone")

    uvloop.run(scenario())
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_client_that_reads_on_keeps_its_connection() -> None:
    asked = request().replace(b"Connection: close\r\n", b"")
    async with served(SmallBuffersPatient, application=Application(1_000_000)) as (application, port):
        with deaf_client(port) as client:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, asked)
            await eventually(lambda: _waits_for_its_reader(application), what="the server waits for its reader")
            for turn in range(2):
                if turn:
                    await loop.sock_sendall(client, asked)
                answer = b""
                while len(answer.partition(b"\r\n\r\n")[2]) < len(application.body):
                    answer += await loop.sock_recv(client, 65_536)
                assert answer.startswith(b"HTTP/1.1 200 ")
            (connection,) = application.connections
            assert connection._write_deadline is None


async def _asked(application: Application) -> bool:
    return bool(application.paths)


async def _nobody_connected(application: Application) -> bool:
    return not application.connections


async def _waits_for_its_reader(application: Application) -> bool:
    return any(connection._write_deadline is not None for connection in application.connections)


def test_the_real_server_has_these_bounds(environ: dict[str, str], tmp_path: Path) -> None:
    """`trackers api`: the protocol of this file, and TRACKERS_MAX_CONNECTIONS."""
    settings = {**environ, "TRACKERS_PORT": "0", "TRACKERS_MAX_CONNECTIONS": "10"}
    with ExitStack() as stack:
        address = stack.enter_context(running_api(settings, tmp_path))
        with httpx.Client(base_url=address, trust_env=False) as http:
            refused = http.get("/health/live", headers={"X-Padding": "x" * MAX_HEAD_SIZE})
            assert (refused.status_code, refused.json()["code"]) == (431, "headers_too_large")
        host, _, port = address.rpartition("//")[2].rpartition(":")
        for _ in range(12):
            stack.enter_context(socket.create_connection((host, int(port))))
        with httpx.Client(base_url=address, trust_env=False) as http:

            def is_full() -> bool:
                return http.get("/health/live").status_code == 503

            eventually_sync(is_full, what="further requests are refused")


async def test_noise_is_400() -> None:
    async with served(BoundedHttpProtocol) as (application, port):
        with capture_logs() as logs:
            assert (await answer_to(port, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert [(line["event"], line["status"], line["address"]) for line in logs] == [
        ("request_refused", 400, "127.0.0.1")
    ]
    assert application.paths == []
