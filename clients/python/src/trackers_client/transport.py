"""One request from end to end: address, credentials, retries, what came back."""

import asyncio
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import httpx
import msgspec

from trackers_client.credentials import Credentials
from trackers_client.deprecation import DeprecationWatch
from trackers_client.errors import InvalidPathValue, Unreachable, UnreadableAnswer, error_of
from trackers_client.retries import IDEMPOTENCY_KEY, IDEMPOTENT, Retries
from trackers_client.validators import EtagCache

BOTS: Final = "/internal/"
JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"


def own_version() -> str:
    try:
        return version("trackers-client")
    except PackageNotFoundError:  # used from its sources
        return "0"


def user_agent(product: str = "") -> str:
    """Who asks, after the program that uses this client where that names itself."""
    own = f"trackers-client/{own_version()} python/{platform.python_version()}"
    return f"{product} {own}".strip()


def checked_address(base_url: str, *, allow_http: bool) -> httpx.URL:
    """An https address, with a path if need be; plain http only to this machine, unless it is allowed."""
    url = httpx.URL(base_url)
    if url.userinfo or url.query or url.fragment:
        # The first would be sent in the place of the key, the others make no address of an endpoint.
        raise ValueError("The address of the service has no user, query or fragment.")
    if url.scheme == "https" or (url.scheme == "http" and (allow_http or _is_this_machine(url.host))):
        return url
    raise ValueError(
        f"{base_url} is not https, and keys and passwords would be readable on their way. "
        "Within a network of your own say allow_http=True."
    )


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Transport:
    """Sends requests; everything else of the client stands on it."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: Credentials,
        *,
        retries: Retries,
        deprecations: DeprecationWatch,
        cache: EtagCache | None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.http = http
        self.retries = retries
        self.sleep = sleep
        self._credentials = credentials
        self._deprecations = deprecations
        self._cache = cache

    async def send(
        self,
        method: str,
        template: str,
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
        reads: str = JSON,
    ) -> bytes:
        """The body of the answer, which is of the media type `reads`.

        Raises an ApiError for a problem, Unreachable where no answer comes, UnreadableAnswer where it is not the
        service's, InvalidPathValue where nothing can be asked.
        """
        url = template.format(**{name: _segment(name, value) for name, value in (path or {}).items()})
        request = self.http.build_request(method, url, params=_parameters(query or {}))
        if body is not None:
            request = self.http.build_request(
                method,
                request.url,
                content=msgspec.json.encode(body),
                headers={"Content-Type": JSON},
            )
        if method == "POST" and template.startswith(BOTS):
            request.headers[IDEMPOTENCY_KEY] = idempotency_key or str(uuid4())
        cache = self._cache if method == "GET" else None
        kept = cache.of(request.url) if cache else None
        if kept:
            request.headers["If-None-Match"] = kept.tag
        answer = await self._sent(request, safe=method in IDEMPOTENT or IDEMPOTENCY_KEY in request.headers)
        self._deprecations.look(method, template, answer)
        if cache and kept and answer.status_code == httpx.codes.NOT_MODIFIED:
            cache.confirm(request.url, kept)
            return kept.body
        if not answer.is_success:
            raise error_of(answer)
        if answer.content:
            _expect(answer, reads)
        if cache and answer.status_code == httpx.codes.OK:
            cache.keep(request.url, answer)
        return answer.content

    async def _sent(self, request: httpx.Request, *, safe: bool) -> httpx.Response:
        """The answer, after as many tries as it takes and may take, and a new login where the old one is over."""
        attempt, renewed = 0, False
        while True:
            bearer = await self._bearer()
            if bearer:
                request.headers["Authorization"] = f"Bearer {bearer}"
            attempt += 1
            try:
                answer = await self.http.send(request)
            except httpx.TransportError as error:
                pause = self.retries.pause_after_error(error, attempt=attempt, safe=safe)
                if pause is None:
                    raise Unreachable(f"{request.method} {request.url.path}: {error!r}") from error
            except httpx.DecodingError as error:
                raise UnreadableAnswer(f"{request.method} {request.url.path}: {error!r}") from error
            else:
                if answer.status_code == httpx.codes.UNAUTHORIZED and not renewed:
                    renewed = True
                    if await self._renewed(bearer):
                        continue
                    return answer
                pause = self.retries.pause_after(answer, attempt=attempt, safe=safe)
                if pause is None:
                    return answer
            await self.sleep(pause)

    @asynccontextmanager
    async def stream(
        self, template: str, *, query: Mapping[str, Any], headers: Mapping[str, str], silence: float
    ) -> AsyncIterator[httpx.Response]:
        """A GET whose answer is read as it comes, tried once; an answer that is no success is raised.

        `silence`: seconds after which a line on which nothing is said counts as broken.
        """
        bearer = await self._bearer()
        timeouts = httpx.Timeout(self.http.timeout.connect, read=silence)
        own = {"Authorization": f"Bearer {bearer}", "Accept": EVENTS, **headers}
        async with self.http.stream(
            "GET", template, params=_parameters(query), headers=own, timeout=timeouts
        ) as answer:
            self._deprecations.look("GET", template, answer)
            if not answer.is_success:
                await answer.aread()
                raise error_of(answer)
            _expect(answer, EVENTS)
            yield answer

    async def aclose(self) -> None:
        """Close the connections, once a login that is under way has its tokens."""
        await self._credentials.settled()
        await self.http.aclose()

    async def _bearer(self) -> str:
        try:
            return await self._credentials.bearer(self._post_once)
        except httpx.TransportError as error:
            raise Unreachable(f"logging in: {error!r}") from error

    async def _renewed(self, used: str) -> bool:
        try:
            return await self._credentials.renewed(used, self._post_once)
        except httpx.TransportError as error:
            raise Unreachable(f"refreshing the login: {error!r}") from error

    async def _post_once(self, path: str, body: object) -> httpx.Response:
        try:
            return await self.http.post(path, content=msgspec.json.encode(body), headers={"Content-Type": JSON})
        except httpx.DecodingError as error:
            raise UnreadableAnswer(f"POST {path}: {error!r}") from error


def _expect(answer: httpx.Response, wanted: str) -> None:
    """A success in another form was not the service's, such as the page on which a network asks to log in."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != wanted:
        raise UnreadableAnswer(f"{answer.request.url.path} was answered with {kind or 'something without a type'}.")


def _segment(name: str, value: object) -> str:
    """A value as one segment of a path.

    Dots alone are resolved on the way, encoded or not (RFC 3986, 5.2.4 and 6.2.2), a slash is decoded before the
    service looks for the endpoint, and nothing at all leaves the list's address.
    """
    text = _text(value)
    if text in {"", ".", ".."} or "/" in text:
        raise InvalidPathValue(f"{name}: {text!r} cannot stand in a path.")
    return quote(text, safe="")


def _parameters(query: Mapping[str, Any]) -> httpx.QueryParams:
    """Those that are given; a list is its name repeated."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if value is None:
            continue
        several = [value] if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset) else value
        pairs += [(name, _text(one)) for one in several]
    return httpx.QueryParams(tuple(pairs))


def _text(value: object) -> str:
    """As the service reads it in a path or a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
