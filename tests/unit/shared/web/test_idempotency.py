"""When an answer leaves: after it is kept, or at once where it is too large."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar.types import Message, Receive, Scope, Send
from tests.clock import START

from shared.web.idempotency import MAX_STORED_BYTES, Idempotency, KeyReservation, StoredResponse
from shared.web.identity import BotIdentity

BOT = BotIdentity(key_id=uuid4(), name="bot", scopes=frozenset())


class OneKey:
    """Claims and answers in memory."""

    def __init__(self) -> None:
        self.kept: StoredResponse | None = None
        self.given_back = False

    async def claim(self, bot_key_id: Any, key: str, request_digest: bytes) -> KeyReservation | StoredResponse:
        return self.kept or KeyReservation(bot_key_id=bot_key_id, key=key, claimed_at=START)

    async def keep(self, claim: KeyReservation, answer: StoredResponse) -> None:
        self.kept = answer

    async def release(self, claim: KeyReservation) -> None:
        self.given_back = True


def answering(*parts: bytes, seen: list[bytes] | None = None) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard: Any = await receive()
        if seen is not None:
            seen.append(heard["body"])
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"text/plain")]})
        for number, part in enumerate(parts, start=1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})

    return app


async def posted(app: Any, keys: OneKey, *, left: list[tuple[str, bool]] | None = None) -> httpx.Response:
    held: Any = Idempotency(app, keys=lambda: keys, body_limit=1000)  # type: ignore[arg-type, return-value]  # a fake of the store

    async def authenticated(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Message) -> None:
            if left is not None:
                left.append((message["type"], keys.kept is not None))
            await send(message)

        scope |= {"auth": BOT, "state": {}}
        await held(scope, receive, sending)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(authenticated), base_url="http://test") as http:
        return await http.post("/things", content=b"what is wanted", headers={"Idempotency-Key": "a"})


async def test_the_first_byte_leaves_once_the_answer_is_kept() -> None:
    keys, left, seen = OneKey(), list[tuple[str, bool]](), list[bytes]()
    answer = await posted(answering(b"made ", b"it", seen=seen), keys, left=left)
    assert answer.text == "made it"
    assert seen == [b"what is wanted"]
    assert all(kept for _, kept in left)
    assert keys.kept == StoredResponse(status=201, content_type="text/plain", body=b"made it")


async def test_an_answer_too_large_to_keep_is_sent_whole_and_noted_as_such() -> None:
    keys, large = OneKey(), b"x" * (MAX_STORED_BYTES // 2 + 1)
    answer = await posted(answering(large, large, large), keys)
    assert answer.content == large * 3
    assert keys.kept == StoredResponse(status=201, content_type="text/plain", body=None)


async def test_a_handler_that_does_not_answer_leaves_its_claim() -> None:
    async def dies(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("cut off")

    keys = OneKey()
    with pytest.raises(RuntimeError):
        await posted(dies, keys)
    assert keys.kept is None
    assert not keys.given_back
