"""Reverse proxies that are trusted: what they say of who asks is believed, and their traces go on here."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

BY_PROXY: Final = "by_trusted_proxy"
"""In a request's state: whether a trusted proxy handed it over."""


class TrustedProxies:
    """Wraps the whole application: notes who hands a request over, before that one's word changes who asks."""

    def __init__(self, app: Any, *, proxies: Sequence[str]) -> None:
        self._app = ProxyHeadersMiddleware(app, trusted_hosts=list(proxies))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            peer = scope.get("client")
            trusted = peer is not None and peer[0] in self._app.trusted_hosts
            scope.setdefault("state", {})[BY_PROXY] = trusted
        await self._app(scope, receive, send)


def address_of(request: Request[Any, Any, Any]) -> str:
    """The caller's address, as far as the server knows it."""
    return request.client.host if request.client else ""
