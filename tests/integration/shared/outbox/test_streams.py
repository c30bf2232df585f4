"""Bots listen: over a real server, because what matters is when bytes leave and who notices that somebody left."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn
from dependency_injector import providers
from tests.application import application
from tests.conftest import container_of
from tests.integration.shared.outbox.conftest import House, Told, declare, happened, moved
from tests.waiting import LIMIT_S, eventually

from app.container import AppContainer
from app.server import ApiServer
from shared.outbox.controllers import LAST_POSITION
from shared.outbox.streams import EventStreams

STREAM = "/internal/events/stream"
POLL_INTERVAL_S, HEARTBEAT, RECHECK = 0.02, 0.3, 0.2


@dataclass
class Heard:
    """One message of a stream."""

    id: int | None = None
    event: str | None = None
    data: Any = None
    retry: int | None = None
    comments: list[str] = field(default_factory=list)


@dataclass
class Listener:
    """A client of a stream that is open."""

    answer: httpx.Response
    lines: AsyncIterator[str]

    async def next(self) -> Heard:
        heard = Heard()
        async for line in self.lines:
            if not line:
                return heard
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not name:
                heard.comments.append(value)
            elif name in {"id", "retry"}:
                setattr(heard, name, int(value))
            else:
                setattr(heard, name, msgspec.json.decode(value) if name == "data" else value)
        raise EOFError

    async def event(self) -> Heard:
        """The next message with an event."""
        async with asyncio.timeout(LIMIT_S):
            while (heard := await self.next()).event is None:
                pass
            return heard

    async def end(self) -> None:
        """Listen until the stream ends."""
        async with asyncio.timeout(LIMIT_S):
            with contextlib.suppress(EOFError):
                while True:
                    await self.next()


@asynccontextmanager
async def answered(url: str, key: str, *, path: str = STREAM, **headers: str) -> AsyncIterator[httpx.Response]:
    async with (
        httpx.AsyncClient(base_url=url, timeout=LIMIT_S) as http,
        http.stream("GET", path, headers={"Authorization": f"Bearer {key}", **headers}) as answer,
    ):
        yield answer


@asynccontextmanager
async def listening(url: str, key: str, *, path: str = STREAM, **headers: str) -> AsyncIterator[Listener]:
    async with answered(url, key, path=path, **headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        yield Listener(answer, aiter(answer.aiter_lines()))


@dataclass
class Radio:
    """A server, and the means to listen to it."""

    url: str
    key: str
    container: AppContainer
    server: ApiServer

    @asynccontextmanager
    async def listen(self, key: str | None = None, *, path: str = STREAM, **headers: str) -> AsyncIterator[Listener]:
        async with listening(self.url, key or self.key, path=path, **headers) as listener:
            yield listener

    @asynccontextmanager
    async def answered(
        self, key: str | None = None, *, path: str = STREAM, **headers: str
    ) -> AsyncIterator[httpx.Response]:
        async with answered(self.url, key or self.key, path=path, **headers) as answer:
            yield answer

    async def open_streams(self, count: int) -> None:
        """Wait until so many streams are open, of all keys."""
        streams = self.container.events.streams()

        async def so_many() -> bool:
            return bool(streams._open.total() == count)

        await eventually(so_many, what=f"{count} streams are open")

    async def connections_back(self) -> None:
        """Wait until no connection to the database is out: a look that was broken off gives its own back later."""
        pool: Any = self.container.engine().pool

        async def none_out() -> bool:
            return bool(pool.checkedout() == 0)

        await eventually(none_out, what="every connection is back")

    async def writes_paused(self, count: int) -> None:
        """Wait until so many listeners have filled every buffer on the way to them."""

        async def paused() -> bool:
            connections: Any = self.server.server_state.connections
            return len([1 for connection in connections if connection.flow.write_paused]) == count

        await eventually(paused, what=f"{count} streams wait for their listeners")


@pytest.fixture
async def key(container: AppContainer) -> str:
    async with container.database().unit_of_work():
        return str((await container.users.keys().create("listener", ["events:read"])).text)


@pytest.fixture
async def radio(environ: dict[str, str], key: str) -> AsyncIterator[Radio]:
    """The API as it is served, looking, beating and checking more often."""
    container = declare(container_of(environ | {"TRACKERS_DATABASE_POOL_SIZE": "3"}))
    quick = EventStreams(
        events=container.events.queries(),
        keys=container.users.bot_authenticator(),
        poll_interval=POLL_INTERVAL_S,
        heartbeat=HEARTBEAT,
        recheck=RECHECK,
    )
    container.events.streams.override(providers.Object(quick))
    config = uvicorn.Config(application(container), log_config=None, access_log=False, timeout_graceful_shutdown=None)
    server = ApiServer(config, streams=quick)
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listening]))

    async def started() -> bool:
        return bool(server.started)

    await eventually(started, what="the server has started")
    yield Radio(f"http://127.0.0.1:{listening.getsockname()[1]}", key, container, server)
    server.should_exit = True
    await serving


async def test_a_listener_hears_what_is_relayed_from_now_on(house: House, radio: Radio) -> None:
    await house.publish(moved(1, 1))
    await house.relay()
    async with radio.listen() as listener:
        opening = await listener.next()
        (before,) = await house.events()
        assert (opening.id, opening.event, opening.retry) == (before["position"], None, 2000)
        await house.publish(moved(1, 2))
        await house.relay()
        heard = await listener.event()
    (_, row) = await house.events()
    assert (heard.id, heard.event) == (row["position"], "thing.moved")
    assert heard.data == {
        "position": row["position"],
        "id": str(row["id"]),
        "event": "thing.moved",
        "aggregate": "thing:1",
        "user_id": None,
        "payload": {"n": 2},
        "occurred_at": house.clock.now().isoformat().replace("+00:00", "Z"),
    }


async def test_what_leaves_is_neither_held_back_nor_packed(radio: Radio) -> None:
    async with radio.listen(**{"Accept-Encoding": "gzip"}) as listener:
        headers = listener.answer.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["cache-control"] == "no-cache"
        assert headers["x-accel-buffering"] == "no"
        assert {"ratelimit-remaining", "x-request-id", "x-content-type-options"} <= headers.keys()
        assert not {"content-length", "content-encoding", "etag"} & headers.keys()
        assert (await listener.next()).comments == ["listening"]


async def test_who_comes_back_hears_what_was_missed(house: House, radio: Radio) -> None:
    await house.publish(*(moved(1, n) for n in range(5)))
    await house.relay()
    positions = [row["position"] for row in await house.events()]
    async with radio.listen(path=f"{STREAM}?after=0", **{"Last-Event-ID": str(positions[1])}) as listener:
        assert (await listener.next()).id == positions[1]
        assert [(await listener.event()).data["payload"]["n"] for _ in range(3)] == [2, 3, 4]
    async with radio.listen(path=f"{STREAM}?after={positions[3]}&event=thing.") as listener:
        assert (await listener.event()).id == positions[4]
    for header in ("-1", "x", "1.5"):
        async with radio.answered(**{"Last-Event-ID": header}) as answer:
            assert answer.status_code == 422


@pytest.mark.parametrize(
    ("header", "status"),
    [
        *((str(number), 200) for number in (0, 2**31, 2**53 + 1, LAST_POSITION)),
        *((str(number), 422) for number in (-(2**63) - 1, -1, LAST_POSITION + 1, 2**63 - 1, 2**63, 10**30, 1e308)),
        *((text, 422) for text in ("nan", "1e999", "0x7f", "9" * 5_000, "", "2026-02-30T00:00:00Z")),
    ],
)
async def test_a_last_position_at_the_ends_of_its_type(radio: Radio, header: str, status: int) -> None:
    async with radio.answered(**{"Last-Event-ID": header}) as answer:
        assert answer.status_code == status


async def test_silence_is_broken_by_comments_that_say_how_far_it_is(house: House, radio: Radio) -> None:
    async with radio.listen(path=f"{STREAM}?event=other.") as listener:
        await listener.next()
        await house.publish(moved(1))
        await house.relay()
        (row,) = await house.events()

        async def said_how_far() -> bool:
            heard = await listener.next()
            assert (heard.event, heard.comments) == (None, ["listening"]), heard
            return bool(heard.id == row["position"])

        await eventually(said_how_far, what="a comment says how far it is")
        assert (await listener.next()).comments == ["listening"]


async def test_a_thousand_events_come_in_order(house: House, radio: Radio) -> None:
    await house.publish(*(moved(n % 7, n) for n in range(500)))
    await house.relay()
    async with radio.listen(path=f"{STREAM}?after=0") as listener:
        await house.publish(*(moved(n % 7, n) for n in range(500, 1000)))
        await house.relay()
        assert [(await listener.event()).data["payload"]["n"] for _ in range(1000)] == list(range(1000))


async def test_a_slow_listener_holds_no_connection_and_harms_no_other(house: House, radio: Radio) -> None:
    """More slow ones than connections; what they are told fills every buffer."""
    large = "x" * 20_000
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(radio.listen(path=f"{STREAM}?after=0")) for _ in range(5)]
        for n in range(10):
            await house.publish(*(happened("thing.grew", f"t:{n}", Told(n=k, large=large)) for k in range(100)))
            await house.relay()
        await radio.writes_paused(5)
        pool: Any = radio.container.engine().pool
        assert pool.checkedout() <= 1
        async with radio.listen() as quick:
            await quick.next()
            await house.publish(moved(1, 7))
            await house.relay()
            assert (await quick.event()).data["payload"] == {"n": 7}
        numbers = [(await slow[0].event()).data["payload"]["n"] for _ in range(1001)]
        assert numbers == [*(list(range(100)) * 10), 7]


async def test_a_listener_that_leaves_is_let_go(radio: Radio) -> None:
    """At any moment: in silence, in a look at the table, before the first message."""
    async with radio.listen(), radio.listen():
        await radio.open_streams(2)
    await radio.open_streams(0)
    for n in range(30):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.005 + n * 0.002), radio.listen() as listener:
                await listener.next()
    await radio.open_streams(0)
    await radio.connections_back()
    async with radio.listen() as listener:
        assert (await listener.next()).id == 0


async def test_a_key_has_so_many_streams(radio: Radio, container: AppContainer) -> None:
    async with container.database().unit_of_work():
        other = (await container.users.keys().create("other", ["events"])).text
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(radio.listen())
        async with radio.answered() as answer:
            assert answer.status_code == 429
            await answer.aread()
            assert (answer.json()["code"], answer.headers["retry-after"]) == ("too_many_streams", "5")
        async with radio.listen(other) as listener:
            await listener.next()
    await radio.open_streams(0)
    async with radio.listen() as listener:
        await listener.next()


async def test_a_stream_ends_with_its_key(radio: Radio, container: AppContainer) -> None:
    async with container.database().unit_of_work():
        kept = (await container.users.keys().create("kept", ["events"])).text
    async with radio.listen() as listener, radio.listen(kept) as other:
        await listener.next()
        async with container.database().unit_of_work():
            await container.users.keys().revoke(radio.key.split("_")[1])
        await listener.end()
        await other.next()
        assert (await other.next()).comments == ["listening"]
    await radio.open_streams(0)


async def test_streams_end_when_the_process_stops(radio: Radio) -> None:
    """The listeners stay, and the server has no time after which it would cut them off."""
    async with radio.listen() as one, radio.listen() as two:
        await one.next()
        radio.server.should_exit = True
        await asyncio.gather(one.end(), two.end())


async def test_a_process_told_to_stop_does_not_wait_for_listeners(
    environ: dict[str, str], key: str, tmp_path: Path
) -> None:
    announcement = tmp_path / "address"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        "api",
        "--announce",
        str(announcement),
        env={**os.environ, **environ, "TRACKERS_PORT": "0"},
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:

        async def announced() -> str:
            return announcement.read_text() if announcement.exists() else ""

        url = await eventually(announced, what="the API listens")
        async with listening(url, key) as listener:
            await listener.next()
            process.terminate()
            await listener.end()  # a stream that is cut off at the end of the grace breaks off instead
            await asyncio.wait_for(process.wait(), LIMIT_S)
    finally:
        if process.returncode is None:
            process.kill()
