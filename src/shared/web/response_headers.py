"""Headers of every response: security headers, CORS, ETags, gzip and rate limits.

One plain ASGI class around the application, so that errors and unknown paths get the headers too; in one pass, because
each wrapper of `send` costs 2 µs. Litestar's own middleware is not used: its CORS overwrites `Vary` and adds headers
for refused origins, its host check does not cover unknown paths, its compression delays event streams and omits `Vary`
from uncompressed responses, and neither can run after an ETag is computed.
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
"""Responses below this path hold tokens: no-store."""
OPERATORS: Final = ("/health/", "/metrics")
PAGES: Final = "/schema"
COMPRESSED_FROM: Final = 1024
"""Minimum bytes of a body for gzip: below the size of a packet, compression gains nothing."""
LEVEL: Final = 1
GZIP: Final = 31
"""`wbits` of zlib for the gzip format."""

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
"""Policy for the schema page of Litestar, which loads scripts, styles and fonts from a CDN and has inline styles."""
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
    """Middleware that adds headers to every response; only the request log is outside it."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._origins = settings.cors_origins or Origins()
        self._hosts = settings.allowed_hosts or Hosts()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_headers = dict(scope["headers"])
        path = scope["path"]
        answer = OutgoingResponse(scope, request_headers, send, self._cors(request_headers) if self._origins else ())
        if (
            self._hosts
            and not path.startswith(OPERATORS)
            and not _answers_to(self._hosts, request_headers.get(b"host", b""))
        ):
            await _send_unknown_host(scope, answer.send)
        elif (
            EXPOSED in answer.cors
            and scope["method"] == "OPTIONS"
            and b"access-control-request-method" in request_headers
        ):
            await _send_preflight(answer.send)
        else:
            await self._app(scope, receive, answer.send)

    def _cors(self, request_headers: dict[bytes, bytes]) -> tuple[Header, ...]:
        """CORS headers for the request's origin; for a refused origin only `Vary`."""
        origin = request_headers.get(b"origin")
        if self._origins.allow_any:
            return ((b"access-control-allow-origin", b"*"), EXPOSED) if origin else ()
        if origin and origin.decode("latin-1") in self._origins:
            return ((b"access-control-allow-origin", origin), EXPOSED, VARY_BY_ORIGIN)
        return (VARY_BY_ORIGIN,)


class OutgoingResponse:
    """A response on its way out. The head of a complete response waits for the body, to add ETag and length."""

    __slots__ = ("_head", "_path", "_request_headers", "_scope", "_send", "cors")

    def __init__(self, scope: Any, request_headers: dict[bytes, bytes], send: Send, cors: tuple[Header, ...]) -> None:
        self._scope = scope
        self._path: str = scope["path"]
        self._request_headers = request_headers
        self._send = send
        self._head: Any = None
        self.cors = cors

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers, whole = self._headers(message)
            head: Any = {**message, "headers": headers}
            if whole:
                self._head = head
            else:
                await self._send(head)
            return
        if self._head is not None:
            head, self._head = self._head, None
            if message["type"] == "http.response.body" and not message.get("more_body"):
                message = self._finished(head, message)
            await self._send(head)
        await self._send(message)

    def _headers(self, start: Any) -> tuple[list[Header], bool]:
        """The headers without ETag and encoding; and True if the body comes in one message."""
        headers: list[Header] = list(start["headers"])
        given = {name.lower() for name, _ in headers}
        headers += SAFE
        headers += self.cors
        path = self._path = self._scope["path"]  # after routing: without doubled slashes
        if b"content-security-policy" not in given:
            page = path.startswith(PAGES) and _type_of(headers).startswith(b"text/html")
            headers.append(SCHEMA_PAGE if page else NOTHING)
        if self._scope.get("scheme") == "https":
            headers.append(HTTPS_ONLY)
        if path.startswith(AUDIENCES):
            headers.append(VARY_BY_CALLER)
            if b"cache-control" not in given:
                headers.append(KEPT_NOWHERE if path.startswith(TOKENS) else PRIVATE)
            rate_limit: RateLimit | None = self._scope["state"].get(TOLD)
            if rate_limit is not None and b"ratelimit-limit" not in given:
                headers += (
                    (b"ratelimit-limit", b"%d" % rate_limit.limit),
                    (b"ratelimit-remaining", b"%d" % rate_limit.remaining),
                    (b"ratelimit-reset", b"%d" % ceil(rate_limit.reset_after)),
                )
        else:
            headers.append(VARY)
        return headers, b"content-length" in given

    def _finished(self, head: Any, message: Any) -> Any:
        """Set ETag, length and encoding of a complete response; return its body message."""
        headers, body, kind = head["headers"], message.get("body", b""), _type_of(head["headers"])
        if (
            head["status"] == 200  # noqa: PLR2004 -- OK
            and self._scope["method"] == "GET"
            and kind.startswith(b"application/json")
            and self._path.startswith(AUDIENCES)
            and KEPT_NOWHERE not in headers
            and all(name != b"etag" for name, _ in headers)
        ):
            tag = b'"%s"' % blake2b(body, digest_size=16).hexdigest().encode()
            headers.append((b"etag", b"W/" + tag))
            if _matches(self._request_headers.get(b"if-none-match"), tag):
                head["status"] = 304
                _leave_out(headers, b"content-length", b"content-type")
                return {**message, "body": b""}
        if len(body) >= COMPRESSED_FROM and self._may_be_compressed(kind, headers):
            body = zlib.compress(body, LEVEL, GZIP)
            _leave_out(headers, b"content-length")
            headers += [(b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(body))]
            return {**message, "body": body}
        return message

    def _may_be_compressed(self, kind: bytes, headers: list[Header]) -> bool:
        """True for text, if the client accepts gzip. Never for tokens: the compressed length could reveal them."""
        return (
            (b"json" in kind or b"yaml" in kind or kind.startswith(b"text/"))
            and _takes_gzip(self._request_headers.get(b"accept-encoding", b""))
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
    """Compare weakly (RFC 9110, 13.1.2). Our tags are quoted hexadecimal, so a substring search finds them."""
    return if_none_match is not None and (tag in if_none_match or if_none_match.strip() == b"*")


def _takes_gzip(accept_encoding: bytes) -> bool:
    """True if the client accepts gzip and does not exclude it (`gzip;q=0`)."""
    if b"gzip" not in accept_encoding:
        return False
    for part in accept_encoding.split(b","):
        coding, _, weight = part.replace(b" ", b"").partition(b";")
        if coding == b"gzip":
            return not weight or weight.removeprefix(b"q=").strip(b"0.") != b""
    return False


def _answers_to(hosts: Hosts, given: bytes) -> bool:
    name = given.decode("latin-1").lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] or name
    return name in hosts or any(host.startswith("*.") and name.endswith(host[1:]) for host in hosts)


async def _send_unknown_host(scope: Any, send: Send) -> None:
    detail = "This server does not accept this host name; the operator can add it to TRACKERS_ALLOWED_HOSTS."
    body = problem_body(scope, status=400, detail=detail, code="unknown_host")
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _send_preflight(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT)})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
