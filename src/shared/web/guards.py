"""Authentication middleware of each audience: checks the credentials and the scope or role that a handler requires.

These are not Litestar guards: Litestar copies the handler for each guard it calls, which costs 20 µs a request.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from litestar.types import ASGIApp, Receive, Scope, Send

from shared.errors import Forbidden, Unauthenticated
from shared.web.identity import BotIdentity, PersonIdentity

OPEN: Final = {"open": True}
"""`opt=OPEN` marks a handler of the public audience that needs no token."""


class BotKeyVerifier(Protocol):
    """Finds the bot of a key. Raises Unauthenticated if the key is not valid."""

    async def authenticate(self, key: str) -> BotIdentity: ...


class AccessTokenVerifier(Protocol):
    """Finds the person of an access token.

    Raises Unauthenticated if the token is not valid, Unavailable if it cannot be verified now.
    """

    async def authenticate(self, token: str) -> PersonIdentity: ...


class BotAuthentication:
    """Checks the bot key (`Authorization: Bearer trk_...` or `X-API-Key`) and the scope in the `opt` of the handler."""

    def __init__(self, app: ASGIApp, authenticator: Callable[[], BotKeyVerifier]) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _header(scope, b"x-api-key")
        if key is None:
            key = bearer(scope)
        if key is None:
            raise Unauthenticated("This endpoint needs a bot key: send it as 'Authorization: Bearer trk_...'.")
        identity = await self._authenticator().authenticate(key)
        scope["state"]["who"] = identity.label
        scope["auth"] = identity
        needed = scope["route_handler"].opt.get("scope")
        if needed and not identity.may(needed):
            raise Forbidden(f"This key lacks the scope {needed}; ask the operator for a key with this scope.")
        await self._app(scope, receive, send)


class PersonAuthentication:
    """Checks the access token (`Authorization: Bearer ...`); with `admins_only`, lets only admins in."""

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
                raise Unauthenticated("Log in first and send the access token as 'Authorization: Bearer ...'.")
            identity = await self._authenticator().authenticate(token)
            scope["state"]["who"] = identity.label
            scope["auth"] = identity
            if self._admins_only and not identity.is_admin:
                raise Forbidden("This endpoint is for admins of this installation.")
        await self._app(scope, receive, send)


def bearer(scope: Any) -> str | None:
    """The credentials of the Bearer scheme; None if the request uses another scheme or none."""
    word, _, credentials = (_header(scope, b"authorization") or "").partition(" ")
    return credentials.strip() if word.lower() == "bearer" else None


def _header(scope: Any, name: bytes) -> str | None:
    for given, value in scope["headers"]:
        if given == name:
            return str(value.decode("latin-1").strip())
    return None
