"""Lists a page at a time, and events: read by cursor, or heard as they happen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import islice
from typing import Any

import httpx
import msgspec
import pytest
from tests.unit.client.conftest import Answer, Service, problem
from tests.waiting import LIMIT_S

from trackers_client import BotClient, MemberClient, Unauthenticated, UnreadableAnswer, every
from trackers_client.events import lines_of

SEPARATOR = "\u2028"
"""A line's end to Unicode, and to Python; not to an event stream."""


def event(position: int) -> dict[str, Any]:
    return {
        "position": position,
        "id": "0190d1a5-7c1b-7a51-9d3c-5d9f6a1b2c3d",
        "event": "tracker.registered",
        "aggregate": "tracker:1",
        "user_id": None,
        "payload": {"display": f"a{SEPARATOR}b"},
        "occurred_at": "2026-03-01T12:00:00Z",
    }


def streamed(
    *positions: int, head: str = "retry: 2000\r\nid: 3\r\n: listening\r\n\r\n", rest: str = ""
) -> httpx.Response:
    """A stream that ends after these events."""
    said = "".join(
        f"id: {at}\r\nevent: tracker.registered\r\ndata: {msgspec.json.encode(event(at)).decode()}\r\n\r\n"
        for at in positions
    )
    return httpx.Response(200, content=(head + said + rest).encode(), headers={"content-type": "text/event-stream"})


def bot(service: Service) -> BotClient:
    return BotClient("http://localhost", "trk_test", transport=service, sleep=service.sleep)


async def heard(service: Service, count: int, **options: Any) -> list[int]:
    """The positions of so many events."""
    async with aclosing(bot(service).feed.listen(**options)) as events:
        return [(await anext(events)).position for _ in range(count)]


async def test_a_list_is_read_to_its_end() -> None:
    names = [f"metric {number}" for number in range(5)]

    async def pages(request: httpx.Request) -> httpx.Response:
        page, size = int(request.url.params.get("page", "1")), int(request.url.params["per_page"])
        items = list(islice(names, (page - 1) * size, page * size))
        found = {
            "items": [{"guild_id": "1", "name": name} for name in items],
            "total": 5,
            "page": page,
            "per_page": size,
        }
        return httpx.Response(200, json=found)

    class Named(msgspec.Struct):
        name: str

    class Names(msgspec.Struct):
        items: list[Named]
        page: int
        per_page: int
        total: int

    service = Service(by=pages)
    asking = bot(service)

    async def ask(**query: Any) -> Names:
        return msgspec.json.decode(await asking.transport.send("GET", "/internal/names", query=query), type=Names)

    assert [one.name async for one in every(ask, per_page=2)] == names
    assert [request.url.params.get("page") for request in service.asked] == [None, "2", "3"]


async def test_a_history_is_read_to_its_beginning(service: Service) -> None:
    service.answers = [
        httpx.Response(200, json={"items": [], "next_before": "0190d1a5-7c1b-7a51-9d3c-5d9f6a1b2c3d"}),
        httpx.Response(200, json={"items": [], "next_before": None}),
    ]
    member = MemberClient("http://localhost", transport=service)
    assert [one async for one in every(member.admin.outbox.list_dead_events, limit=10)] == []
    assert [request.url.query for request in service.asked] == [
        b"limit=10",
        b"before=0190d1a5-7c1b-7a51-9d3c-5d9f6a1b2c3d&limit=10",
    ]


async def test_a_list_without_pages_is_no_mistake_that_goes_unseen(service: Service) -> None:
    service.answers = [httpx.Response(200, json={"items": []})]
    member = MemberClient("http://localhost", transport=service)
    with pytest.raises(TypeError, match="no pages"):
        [one async for one in every(member.auth.list_sessions)]


async def test_events_are_read_by_cursor_until_there_are_none(service: Service) -> None:
    service.answers = [
        httpx.Response(200, json={"items": [event(4), event(5)], "next_after": 5}),
        httpx.Response(200, json={"items": [], "next_after": 900}),  # others' events
        httpx.Response(200, json={"items": [event(901)], "next_after": 901}),
        httpx.Response(200, json={"items": [], "next_after": 901}),
    ]
    assert [one.position async for one in bot(service).feed.read(after=3, named=["tracker."])] == [4, 5, 901]
    assert [request.url.query for request in service.asked] == [
        b"event=tracker.&after=%d&limit=500" % after for after in (3, 5, 900, 901)
    ]


