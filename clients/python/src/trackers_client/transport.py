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
from trackers_client.errors import Unreachable, error_of
from trackers_client.retries import IDEMPOTENT, Retries
from trackers_client.validators import EtagCache

BOTS: Final = "/internal/"


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
    """An https address; plain http only to this machine, unless it is allowed."""
    url = httpx.URL(base_url)
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
    ) -> bytes:
        """The body of the answer. Raises an ApiError for a problem, Unreachable where no answer comes."""
        url = template.format(**{name: quote(_text(value), safe="") for name, value in (path or {}).items()})
        request = self.http.build_request(method, url, params=_parameters(query or {}))
        if body is not None:
            request = self.http.build_request(
                method,
                request.url,
                content=msgspec.json.encode(body),
                headers={"Content-Type": "application/json"},
            )
        if method == "POST" and template.startswith(BOTS):
            request.headers["Idempotency-Key"] = idempotency_key or str(uuid4())
        cached = self._cache if method == "GET" else None
        if cached is not None:
            request.headers.update(cached.headers_for(request.url))
        answer = await self._sent(request, safe=method in IDEMPOTENT or "Idempotency-Key" in request.headers)
        self._deprecations.look(method, template, answer)
        if cached is not None and answer.status_code in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}:
            return cached.whole(request.url, answer)
        if not answer.is_success:
            raise error_of(answer)
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
        own = {"Authorization": f"Bearer {bearer}", "Accept": "text/event-stream", **headers}
        async with self.http.stream(
            "GET", template, params=_parameters(query), headers=own, timeout=timeouts
        ) as answer:
            self._deprecations.look("GET", template, answer)
            if not answer.is_success:
                await answer.aread()
                raise error_of(answer)
            yield answer

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
        return await self.http.post(
            path, content=msgspec.json.encode(body), headers={"Content-Type": "application/json"}
        )


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
