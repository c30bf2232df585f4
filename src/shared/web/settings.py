"""Settings of the HTTP API."""

import re
from ipaddress import ip_network
from typing import Annotated, Final, Self

from msgspec import Meta

from shared.settings import CommaSeparated, SettingsStruct

ANY: Final = "*"
_ORIGIN: Final = re.compile(r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_ORIGINS_EXPECTED: Final = "expected origins such as https://app.example.org, or * alone"
_HOST: Final = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


class Origins(CommaSeparated):
    """Origins in the form that browsers send; only `*` for any origin."""

    __slots__ = ()

    @staticmethod
    def checked(part: str) -> str:
        origin = part.lower()
        if origin != ANY and not _ORIGIN.fullmatch(origin):
            raise ValueError(_ORIGINS_EXPECTED)
        return origin

    @classmethod
    def parse(cls, text: str) -> Self:
        origins = super().parse(text)
        if ANY in origins and len(origins) > 1:
            raise ValueError(_ORIGINS_EXPECTED)
        return origins

    @property
    def allow_any(self) -> bool:
        return ANY in self


class Hosts(CommaSeparated):
    """Host names without a port; `*.example.org` covers every name below example.org."""

    __slots__ = ()

    @staticmethod
    def checked(part: str) -> str:
        host = part.lower()
        if not _HOST.fullmatch(host):
            raise ValueError("expected host names without a port, such as trackers.example.org or *.example.org")
        return host


class Proxies(CommaSeparated):
    """IP addresses or networks of reverse proxies."""

    __slots__ = ()

    @staticmethod
    def checked(part: str) -> str:
        try:
            network = ip_network(part)
        except ValueError:
            raise ValueError("expected addresses or networks such as 127.0.0.1 or 10.0.0.0/8") from None
        return str(network) if "/" in part else str(network.network_address)


class WebSettings(SettingsStruct, frozen=True, kw_only=True):
    """HTTP API: CORS, hosts, proxies and limits."""

    cors_origins: Annotated[
        Origins | None,
        Meta(
            description="Origins whose pages may call the API from a browser, separated by commas; * for any (harmless "
            "by itself: tokens are sent in a header, never in a cookie). Empty: none."
        ),
    ] = None
    allowed_hosts: Annotated[
        Hosts | None,
        Meta(description="Host names that the API answers to, separated by commas. Empty: any."),
    ] = None
    trusted_proxies: Annotated[
        Proxies | None,
        Meta(
            description="Addresses or networks of reverse proxies, separated by commas, whose X-Forwarded-For and "
            "X-Forwarded-Proto are believed. Empty: none; behind a proxy, all callers then share its address."
        ),
    ] = None
    body_limit: Annotated[
        int, Meta(ge=1024, le=1_073_741_824, description="Maximum size of a request body in bytes.")
    ] = 1_048_576
    max_connections: Annotated[
        int,
        Meta(
            ge=10, le=1_000_000, description="Maximum number of open connections of the API; further requests get 503."
        ),
    ] = 800
    rate_limit_person: Annotated[
        int, Meta(ge=0, le=1_000_000_000, description="Requests per minute for each person; 0: unlimited.")
    ] = 300
    rate_limit_bot: Annotated[
        int,
        Meta(ge=0, le=1_000_000_000, description="Requests per minute for each bot key; 0: unlimited."),
    ] = 3000
    rate_limit_address: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000_000,
            description="Requests per minute from one address (of IPv6: one /64 network) to each path that needs no "
            "credentials, and as many refused requests without valid credentials; 0: unlimited.",
        ),
    ] = 120
