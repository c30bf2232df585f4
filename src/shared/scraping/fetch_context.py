"""Requests to a host for one target: paced, conditional, and limited in time and size."""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from hashlib import blake2b
from time import monotonic
from typing import Final, Protocol

import aiohttp
import httpx
from aiohttp import encode_basic_auth
from httpx_aiohttp import AiohttpTransport

from shared.addresses import AddressRefusedError, refuse_literal
from shared.clock import Clock
from shared.observability.telemetry import Exchange
from shared.resolver import PublicResolver
from shared.scraping.failures import Blocked, Fault, HostUnavailable, PageChanged, ScrapeFailure, Throttled
from shared.scraping.pacing import HostPacer, PacingSlot
from shared.scraping.policy import Policy
from shared.scraping.target import Target

MAX_REDIRECTS: Final = 3
MAX_VALIDATOR_LENGTH: Final = 512
HTTP_OK: Final = 200
NOT_MODIFIED: Final = 304
SERVER_ERROR: Final = 500
MAX_WAIT_S: Final = 30 * 86_400.0
"""Longest wait in seconds that a site's Retry-After header can ask for."""
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Unchanged(Exception):  # noqa: N818 -- an answer, not an error
    """The site answers, or its body shows, that nothing changed since the last run."""


class Postponed(Exception):  # noqa: N818 -- an answer, not an error
    """The source cannot fetch now for a reason of its own. Try again after `seconds`; this is not a failure."""

    def __init__(self, why: str, *, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


class RefusedRedirect(Blocked):
    """The site redirected us to another host, and we do not follow. `location` is the address."""

    def __init__(self, location: str, *, http_status: int) -> None:
        super().__init__(f"the site redirected us to another host: {location[:200]}", http_status=http_status)
        self.location = location


class RobotsDisallow(Blocked):
    """The site's robots.txt disallows this path for our agent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteResponse:
    """Response of a host: status, headers and the whole body, decompressed."""

    url: str
    status: int
    headers: dict[str, str]
    """Values by name in lower case."""
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Robots(Protocol):
    """Rules of robots.txt; see robots.py."""

    async def allows(self, url: str, fetch: "Callable[[str], Awaitable[SiteResponse]]") -> bool: ...


class Connections:
    """Connections to a host: one exchange at a time on each, without cookies, redirects or credentials.

    They use httpx's transport directly: we refuse what its client adds (cookie jar, redirects, authentication) anyway.
    Decision 0001 states its cost.
    """

    def __init__(self, policy: Policy, *, user_agent: str) -> None:
        # With a proxy, only the name of the proxy is resolved here, and the operator has configured that name.
        resolver = None if policy.operator_configured or policy.proxy else PublicResolver()

        def session() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=policy.concurrency, keepalive_timeout=30, resolver=resolver),
                cookie_jar=aiohttp.DummyCookieJar(),
            )

        proxy = _proxy(policy.proxy) if policy.proxy else None
        self._transport = AiohttpTransport(client=session, verify=_tls(), proxy=proxy)
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"} | policy.headers
        self._extensions = {"timeout": httpx.Timeout(policy.timeout).as_dict()}

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """Send a GET request and yield the head of the response; read the body inside the block, as far as needed."""
        request = httpx.Request("GET", url, headers={**self._headers, **headers}, extensions=self._extensions)
        response = await self._transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self._transport.aclose()


@cache
def _tls() -> ssl.SSLContext:
    """TLS context with the certificate authorities: created once per process, because it takes 10 ms."""
    return httpx.create_ssl_context()


def _proxy(address: str) -> httpx.Proxy:
    """Proxy whose password is sent as a header: the transport would pass it on in a way that aiohttp gives up.

    aiohttp sends the `Authorization` header of a proxy as `Proxy-Authorization`.
    """
    proxy = httpx.Proxy(address)
    if proxy.auth is None:
        return proxy
    header = encode_basic_auth(*proxy.auth)
    return httpx.Proxy(proxy.url, headers={"Authorization": header})


class Clients:
    """Connections of all sources, created on first use in the running loop."""

    def __init__(self, *, user_agent: str) -> None:
        self._user_agent = user_agent
        self._connections: dict[str, Connections] = {}

    def of(self, source: str, policy: Policy) -> Connections:
        connections = self._connections.get(source)
        if connections is None:
            connections = self._connections[source] = Connections(policy, user_agent=self._user_agent)
        return connections

    async def close(self) -> None:
        closing, self._connections = list(self._connections.values()), {}
        for connections in closing:
            await connections.close()


@dataclass(kw_only=True, slots=True)
class FetchContext:
    """Requests, limits and counters of one run for one target."""

    target: Target
    policy: Policy
    parser_version: int
    client: Connections
    pacer: HostPacer
    robots: Robots
    clock: Clock
    max_wait: float
    longest_answer: float = math.inf
    """Longest time of one response in seconds, even if the policy allows more."""
    on_step: Callable[[str], None] | None = None
    """Called with a line of text at every step."""
    exchange: Callable[[], AbstractContextManager[Exchange]] = lambda: nullcontext(Exchange())
    """Context in which each request is sent and measured."""
    requests: int = 0
    received: int = 0
    http_status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of the last response, failed or not; by name in lower case."""
    etag: str | None = None
    last_modified: str | None = None
    content_hash: bytes | None = None
    next_fetch_at: datetime | None = None
    """Time of the next fetch, if the site says when it has newer data; otherwise the interval decides."""
    _last: PacingSlot = field(default_factory=lambda: PacingSlot(at=0, fragile=False))

    async def get(self, url: str, *, conditional: bool = False, headers: dict[str, str] | None = None) -> SiteResponse:
        """GET a page within the host's pace.

        With `conditional` (one request per run), the last validators are sent, and Unchanged is raised if the site
        answers 304 or the body is the same as last time. Raises Throttled, HostUnavailable or Blocked for failures of
        the host, and PageChanged for a 304 to a request without validators. Other statuses are returned for the source
        to interpret.
        """
        sent = dict(headers or {})
        comparable = conditional and self.target.parser_version == self.parser_version
        if comparable and self.target.etag:
            sent["If-None-Match"] = self.target.etag
        if comparable and self.target.last_modified:
            sent["If-Modified-Since"] = self.target.last_modified
        await self.confirm()
        if self.policy.obey_robots and not await self.robots.allows(url, self._fetch):
            raise RobotsDisallow(f"robots.txt disallows {httpx.URL(url).path}")
        if self.on_step and self.policy.obey_robots:
            self.on_step("robots.txt allows it")
        await self.confirm()
        answer = await self._fetch(url, sent)
        self._raise_for_host(answer)
        if not conditional:
            return answer
        if answer.status == NOT_MODIFIED and not ({"If-None-Match", "If-Modified-Since"} & sent.keys()):
            raise PageChanged("the site answered 304 to a request without validators", http_status=NOT_MODIFIED)
        if answer.status == NOT_MODIFIED:
            self.etag, self.last_modified = self.target.etag, self.target.last_modified
            self.content_hash = self.target.content_hash
            raise Unchanged
        if answer.status == HTTP_OK:
            self.etag = _validator(answer.headers.get("etag"))
            self.last_modified = _validator(answer.headers.get("last-modified"))
            self.content_hash = blake2b(answer.body, digest_size=16).digest()
            if comparable and self.content_hash == self.target.content_hash:
                raise Unchanged
        return answer

    async def confirm(self) -> None:
        """Confirm that the last response was readable: if the host failed lately, its breaker closes.

        Call it only after the source has read the response: a block can have any status, and would otherwise close the
        breaker that it is about to open, so that the cooldowns would never grow.
        """
        await self.pacer.succeeded(self.policy, self._last)
        self._last = replace(self._last, fragile=False)

    async def cool_down(self, seconds: float) -> None:
        """Pause requests to the host for `seconds`, because the host asked for it; the run has not failed."""
        await self.pacer.failed(self.policy, self._last, open_now=True, retry_after=seconds)
        self._last = replace(self._last, fragile=False)  # else the next success would end the cooldown

    async def report(self, failure: ScrapeFailure) -> float | None:
        """Report a failure of the host to its breaker; returns the seconds for which the breaker is open, or None."""
        if failure.reason.fault is not Fault.HOST or isinstance(failure, RobotsDisallow):
            return None
        return await self.pacer.failed(
            self.policy,
            self._last,
            open_now=not isinstance(failure, HostUnavailable) or failure.retry_after is not None,
            retry_after=failure.retry_after,
        )

    async def _fetch(self, url: str, headers: dict[str, str] | None = None) -> SiteResponse:
        """Send one paced request and follow redirects that stay on the host."""
        for _ in range(1 + MAX_REDIRECTS):
            answer = await self._send(url, headers or {})
            if answer.status not in REDIRECTS:
                return answer
            location = httpx.URL(url).join(answer.headers.get("location", ""))
            if not _same_host(httpx.URL(url), location):
                raise RefusedRedirect(str(location), http_status=answer.status)
            url = str(location)
        raise HostUnavailable(f"more than {MAX_REDIRECTS} redirects, the last to {url[:200]}")

    async def _send(self, url: str, headers: dict[str, str]) -> SiteResponse:
        started_at = monotonic()
        self._last = await self.pacer.slot(self.policy, max_wait=self.max_wait)
        self.requests += 1
        if self.on_step:
            self.on_step(f"waited {monotonic() - started_at:.2f} s for the host's next slot")
            self.on_step(f"GET {url}{' (if it changed)' if headers else ''}")
        timeout = min(self.policy.timeout, self.longest_answer)
        try:
            if not self.policy.operator_configured:
                refuse_literal(httpx.URL(url).host)
            with self.exchange() as exchange:
                async with asyncio.timeout(timeout):
                    answer = await self._exchange(url, headers)
                    exchange.status = answer.status
                    return answer
        except (TimeoutError, httpx.TimeoutException, httpx.TransportError, aiohttp.ClientError, OSError) as error:
            raise HostUnavailable(_why(error, timeout), http_status=self.http_status) from error
        except (httpx.DecodingError, httpx.InvalidURL, httpx.RemoteProtocolError) as error:
            raise HostUnavailable(f"the answer cannot be read: {error}", http_status=self.http_status) from error

    async def _exchange(self, url: str, headers: dict[str, str]) -> SiteResponse:
        async with self.client.get(url, headers) as response:
            self.http_status = response.status_code
            self.headers = headers_sent = _plain(response)
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self.policy.body_limit:
                    raise HostUnavailable(
                        f"the answer is larger than the limit of {self.policy.body_limit} bytes",
                        http_status=response.status_code,
                    )
                chunks.append(chunk)
            self.received += size
            if self.on_step:
                self.on_step(f"HTTP {response.status_code}, {size:,} bytes")
            return SiteResponse(url=url, status=response.status_code, headers=headers_sent, body=b"".join(chunks))

    def _raise_for_host(self, answer: SiteResponse) -> None:
        if answer.status in self.policy.throttled_statuses:
            raise Throttled(
                f"the site answered {answer.status}: too many requests",
                retry_after=retry_after(answer.headers.get("retry-after"), now=self.clock.now()),
                http_status=answer.status,
            )
        if answer.status >= SERVER_ERROR:
            raise HostUnavailable(
                f"the site answered {answer.status}",
                retry_after=retry_after(answer.headers.get("retry-after"), now=self.clock.now()),
                http_status=answer.status,
            )


def _plain(response: httpx.Response) -> dict[str, str]:
    return {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers.raw}


def _validator(value: str | None) -> str | None:
    """The validator if it can be sent back: plain ASCII (RFC 9110, 8.8.3), at most MAX_VALIDATOR_LENGTH; else None."""
    return value if value and value.isascii() and len(value) <= MAX_VALIDATOR_LENGTH else None


def _same_host(here: httpx.URL, there: httpx.URL) -> bool:
    """True if a redirect keeps the origin, or goes from http to https on the same host."""
    if (here.scheme, here.netloc) == (there.scheme, there.netloc):
        return True
    return (here.scheme, there.scheme, here.host, here.port, there.port) == ("http", "https", there.host, None, None)


def retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, at most MAX_WAIT_S; None if it is missing or unreadable.

    The header has seconds or an HTTP date (RFC 9110, 10.2.3).
    """
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), MAX_WAIT_S)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), MAX_WAIT_S)


_CAUSES: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...]] = (
    (AddressRefusedError, "refused by us: {}"),
    (aiohttp.ClientConnectorDNSError, "the host's name cannot be resolved"),
    ((aiohttp.ServerDisconnectedError, ConnectionResetError), "the host closed the connection"),
    (ConnectionRefusedError, "the host refused the connection"),
    (aiohttp.ClientPayloadError, "the answer was cut off"),
    ((aiohttp.ClientResponseError, aiohttp.http_exceptions.HttpProcessingError), "the answer is not HTTP"),
)


def _why(error: Exception, timeout: float) -> str:
    """Cause of a network error in words; from its chain of causes, as the transport reports most as time-outs."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and len(causes) < 5:  # noqa: PLR2004 -- deep enough
        causes.append(cause)
    for kind, words in _CAUSES:
        for cause in causes:
            if isinstance(cause, kind):
                return words.format(cause)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"no answer within {timeout:g} s"
    return f"{type(error).__name__}: {error}"[:300]
