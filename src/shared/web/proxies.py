"""Trusted reverse proxies: their X-Forwarded headers are believed, and their traces are continued."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

BY_PROXY: Final = "by_trusted_proxy"
"""Key in a request's state: True if the request came through a trusted proxy."""


class TrustedProxies:
    """Middleware that notes if the peer is a trusted proxy, and then replaces it by the client that the proxy names."""

    def __init__(self, app: Any, *, proxies: Sequence[str]) -> None:
        self._app = ProxyHeadersMiddleware(app, trusted_hosts=list(proxies))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            peer = scope.get("client")
            trusted = peer is not None and peer[0] in self._app.trusted_hosts
            scope.setdefault("state", {})[BY_PROXY] = trusted
        await self._app(scope, receive, send)


def address_of(request: Request[Any, Any, Any]) -> str:
    """The IP address of the caller; empty if the web server does not know it."""
    return request.client.host if request.client else ""
