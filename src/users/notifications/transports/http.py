"""POST requests to addresses that people entered: public ones only, without redirects, limited in time and size."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver
from msgspec import Struct

from shared.addresses import AddressRefusedError, refuse_literal
from shared.resolver import PublicResolver
from users.notifications.outbound_messages import SendFailed

READ: Final = 16_384
"""Bytes of a response that are read at most."""
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class TransportResponse(Struct, frozen=True, kw_only=True):
    """Response of the receiver."""

    status: int
    retry_after: str | None
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 -- the successes (RFC 9110, 15.3)


class GuardedHttpClient:
    """POSTs JSON to public addresses; each address is checked when it is connected to, after the name is resolved."""

    def __init__(
        self,
        *,
        user_agent: str,
        timeout: float,
        allow_private: bool = False,
        resolver: Callable[[], AbstractResolver] = PublicResolver,
    ) -> None:
        self._user_agent = user_agent
        self._timeout = timeout
        self._allow_private = allow_private
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def json(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> TransportResponse:
        """POST JSON and return the response. Raises SendFailed if there is no response, or if it is a redirect."""
        try:
            if not self._allow_private:
                refuse_literal(urlsplit(url).hostname or "")
            async with asyncio.timeout(self._timeout):
                return await self._post(url, body, headers or {})
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SendFailed(_why(error, self._timeout)) from error

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> TransportResponse:
        all_headers = {"Content-Type": "application/json", **headers}
        async with self._open().post(url, data=body, headers=all_headers, allow_redirects=False) as response:
            if response.status in REDIRECTS:
                raise SendFailed(f"it answered {response.status}, a redirect; use the address that it leads to")
            read = bytearray()
            while len(read) < READ and (chunk := await response.content.read(READ - len(read))):
                read += chunk
            if len(read) >= READ:
                response.close()
            return TransportResponse(
                status=response.status, retry_after=response.headers.get("Retry-After"), body=bytes(read)
            )

    def _open(self) -> aiohttp.ClientSession:
        """Return the session, which is made on first use, in the running loop."""
        if self._session is None:
            resolver = None if self._allow_private else self._resolver()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15, resolver=resolver),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": self._user_agent, "Accept": "application/json"},
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (aiohttp.InvalidURL, "its address is not valid"),
    (aiohttp.ClientConnectorDNSError, "its name cannot be resolved"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not valid"),
    (aiohttp.ClientSSLError, "its certificate is not valid"),
    (TimeoutError, "no answer within {:g} s"),
    (aiohttp.ClientConnectorError, "no connection could be made"),
    (aiohttp.ClientConnectionError, "the connection was closed"),
    (ConnectionError, "the connection was closed"),
)


def _why(error: BaseException, timeout: float) -> str:
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and len(causes) < 5:  # noqa: PLR2004 -- deep enough
        causes.append(cause)
    if any(isinstance(cause, AddressRefusedError) for cause in causes):
        return "refused by us: its address is not a public one"
    return next((why.format(timeout) for kind, why in _REASONS if isinstance(error, kind)), "the answer is not HTTP")
