"""Who may enter: keys are checked in a middleware of the audience, scopes by a guard on its router."""

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
    """Reads the key (`Authorization: Bearer trk_...` or `X-API-Key`) and remembers whose it is."""

    def __init__(self, app: ASGIApp, authenticator: Callable[[], Authenticator]) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            raise Unauthenticated("This needs a bot key: send it as 'Authorization: Bearer trk_...'.")
        identity = await self._authenticator().authenticate(key)
        scope["auth"] = identity
        scope["state"]["who"] = f"bot:{identity.name}"
        await self._app(scope, receive, send)


async def needs_scope(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The bot's key must cover the handler's `opt["scope"]`; a handler without one is open to every key.

    A coroutine, because Litestar sends plain functions through a thread on every request.
    """
    scope = handler.opt.get("scope")
    if scope and not connection.auth.may(scope):
        raise Forbidden(f"This key lacks the scope {scope}; ask the operator for one that has it.")


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
