import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from benchmarks.load import Asking, Order, as_sent, send

READ = Asking(path="/things/1", headers={"X-Who": "ada"})


@asynccontextmanager
async def answering(answer: Callable[[str], str]) -> AsyncIterator[tuple[int, list[str]]]:
    """A server without bodies in what it is asked; its port, and the paths that it was asked for."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split()[1].decode()
                asked.append(path)
                writer.write(answer(path).encode())
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


def ok(path: str) -> str:
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(path)}\r\n\r\n{path}"


def test_a_request_without_a_body_is_its_head() -> None:
    assert as_sent(READ, 80) == b"GET /things/1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-Who: ada\r\n\r\n"


def test_a_body_goes_as_json_with_its_length_in_bytes() -> None:
    head, _, body = as_sent(Asking(path="/", headers={}, method="POST", body='"é"'), 80).partition(b"\r\n\r\n")

    assert head.startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/json\r\nContent-Length: 4" in head
    assert body == '"é"'.encode()


async def test_connections_share_what_is_asked_and_take_it_in_turns() -> None:
    asking = [Asking(path=f"/{number}", headers={}) for number in range(3)]
    async with answering(ok) as (port, asked):
        answered = await send(Order(port=port, asking=asking, requests=6, connections=2))

    assert sorted(asked) == ["/0", "/0", "/1", "/1", "/2", "/2"]
    assert answered.requests == 6
    assert answered.body in asked
    assert answered.p50_ms <= answered.p99_ms <= answered.worst_ms


async def test_a_round_by_the_clock_ends_with_the_answers_that_were_under_way() -> None:
    async with answering(ok) as (port, asked):
        answered = await send(Order(port=port, asking=[READ], connections=3, seconds=0.0))

    assert answered.requests == len(asked) == 3


async def test_any_other_answer_than_200_ends_the_round() -> None:
    def refused(_: str) -> str:
        return "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"

    async with answering(refused) as (port, _):
        with pytest.raises(RuntimeError, match="429 Too Many Requests"):
            await send(Order(port=port, asking=[READ], requests=1, connections=1))
