"""The same POST again under the same `Idempotency-Key` gets the same answer, and is carried out at most once.

A claim is made before the handler runs, the answer is kept before its first byte leaves. Between the two a process may
die or the database go away: then nobody knows whether it was done, and the caller is told so instead of it being done
twice.
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
from shared.database import PooledQueries, Repository
from shared.errors import Conflict, Invalid
from shared.jobs import Job
from shared.web.bodies import INCOMPLETE, BodyIncomplete
from shared.web.problems import OUTCOME_UNKNOWN
from shared.web.stored_responses import KEPT_FOR

HEADER: Final = b"idempotency-key"
FORM: Final = re.compile(rb"[\x21-\x7e]{1,200}")
MAX_STORED_BYTES: Final = 262_144
"""Bytes of an answer."""
RUNS_AT_MOST: Final = timedelta(seconds=60)
"""A claim without an answer for that long belongs to a process that died."""
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
    """SQL expression: the words of a text, each between single spaces, whatever stands between them there."""
    return f"' ' || trim(regexp_replace(lower({expression}), '[^[:alnum:]]+', ' ', 'g')) || ' '"


# Without a collation of its own, convert_from has that of the encoding's name, in which only ASCII has cases.
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
""")  # noqa: S608 -- fragments of our own


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
    """An answer as it was sent; without a body when that was too large, or a secret (`opt["secret_answer"]`)."""

    status: int
    content_type: str | None
    body: bytes | None


class KeyReservation(Struct, frozen=True, kw_only=True):
    """The right to carry a request out."""

    bot_key_id: UUID
    key: str
    claimed_at: datetime


class IdempotencyKeys:
    """The claims and answers; each statement stands for itself, outside any request's transaction."""

    def __init__(self, reader: PooledQueries, *, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def claim(self, bot_key_id: UUID, key: str, request_digest: bytes) -> KeyReservation | StoredResponse:
        """The right to run, or what came of the same request before; raises one of the errors above."""
        now = self._clock.now()
        which = {"bot_key_id": bot_key_id, "key": key}
        if await self._reader.value(_CLAIM, {**which, "request_digest": request_digest, "now": now}):
            return KeyReservation(bot_key_id=bot_key_id, key=key, claimed_at=now)
        found = await self._reader.row(_FIND, which)
        if found is None:  # given back this very moment
            raise IdempotencyInProgress("The first request under this key just ended; send it again.", retry_after=1)
        if found["request_digest"] != request_digest:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another request; choose a new one.")
        if found["status"] is None:
            if now - found["claimed_at"] <= RUNS_AT_MOST:
                raise IdempotencyInProgress("The first request under this key still runs; ask again.", retry_after=1)
            raise IdempotencyUnknown(
                "The first request under this key was cut off, so nobody knows whether it was carried out. "
                "Look whether it was; if not, send it under a new key."
            )
        if found["body"] is None:
            raise IdempotencyNotKept(
                f"This was carried out and answered with {found['status']}; the answer is not kept to be sent twice."
            )
        return StoredResponse(status=found["status"], content_type=found["content_type"], body=found["body"])

    async def keep(self, claim: KeyReservation, answer: StoredResponse) -> None:
        await self._reader.execute(
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
        """Nothing was done: the key is as if never used."""
        await self._reader.execute(
            _GIVE_BACK, {"bot_key_id": claim.bot_key_id, "key": claim.key, "claimed_at": claim.claimed_at}
        )

    async def remove_old(self) -> int:
        """Forget what is past its time, a bounded number at once; how many went."""
        before = self._clock.now() - KEPT_FOR
        return int(await self._reader.value(_REMOVE_OLD, {"before": before, "limit": REMOVED_AT_ONCE}))


class StoredAnswers(Repository):
    """The answers, in the transaction of somebody who must not be found in them."""

    async def forget(self, spellings: Collection[str], names: Collection[str]) -> None:
        """Keep no answer in which a spelling stands, or a name among other words; that it was carried out stays known.

        In any case. Names stand in the sentences of errors, too.
        """
        await self.session.execute(_FORGET, {"spellings": list(spellings), "names": list(names)})


def idempotency_jobs(keys: IdempotencyKeys) -> list[Job]:
    """Forgetting, every ten minutes."""
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
    """Holds POSTs with an `Idempotency-Key` to their first answer; stands behind authentication and limits."""

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
            raise Invalid("An Idempotency-Key has 1 to 200 visible ASCII characters; a UUID is a good one.")
        body = await _whole_body(receive, self._body_limit)
        keys = self._keys()
        claim = await keys.claim(scope["auth"].key_id, given.decode("ascii"), _digest(scope, body))
        if isinstance(claim, StoredResponse):
            await _replay(claim, send)
            return
        held = CapturedResponse(scope, send, keys, claim)
        await self._app(scope, _said_again(body, receive), held.send)


class CapturedResponse:
    """An answer that leaves once it is kept, or its claim given back."""

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
                pass  # the claim stays; whoever asks again is told that nobody knows
            elif status >= SERVER_ERROR or status in NOT_KEPT:
                await self._keys.release(self._claim)
            else:
                secret = _opt(self._scope, "secret_answer")
                body = None if secret or len(self._body) > MAX_STORED_BYTES else bytes(self._body)
                kept = StoredResponse(status=status, content_type=_content_type(self._start), body=body)
                await self._keys.keep(self._claim, kept)
        except Exception:  # noqa: BLE001 -- what was done stands and is answered so; the claim then says that nobody knows
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


def _said_again(body: bytes, receive: Receive) -> Receive:
    """What the handler hears: the body that was read, then whatever comes."""
    said = False

    async def hear() -> Any:
        nonlocal said
        if said:
            return await receive()
        said = True
        return {"type": "http.request", "body": body, "more_body": False}

    return hear


def _digest(scope: Scope, body: bytes) -> bytes:
    asked = sha256(f"POST {scope['path']}?".encode())
    asked.update(scope["query_string"] + b"\n" + body)
    return asked.digest()


def _content_type(start: Any) -> str | None:
    for name, value in start["headers"]:
        if name.lower() == b"content-type":
            return str(value.decode("latin-1"))
    return None


async def _replay(kept: StoredResponse, send: Send) -> None:
    body = kept.body or b""
    headers = [(b"content-length", b"%d" % len(body)), (b"idempotency-replayed", b"true")]
    if kept.content_type is not None:
        headers.append((b"content-type", kept.content_type.encode("latin-1")))
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
