"""Who may enter: the middleware of an audience checks what the caller proves and what the handler asks of it.

Not guards in Litestar's sense: it copies the handler for every one that it asks, 20 µs a request.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from litestar.types import ASGIApp, Receive, Scope, Send

from shared.errors import Forbidden, Unauthenticated
from shared.web.identity import BotIdentity, PersonIdentity

OPEN: Final = {"open": True}
"""`opt=OPEN` on a handler of the public audience that asks for no token."""


class BotKeyVerifier(Protocol):
    """Tells whose key it is, or raises Unauthenticated."""

    async def authenticate(self, key: str) -> BotIdentity: ...


class AccessTokenVerifier(Protocol):
    """Tells whose access token it is, or raises Unauthenticated; Unavailable where that cannot be known."""

    async def authenticate(self, token: str) -> PersonIdentity: ...


class BotAuthentication:
    """Reads the key (`Authorization: Bearer trk_...` or `X-API-Key`), and holds it to the handler's `opt["scope"]`."""

    def __init__(self, app: ASGIApp, authenticator: Callable[[], BotKeyVerifier]) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _header(scope, b"x-api-key")
        if key is None:
            key = bearer(scope)
        if key is None:
            raise Unauthenticated("This needs a bot key: send it as 'Authorization: Bearer trk_...'.")
        identity = await self._authenticator().authenticate(key)
        scope["state"]["who"] = identity.label
        scope["auth"] = identity
        needed = scope["route_handler"].opt.get("scope")
        if needed and not identity.may(needed):
            raise Forbidden(f"This key lacks the scope {needed}; ask the operator for one that has it.")
        await self._app(scope, receive, send)


class PersonAuthentication:
    """Reads the access token (`Authorization: Bearer ...`); with `admins_only` lets nobody else in."""

    def __init__(
        self, app: ASGIApp, authenticator: Callable[[], AccessTokenVerifier], *, admins_only: bool = False
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._admins_only = admins_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["route_handler"].opt.get("open"):
            token = bearer(scope)
            if token is None:
                raise Unauthenticated("Log in first, and send the access token as 'Authorization: Bearer ...'.")
            identity = await self._authenticator().authenticate(token)
            scope["state"]["who"] = identity.label
            scope["auth"] = identity
            if self._admins_only and not identity.is_admin:
                raise Forbidden("This is for admins of this installation.")
        await self._app(scope, receive, send)


def bearer(scope: Any) -> str | None:
    """The credentials of the Bearer scheme; None where another scheme, or none, is used."""
    word, _, credentials = (_header(scope, b"authorization") or "").partition(" ")
    return credentials.strip() if word.lower() == "bearer" else None


def _header(scope: Any, name: bytes) -> str | None:
    for given, value in scope["headers"]:
        if given == name:
            return str(value.decode("latin-1").strip())
    return None
