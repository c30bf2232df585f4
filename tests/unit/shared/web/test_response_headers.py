"""Validators beside compression, and answers that come in parts."""

import gzip
from typing import Any

import httpx
import pytest
from litestar.types import Receive, Scope, Send

from shared.web.response_headers import ResponseHeaders
from shared.web.settings import WebSettings

LARGE = b'{"items": [%s]}' % b",".join([b'{"name": "somebody"}'] * 200)


class Answering:
    """An application that answers one thing."""

    def __init__(self, *parts: bytes, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self._parts = parts
        self._status = status
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {}
        headers = [(b"content-type", b"application/json"), *self._headers]
        if len(self._parts) == 1:
            headers.append((b"content-length", b"%d" % len(self._parts[0])))
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        for number, part in enumerate(self._parts, start=1):
            more = number < len(self._parts)
            await send({"type": "http.response.body", "body": part, "more_body": more})


async def asked(app: Any, path: str = "/internal/things/1", **headers: str) -> httpx.Response:
    response_headers: Any = ResponseHeaders(app, WebSettings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(response_headers), base_url="http://test") as http:
        return await http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_a_validator_is_of_the_thing_and_not_of_its_encoding() -> None:
    plain = await asked(Answering(LARGE), accept_encoding="identity")
    packed = await asked(Answering(LARGE), accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert (packed.content, packed.headers["etag"]) == (LARGE, plain.headers["etag"])
    assert int(packed.headers["content-length"]) < len(LARGE) / 3
    assert int(plain.headers["content-length"]) == len(LARGE)
    again = await asked(Answering(LARGE), accept_encoding="gzip", if_none_match=plain.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert "content-encoding" not in again.headers


async def test_answers_with_tokens_are_neither_kept_nor_compressed_nor_compared() -> None:
    answer = await asked(Answering(LARGE), "/api/auth/me", accept_encoding="gzip")
    assert answer.headers["cache-control"] == "no-store"
    assert not {"content-encoding", "etag"} & set(answer.headers)


async def test_what_comes_in_parts_leaves_in_parts() -> None:
    answer = await asked(Answering(b"[" + LARGE, b"]"), accept_encoding="gzip")
    assert answer.content == b"[" + LARGE + b"]"
    assert not {"content-encoding", "content-length", "etag"} & set(answer.headers)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_an_answer_says_itself_stands() -> None:
    own = (
        (b"cache-control", b"max-age=60"),
        (b"etag", b'"own"'),
        (b"content-security-policy", b"default-src 'self'"),
        (b"content-encoding", b"br"),
    )
    answer = await asked(Answering(LARGE, headers=own[:3]), accept_encoding="gzip")
    for name, value in own[:3]:
        assert answer.headers.get_list(name.decode()) == [value.decode()]
    assert (await asked(Answering(gzip.compress(LARGE), headers=((b"content-encoding", b"gzip"),)))).content == LARGE


@pytest.mark.parametrize("status", [201, 404, 500])
async def test_only_what_is_there_has_a_validator(status: int) -> None:
    answer = await asked(Answering(LARGE, status=status), if_none_match="*")
    assert answer.status_code == status
    assert "etag" not in answer.headers
