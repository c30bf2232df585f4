"""What every answer has: headers that keep browsers safe, CORS, validators, gzip, how the caller stands, what will go.

One plain ASGI class around everything, so that errors and unknown paths have it too; in one pass, because each wrapper
of `send` costs 2 µs. Litestar's own parts for it are not used: its CORS overwrites `Vary` and answers refused origins
with headers, its host check does not cover unknown paths, its compression holds event streams back and leaves `Vary`
out where it did not compress, and neither can come after a validator.
"""

import zlib
from hashlib import blake2b
from math import ceil
from typing import Any, Final

from litestar.types import ASGIApp, Message, Receive, Send

from shared.web.limits import TOLD, RateLimit
from shared.web.problems import PROBLEM_JSON, problem_body
from shared.web.settings import Hosts, Origins, WebSettings

AUDIENCES: Final = ("/api/", "/internal/")
TOKENS: Final = "/api/auth/"
"""What is answered below it holds tokens, and is kept nowhere."""
OPERATORS: Final = ("/health/", "/metrics")
PAGES: Final = "/schema"
COMPRESSED_FROM: Final = 1024
"""Bytes; less than a packet gains nothing."""
LEVEL: Final = 1
GZIP: Final = 31
"""zlib's `wbits` for gzip's format."""

Header = tuple[bytes, bytes]
SAFE: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
NOTHING: Final[Header] = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
SCHEMA_PAGE: Final[Header] = (
    b"content-security-policy",
    (
        b"default-src 'none'; script-src https://cdn.jsdelivr.net; style-src https://cdn.jsdelivr.net 'unsafe-inline'; "
        b"img-src 'self' https: data:; font-src https://cdn.jsdelivr.net https://fonts.scalar.com data:; "
        b"connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
)
"""The page comes with Litestar: its scripts, styles and fonts from a CDN, small styles inline."""
HTTPS_ONLY: Final[Header] = (b"strict-transport-security", b"max-age=31536000")
PRIVATE: Final[Header] = (b"cache-control", b"private, no-cache")
KEPT_NOWHERE: Final[Header] = (b"cache-control", b"no-store")
VARY: Final[Header] = (b"vary", b"Accept-Encoding")
VARY_BY_CALLER: Final[Header] = (b"vary", b"Authorization, X-API-Key, Accept-Encoding")
VARY_BY_ORIGIN: Final[Header] = (b"vary", b"Origin")
EXPOSED: Final[Header] = (
    b"access-control-expose-headers",
    (b"ETag, Idempotency-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-ID"),
)
PREFLIGHT: Final[tuple[Header, ...]] = (
    (b"access-control-allow-methods", b"DELETE, GET, PATCH, POST, PUT"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-ID"),
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
)


class ResponseHeaders:
    """Wraps the whole application; right inside the request log."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._origins = settings.cors_origins or Origins()
        self._hosts = settings.allowed_hosts or Hosts()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        path = scope["path"]
        answer = OutgoingResponse(scope, asked, send, self._cors(asked) if self._origins else ())
        if self._hosts and not path.startswith(OPERATORS) and not _answers_to(self._hosts, asked.get(b"host", b"")):
            await _send_unknown_host(scope, answer.send)
        elif EXPOSED in answer.cors and scope["method"] == "OPTIONS" and b"access-control-request-method" in asked:
            await _send_preflight(answer.send)
        else:
            await self._app(scope, receive, answer.send)

    def _cors(self, asked: dict[bytes, bytes]) -> tuple[Header, ...]:
        """What a browser is told; a refused origin nothing."""
        origin = asked.get(b"origin")
        if self._origins.allow_any:
            return ((b"access-control-allow-origin", b"*"), EXPOSED) if origin else ()
        if origin and origin.decode("latin-1") in self._origins:
            return ((b"access-control-allow-origin", origin), EXPOSED, VARY_BY_ORIGIN)
        return (VARY_BY_ORIGIN,)


class OutgoingResponse:
    """An answer on its way out. One that comes whole is held until its body shows, for its validator and length."""

    __slots__ = ("_asked", "_held", "_path", "_scope", "_send", "cors")

    def __init__(self, scope: Any, asked: dict[bytes, bytes], send: Send, cors: tuple[Header, ...]) -> None:
        self._scope = scope
        self._path: str = scope["path"]
        self._asked = asked
        self._send = send
        self._held: Any = None
        self.cors = cors

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers, whole = self._headers(message)
            opening: Any = {**message, "headers": headers}
            if whole:
                self._held = opening
            else:
                await self._send(opening)
            return
        if self._held is not None:
            opening, self._held = self._held, None
            if message["type"] == "http.response.body" and not message.get("more_body"):
                message = self._finished(opening, message)
            await self._send(opening)
        await self._send(message)

    def _headers(self, start: Any) -> tuple[list[Header], bool]:
        """The headers so far, and whether the body comes in one message."""
        headers: list[Header] = list(start["headers"])
        given = {name.lower() for name, _ in headers}
        headers += SAFE
        headers += self.cors
        path = self._path = self._scope["path"]  # as routing left it: without doubled slashes
        if b"content-security-policy" not in given:
            page = path.startswith(PAGES) and _type_of(headers).startswith(b"text/html")
            headers.append(SCHEMA_PAGE if page else NOTHING)
        if self._scope.get("scheme") == "https":
            headers.append(HTTPS_ONLY)
        if path.startswith(AUDIENCES):
            headers.append(VARY_BY_CALLER)
            if b"cache-control" not in given:
                headers.append(KEPT_NOWHERE if path.startswith(TOKENS) else PRIVATE)
            stands: RateLimit | None = self._scope["state"].get(TOLD)
            if stands is not None and b"ratelimit-limit" not in given:
                headers += (
                    (b"ratelimit-limit", b"%d" % stands.limit),
                    (b"ratelimit-remaining", b"%d" % stands.remaining),
                    (b"ratelimit-reset", b"%d" % ceil(stands.reset_after)),
                )
        else:
            headers.append(VARY)
        return headers, b"content-length" in given

    def _finished(self, opening: Any, message: Any) -> Any:
        """Set validator, length and encoding now that the body is known; the body as it is sent."""
        headers, body, kind = opening["headers"], message.get("body", b""), _type_of(opening["headers"])
        if (
            opening["status"] == 200  # noqa: PLR2004 -- OK
            and self._scope["method"] == "GET"
            and kind.startswith(b"application/json")
            and self._path.startswith(AUDIENCES)
            and KEPT_NOWHERE not in headers
            and all(name != b"etag" for name, _ in headers)
        ):
            tag = b'"%s"' % blake2b(body, digest_size=16).hexdigest().encode()
            headers.append((b"etag", b"W/" + tag))
            if _matches(self._asked.get(b"if-none-match"), tag):
                opening["status"] = 304
                _leave_out(headers, b"content-length", b"content-type")
                return {**message, "body": b""}
        if len(body) >= COMPRESSED_FROM and self._may_be_compressed(kind, headers):
            body = zlib.compress(body, LEVEL, GZIP)
            _leave_out(headers, b"content-length")
            headers += [(b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(body))]
            return {**message, "body": body}
        return message

    def _may_be_compressed(self, kind: bytes, headers: list[Header]) -> bool:
        """Text for who takes gzip; never tokens, whose length would then tell of what stands beside them."""
        return (
            (b"json" in kind or b"yaml" in kind or kind.startswith(b"text/"))
            and _takes_gzip(self._asked.get(b"accept-encoding", b""))
            and KEPT_NOWHERE not in headers
            and all(name != b"content-encoding" for name, _ in headers)
        )


def _type_of(headers: list[Header]) -> bytes:
    for name, value in headers:
        if name == b"content-type":
            return value
    return b""


def _leave_out(headers: list[Header], *names: bytes) -> None:
    headers[:] = [header for header in headers if header[0] not in names]


def _matches(if_none_match: bytes | None, tag: bytes) -> bool:
    """Weak comparison (RFC 9110, 13.1.2); our tags are hexadecimal in quotes, so that one is found by its text."""
    return if_none_match is not None and (tag in if_none_match or if_none_match.strip() == b"*")


def _takes_gzip(accept_encoding: bytes) -> bool:
    """Whether gzip is asked for and not ruled out (`gzip;q=0`)."""
    if b"gzip" not in accept_encoding:
        return False
    for part in accept_encoding.split(b","):
        coding, _, weight = part.replace(b" ", b"").partition(b";")
        if coding == b"gzip":
            return not weight or weight.removeprefix(b"q=").strip(b"0.") != b""
    return False


def _answers_to(hosts: Hosts, host: bytes) -> bool:
    name = host.decode("latin-1").lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] or name
    return name in hosts or any(kept.startswith("*.") and name.endswith(kept[1:]) for kept in hosts)


async def _send_unknown_host(scope: Any, send: Send) -> None:
    detail = "This server does not answer to that host name; its operator sets TRACKERS_ALLOWED_HOSTS."
    body = problem_body(scope, status=400, detail=detail, code="unknown_host")
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _send_preflight(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT)})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