async def test_a_listener_comes_back_behind_the_last_event(service: Service) -> None:
    service.answers = [streamed(4, 5), httpx.ReadError("the line broke"), streamed(5, 6)]
    assert await heard(service, 3, after=3) == [4, 5, 6]
    assert [request.headers["last-event-id"] for request in service.asked] == ["3", "5", "5"]


async def test_who_listens_from_now_on_comes_back_to_where_that_was(service: Service) -> None:
    service.answers = [streamed(), streamed(4)]
    assert await heard(service, 1) == [4]
    assert [request.headers.get("last-event-id") for request in service.asked] == [None, "3"]


async def test_half_an_event_is_not_told(service: Service) -> None:
    service.answers = [streamed(rest='id: 4\r\ndata: {"posi'), streamed(4)]
    assert await heard(service, 1) == [4]


@pytest.mark.parametrize("cut", ["id: 5", "id: 5\r\n", 'id: 5\r\ndata: {"position": 5}\r\n'])
async def test_who_was_cut_off_within_an_event_comes_back_before_it(service: Service, cut: str) -> None:
    service.answers = [streamed(4, rest=cut), streamed(5)]
    assert await heard(service, 2, after=3) == [4, 5]
    assert service.asked[1].headers["last-event-id"] == "4"


async def test_a_stream_that_was_damaged_on_its_way_is_asked_for_again(service: Service) -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        if len(service.asked) > 1:
            return streamed(4)
        headers = {"content-encoding": "gzip", "content-type": "text/event-stream"}
        return httpx.Response(200, stream=httpx.ByteStream(b"no gzip at all"), headers=headers)

    service.by = answer
    assert await heard(service, 1) == [4]


@pytest.mark.parametrize(
    "odd",
    [
        httpx.Response(200, text="<html>please log in</html>", headers={"content-type": "text/html"}),
        streamed(rest="id: 4\r\ndata: <html>\r\n\r\n"),
    ],
)
async def test_what_is_no_stream_of_the_services_is_not_listened_to_for_ever(
    service: Service, odd: httpx.Response
) -> None:
    service.answers = [odd]
    with pytest.raises(UnreadableAnswer):
        await heard(service, 1)


async def test_a_listener_ends_when_its_client_is_closed_meanwhile() -> None:
    """On a real line, since what a closed one does to who reads it is not ours to make up."""
    message = streamed(4).content
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    lines: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"%x\r\n%s\r\n" % (len(message), message))
        await reader.read()  # until the other end is closed

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        asking = BotClient(f"http://{host}:{port}", "trk_test")
        heard_of: list[int] = []
        first = asyncio.Event()

        async def listen() -> None:
            async for one in asking.feed.listen():
                heard_of.append(one.position)
                first.set()

        listening = asyncio.create_task(listen())
        await first.wait()
        await asking.aclose()
        await asyncio.wait_for(listening, LIMIT_S)
        for writer in lines:
            writer.close()
    assert heard_of == [4]


async def test_a_listener_waits_as_it_is_asked_to(service: Service) -> None:
    service.answers = [problem(429, "too_many_streams", retry_after=5), streamed(4)]
    assert await heard(service, 1) == [4]
    assert service.slept[0] == 5


async def test_a_listener_waits_longer_the_longer_it_does_not_work(service: Service) -> None:
    broken: list[Answer] = [httpx.ConnectError("nobody is there")] * 8
    service.answers = [*broken, streamed(4)]
    assert await heard(service, 1) == [4]
    assert max(service.slept) > 1
    assert max(service.slept) <= 8


async def test_whose_key_is_over_need_not_come_back(service: Service) -> None:
    service.answers = [streamed(4), problem(401, "unauthenticated")]
    events = bot(service).feed.listen()
    assert (await anext(events)).position == 4
    with pytest.raises(Unauthenticated):
        await anext(events)


async def test_a_line_ends_where_the_format_says_wherever_it_is_cut() -> None:
    async def chunks(*given: bytes) -> AsyncIterator[bytes]:
        for one in given:
            yield one

    text = f"data: a{SEPARATOR}b\r\n\r\n".encode()
    for cut in range(len(text)):
        lines = [line async for line in lines_of(chunks(text[:cut], text[cut:]))]
        assert lines == [f"data: a{SEPARATOR}b", ""]
