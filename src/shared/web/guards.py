"""Who may enter: the middleware of an audience checks the key and what the handler asks of it."""

from collections.abc import Callable
from typing import Any, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from shared.errors import Forbidden, Unauthenticated
from shared.web.identity import BotIdentity


class Authenticator(Protocol):
    """Tells whose key it is, or raises Unauthenticated."""

    async def authenticate(self, key: str) -> BotIdentity: ...


class BotAuthentication:
    """Reads the key (`Authorization: Bearer trk_...` or `X-API-Key`), and holds it to the handler's `opt["scope"]`.

    Not a guard: Litestar copies the handler for every guard that it asks, 20 µs a request.
    """

    def __init__(self, app: ASGIApp, authenticator: Callable[[], Authenticator]) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            raise Unauthenticated("This needs a bot key: send it as 'Authorization: Bearer trk_...'.")
        identity = await self._authenticator().authenticate(key)
        scope["state"]["who"] = f"bot:{identity.name}"
        needed = scope["route_handler"].opt.get("scope")
        if needed and not identity.may(needed):
            raise Forbidden(f"This key lacks the scope {needed}; ask the operator for one that has it.")
        scope["auth"] = identity
        await self._app(scope, receive, send)


async def nobody(_: ASGIConnection[Any, Any, Any, Any], __: BaseRouteHandler) -> None:
    """Closed until there are people who could be admins."""
    raise Unauthenticated("Administration is done with the command `trackers` on the server.")


def _key(scope: Any) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            word, _, credentials = value.decode("latin-1").partition(" ")
            if word.lower() == "bearer":
                return str(credentials.strip())
        elif name == b"x-api-key":
            return str(value.decode("latin-1").strip())
    return None
