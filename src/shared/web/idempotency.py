"""Idempotency of POST requests: a repeated request with the same `Idempotency-Key` runs at most once.

The key is claimed before the handler runs, and the response is stored before its first byte is sent. If the process
dies or the database fails in between, the outcome is unknown: a repetition gets 409 `idempotency_unknown` instead of
running a second time.
"""

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import structlog
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct
from sqlalchemy import text

from shared.clock import Clock
from shared.database import Repository, StandaloneWriter
from shared.errors import Conflict, Invalid
from shared.jobs import Job
from shared.web.bodies import INCOMPLETE, BodyIncomplete
from shared.web.problems import OUTCOME_UNKNOWN
from shared.web.stored_responses import KEPT_FOR

HEADER: Final = b"idempotency-key"
FORM: Final = re.compile(rb"[\x21-\x7e]{1,200}")
MAX_STORED_BYTES: Final = 262_144
"""Bytes of a stored response body; a longer one is not stored."""
RUNS_AT_MOST: Final = timedelta(seconds=60)
"""A claim that is older than this and has no response belongs to a process that died."""
REMOVED_AT_ONCE: Final = 10_000
NOT_KEPT: Final = frozenset({401, 403, 429})
SERVER_ERROR: Final = 500

_CLAIM: Final = text("""
INSERT INTO idempotency_keys (bot_key_id, key, request_digest, claimed_at)
VALUES (:bot_key_id, :key, :request_digest, :now)
ON CONFLICT DO NOTHING
RETURNING TRUE
""")
_FIND: Final = text("""
SELECT request_digest, claimed_at, status, content_type, body
FROM idempotency_keys WHERE bot_key_id = :bot_key_id AND key = :key
""")
_KEEP: Final = text("""
UPDATE idempotency_keys SET status = :status, content_type = :content_type, body = :body
WHERE bot_key_id = :bot_key_id AND key = :key AND claimed_at = :claimed_at
""")
_GIVE_BACK: Final = text("""
DELETE FROM idempotency_keys
WHERE bot_key_id = :bot_key_id AND key = :key AND claimed_at = :claimed_at AND status IS NULL
""")
_REMOVE_OLD: Final = text("""
WITH gone AS (
    DELETE FROM idempotency_keys WHERE (bot_key_id, key) IN (
        SELECT bot_key_id, key FROM idempotency_keys WHERE claimed_at < :before LIMIT :limit
    ) RETURNING 1
) SELECT count(*) FROM gone
""")


def _words_of(expression: str) -> str:
    """SQL expression: the lower-case words of a text, each between single spaces, without punctuation."""
    return f"' ' || trim(regexp_replace(lower({expression}), '[^[:alnum:]]+', ' ', 'g')) || ' '"


# Without an explicit collation, convert_from gets the one of the encoding's name, which lowers only ASCII letters.
_BODY: Final = "convert_from(body, 'UTF8') COLLATE \"default\""
_FORGET: Final = text(f"""
UPDATE idempotency_keys SET body = NULL
WHERE body IS NOT NULL AND content_type LIKE '%json%' AND (EXISTS (
    SELECT FROM unnest(CAST(:spellings AS text[])) AS s (spelling)
    WHERE strpos(lower({_BODY}), lower(spelling)) > 0
) OR EXISTS (
    SELECT FROM unnest(CAST(:names AS text[])) AS n (name)
    WHERE strpos({_words_of(_BODY)}, {_words_of("name")}) > 0
))
""")  # noqa: S608 -- only constant fragments


class IdempotencyKeyReused(Invalid):
    code = "idempotency_key_reused"
    title = "Key used for something else"


class IdempotencyInProgress(Conflict):
    code = "idempotency_in_progress"
    title = "Being carried out"


class IdempotencyUnknown(Conflict):
    code = "idempotency_unknown"
    title = "Outcome unknown"


class IdempotencyNotKept(Conflict):
    code = "idempotency_not_kept"
    title = "Answer not kept"


