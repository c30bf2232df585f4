"""ASGI middleware that writes every mutating request to the audit log before the first byte of its response is sent.

If the request has a session, the row is part of its transaction and costs one statement, but no commit. Refused
requests and requests without a session are written separately.
"""

import asyncio
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from litestar.types import ASGIApp, Message, Receive, Send
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.bodies import audited_body
from shared.audit.concerned import collect_concerned
from shared.audit.repository import AuditRepository, AuditWriter
from shared.audit.schemas import Actor, ActorKind, AuditEntry
from shared.clock import Clock
from shared.database import Database
from shared.di import SESSION_OPENED
from shared.ids import new_id
from shared.redaction import REMOVED, mentioned, only_size, redacted, redacted_text

MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEPT_BYTES: Final = 16_384
"""Maximum bytes of a body that is stored; of a longer one only size and type are stored."""
MAX_USER_AGENT_LENGTH: Final = 300
WRITE_TIMEOUT_S: Final = 5.0
"""Maximum seconds that a response waits for its row, if that is written separately."""
REFUSED: Final = 400
BROKEN: Final = 500


class AuditTrail:
    """Middleware that writes the audit log; runs inside the request log, which gives each request its id."""

    def __init__(self, app: ASGIApp, *, writer: AuditWriter, clock: Clock) -> None:
        self._app = app
        self._writer = writer
        self._clock = clock

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in MUTATING:
            await self._app(scope, receive, send)
            return
        request = AuditedCall(scope, writer=self._writer, at=self._clock.now())
        scope.setdefault("state", {})[SESSION_OPENED] = request.join

        async def receiving() -> Any:
            message = await receive()
            if message["type"] == "http.request":
                request.take(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                await request.answered(message["status"])
            await send(message)

        try:
            await self._app(scope, receiving, sending)
        except Exception:
            await request.answered(BROKEN)
            raise


class AuditedCall:
    """A mutating request in progress, with the state of its row."""

    def __init__(self, scope: Any, *, writer: AuditWriter, at: datetime) -> None:
        self._scope = scope
        self._writer = writer
        self._at = at
        self._concerned = collect_concerned()
        self._path: str = scope["path"]  # as it was requested: routing changes the path of the scope
        self._body = bytearray()
        self._size = 0
        self._written: tuple[UUID, int] | None = None
        self._committed: tuple[UUID, int] | None = None
        self._done = False

    def take(self, part: bytes) -> None:
        """Add a chunk of the request body to the audit copy as the application reads it."""
        self._size += len(part)
        if self._size <= KEPT_BYTES:
            self._body += part

    def join(self, session: AsyncSession) -> None:
        """Write the row when this session commits."""
        Database.before_commit(session, lambda: self._write_within(session))
        Database.after_commit(session, self._note_commit)

    async def answered(self, status: int) -> None:
        """Write the row now unless it is committed already; correct a wrong status. Never raises."""
        if self._done or self._only_reads():
            return
        self._done = True
        if self._committed is not None and self._committed[1] == status:
            return
        entry = None
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                if self._committed is not None:
                    await self._writer.correct(self._committed[0], status=status)
                    return
                entry = self._entry(status)
                await self._writer.add(entry)
        except Exception as error:  # noqa: BLE001 -- the response is sent in any case; the log keeps the entry
            structlog.get_logger(__name__).error(
                "audit_not_written",
                entry=msgspec.to_builtins(entry or self._committed),
                status=status,
                error=redacted_text(f"{type(error).__name__}: {error}", 300),
            )

    async def _write_within(self, session: AsyncSession) -> None:
        entry = self._entry(getattr(self._scope["route_handler"], "status_code", None) or BROKEN)
        await AuditRepository(session).add(entry)
        self._written = (entry.id, entry.status)

    async def _note_commit(self) -> None:
        self._committed = self._written

    def _only_reads(self) -> bool:
        """True for a POST whose handler only needs a read scope: it changes nothing and is not audited."""
        handler = self._scope.get("route_handler")
        return handler is not None and str(handler.opt.get("scope", "")).endswith(":read")

    def _entry(self, status: int) -> AuditEntry:
        scope = self._scope
        actor = Actor.of(scope.get("auth"))
        client = scope.get("client")
        route = scope.get("path_template")
        anonymous_refusal = actor.kind is ActorKind.ANONYMOUS and status >= REFUSED
        body = self._kept_body(size_only=anonymous_refusal)
        resource = redacted({name: str(value) for name, value in scope.get("path_params", {}).items()})
        return AuditEntry(
            id=new_id(at=self._at),
            at=self._at,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            method=scope["method"],
            route=route,
            path=route if REMOVED in resource.values() else redacted_text(self._path),
            resource=resource or None,
            status=status,
            address=client[0] if client else None,
            user_agent=self._header(b"user-agent", MAX_USER_AGENT_LENGTH),
            request_id=scope["state"].get("request_id"),
            body=body,
            mentions=sorted(self._mentions(resource, body, actor)) or None,
        )

    def _mentions(self, resource: Any, body: Any, actor: Actor) -> set[str]:
        """Ids of all people that the entry concerns, without the caller."""
        return (mentioned(resource) | mentioned(body) | {str(user_id) for user_id in self._concerned}) - {str(actor.id)}

    def _kept_body(self, *, size_only: bool) -> Any:
        """The stored form of the body: only its size for refused anonymous requests; None if no body was read."""
        if not self._size:
            return None
        content_type = self._header(b"content-type") or ""
        if size_only or self._size > KEPT_BYTES:
            return only_size(self._size, content_type)
        return audited_body(bytes(self._body), content_type, self._scope.get("route_handler"))

    def _header(self, name: bytes, longest: int = 200) -> str | None:
        for given, value in self._scope["headers"]:
            if given == name:
                return redacted_text(value.decode("latin-1"), longest)
        return None