class StoredResponse(Struct, frozen=True, kw_only=True):
    """A response as it was sent; without a body if that was too large or secret (`opt["secret_answer"]`)."""

    status: int
    content_type: str | None
    body: bytes | None


class KeyReservation(Struct, frozen=True, kw_only=True):
    """The right to run the request with a key."""

    bot_key_id: UUID
    key: str
    claimed_at: datetime


class IdempotencyKeys:
    """Claims and stored responses. Each statement is a transaction of its own, outside that of the request."""

    def __init__(self, writer: StandaloneWriter, *, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    async def claim(self, bot_key_id: UUID, key: str, request_digest: bytes) -> KeyReservation | StoredResponse:
        """Claim the key, or return the response of the earlier request with this key.

        Raises IdempotencyKeyReused if the earlier request was different, IdempotencyInProgress while it runs,
        IdempotencyUnknown if it was cut off, IdempotencyNotKept if its body is not stored.
        """
        now = self._clock.now()
        parameters = {"bot_key_id": bot_key_id, "key": key}
        if await self._writer.value(_CLAIM, {**parameters, "request_digest": request_digest, "now": now}):
            return KeyReservation(bot_key_id=bot_key_id, key=key, claimed_at=now)
        row = await self._writer.row(_FIND, parameters)
        if row is None:  # released in this moment
            raise IdempotencyInProgress(
                "The first request with this key has just ended and changed nothing; repeat your request.",
                retry_after=1,
            )
        if row["request_digest"] != request_digest:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another request; choose a new one.")
        if row["status"] is None:
            if now - row["claimed_at"] <= RUNS_AT_MOST:
                raise IdempotencyInProgress(
                    "The first request with this key is still running; try again.", retry_after=1
                )
            raise IdempotencyUnknown(
                "The first request with this key was cut off, so its outcome is unknown. "
                "Check if it was carried out; if not, send it with a new key."
            )
        if row["body"] is None:
            raise IdempotencyNotKept(
                f"This request was carried out and answered with {row['status']}; "
                "the response is not stored, so it cannot be sent again."
            )
        return StoredResponse(status=row["status"], content_type=row["content_type"], body=row["body"])

    async def keep(self, claim: KeyReservation, answer: StoredResponse) -> None:
        await self._writer.execute(
            _KEEP,
            {
                "bot_key_id": claim.bot_key_id,
                "key": claim.key,
                "claimed_at": claim.claimed_at,
                "status": answer.status,
                "content_type": answer.content_type,
                "body": answer.body,
            },
        )

    async def release(self, claim: KeyReservation) -> None:
        """Delete the claim after a request that changed nothing, so that the key can be used again."""
        await self._writer.execute(
            _GIVE_BACK, {"bot_key_id": claim.bot_key_id, "key": claim.key, "claimed_at": claim.claimed_at}
        )

    async def remove_old(self) -> int:
        """Remove up to REMOVED_AT_ONCE keys older than KEPT_FOR; return how many."""
        before = self._clock.now() - KEPT_FOR
        return int(await self._writer.value(_REMOVE_OLD, {"before": before, "limit": REMOVED_AT_ONCE}))


class StoredAnswers(Repository):
    """Erasure of stored responses, in the transaction that erases a person or blocks a subject."""

    async def forget(self, spellings: Collection[str], names: Collection[str]) -> None:
        """Delete the bodies of JSON responses that contain a spelling anywhere, or a name as whole words.

        Case does not matter. Keys and statuses stay. Names also occur in the sentences of error messages.
        """
        await self.session.execute(_FORGET, {"spellings": list(spellings), "names": list(names)})


def idempotency_jobs(keys: IdempotencyKeys) -> list[Job]:
    """The job that removes old keys, every ten minutes."""
    return [
        Job(
            name="web.remove_old_idempotency_keys",
            run=keys.remove_old,
            timeout=60,
            seconds=frozenset({40}),
            minutes=frozenset(range(2, 60, 10)),
        )
    ]


class Idempotency:
    """ASGI middleware for POST requests with an `Idempotency-Key`; runs after authentication and rate limits."""

    def __init__(self, app: ASGIApp, keys: Callable[[], IdempotencyKeys], body_limit: int) -> None:
        self._app = app
        self._keys = keys
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = _key(scope) if scope.get("method") == "POST" else None
        if given is None:
            await self._app(scope, receive, send)
            return
        if not FORM.fullmatch(given):
            raise Invalid("An Idempotency-Key must have 1 to 200 visible ASCII characters; a UUID is a good choice.")
        body = await _whole_body(receive, self._body_limit)
        keys = self._keys()
        claim = await keys.claim(scope["auth"].key_id, given.decode("ascii"), _digest(scope, body))
        if isinstance(claim, StoredResponse):
            await _replay(claim, send)
            return
        response = CapturedResponse(scope, send, keys, claim)
        await self._app(scope, _receive_again(body, receive), response.send)


class CapturedResponse:
    """A response that is held back until it is stored or its claim is released."""

    def __init__(self, scope: Scope, send: Send, keys: IdempotencyKeys, claim: KeyReservation) -> None:
        self._scope = scope
        self._send = send
        self._keys = keys
        self._claim = claim
        self._messages: list[Message] = []
        self._start: Any = None
        self._body = bytearray()
        self._settled = False

    async def send(self, message: Message) -> None:
        if self._settled:
            await self._send(message)
            return
        self._messages.append(message)
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body") or len(self._body) > MAX_STORED_BYTES:
                await self._settle()

    async def _settle(self) -> None:
        self._settled = True
        status = self._start["status"]
        try:
            if self._scope["state"].get(OUTCOME_UNKNOWN):
                pass  # the claim stays: a repetition gets 409 idempotency_unknown
            elif status >= SERVER_ERROR or status in NOT_KEPT:
                await self._keys.release(self._claim)
            else:
                secret = _opt(self._scope, "secret_answer")
                body = None if secret or len(self._body) > MAX_STORED_BYTES else bytes(self._body)
                stored = StoredResponse(status=status, content_type=_content_type(self._start), body=body)
                await self._keys.keep(self._claim, stored)
        except Exception:  # noqa: BLE001 -- the request was carried out and is answered; a repetition gets idempotency_unknown
            structlog.get_logger(__name__).warning("answer_not_kept", path=self._scope["path"], exc_info=True)
        for message in self._messages:
            await self._send(message)


def _opt(scope: Scope, name: str) -> Any:
    handler = scope.get("route_handler")
    return None if handler is None else handler.opt.get(name)


def _key(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == HEADER:
            return value
    return None


async def _whole_body(receive: Receive, limit: int) -> bytes:
    """The request's body. Raises RequestEntityTooLarge, or BodyIncomplete if the connection ends first."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BodyIncomplete(INCOMPLETE)
        body += message["body"]
        if len(body) > limit:
            raise RequestEntityTooLarge
        if not message["more_body"]:
            return bytes(body)


def _receive_again(body: bytes, receive: Receive) -> Receive:
    """A `receive` for the handler: first the body that was already read, then the next messages."""
    replayed = False

    async def receive_again() -> Any:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _digest(scope: Scope, body: bytes) -> bytes:
    digest = sha256(f"POST {scope['path']}?".encode())
    digest.update(scope["query_string"] + b"\n" + body)
    return digest.digest()


def _content_type(start: Any) -> str | None:
    for name, value in start["headers"]:
        if name.lower() == b"content-type":
            return str(value.decode("latin-1"))
    return None


async def _replay(stored: StoredResponse, send: Send) -> None:
    body = stored.body or b""
    headers = [(b"content-length", b"%d" % len(body)), (b"idempotency-replayed", b"true")]
    if stored.content_type is not None:
        headers.append((b"content-type", stored.content_type.encode("latin-1")))
    await send({"type": "http.response.start", "status": stored.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
