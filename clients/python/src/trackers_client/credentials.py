"""Who asks: a bot by its key, a person by a login that is refreshed when it has to be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import httpx
import msgspec

from trackers_client.errors import error_of
from trackers_client.generated.models.auth import Tokens
from trackers_client.retries import NEVER_SENT

Send = Callable[[str, object], Awaitable[httpx.Response]]
"""(path, body) -> the answer to a POST without any credentials, tried once."""


class Credentials(Protocol):
    """What stands in the `Authorization` of a request."""

    async def bearer(self, send: Send) -> str: ...

    async def renewed(self, used: str, send: Send) -> bool:
        """After a 401 with `used`: whether there is another one now."""
        ...


class ApiKey:
    """A bot's key, `trk_...`."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def bearer(self, send: Send) -> str:  # noqa: ARG002 -- a key is there already
        return self._key

    async def renewed(self, used: str, send: Send) -> bool:  # noqa: ARG002 -- there is no other one
        return False


class Login:
    """A person's login, by password, by the refresh token of one that was made before, or by both.

    A refresh token is good once, and using it twice ends the session: so one refresh runs at a time, it is never sent
    twice, and `on_tokens` is told of every new pair before it is used, to be stored where a process keeps its login.
    """

    def __init__(
        self,
        login: str = "",
        password: str = "",
        *,
        refresh_token: str = "",
        on_tokens: Callable[[Tokens], None] | None = None,
    ) -> None:
        if not (refresh_token or password):
            raise ValueError("A login needs a password, or the refresh token of an earlier login.")
        self._login = login
        self._password = password
        self._on_tokens = on_tokens
        self._access_token = ""
        self._refresh_token = refresh_token
        self._one_at_a_time = asyncio.Lock()

    async def bearer(self, send: Send) -> str:
        if not self._access_token:
            await self.renewed("", send)
        return self._access_token

    async def renewed(self, used: str, send: Send) -> bool:
        async with self._one_at_a_time:
            if self._access_token != used:
                return True  # somebody else's turn brought it
            if self._refresh_token and await self._refresh(send):
                return True
            self._access_token = ""
            if not self._password:
                return False
            self._keep(await send("/api/auth/login", {"login": self._login, "password": self._password}))
            return True

    async def _refresh(self, send: Send) -> bool:
        """Whether the session goes on. An answer that is lost may have used the token up: then it does not."""
        token = self._refresh_token
        try:
            answer = await send("/api/auth/refresh", {"refresh_token": token})
        except NEVER_SENT:
            raise  # so the token is as good as before
        except httpx.TransportError:
            self._refresh_token = ""
            if self._password:
                return False
            raise
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._refresh_token = ""
            return False
        self._keep(answer)
        return True

    def _keep(self, answer: httpx.Response) -> None:
        if not answer.is_success:
            raise error_of(answer)
        tokens = msgspec.json.decode(answer.content, type=Tokens)
        if self._on_tokens is not None:
            self._on_tokens(tokens)
        self._access_token, self._refresh_token = tokens.access_token, tokens.refresh_token


class NoLogin:
    """For what asks for none, such as registering."""

    async def bearer(self, send: Send) -> str:  # noqa: ARG002 -- there is none
        return ""

    async def renewed(self, used: str, send: Send) -> bool:  # noqa: ARG002 -- there is none
        return False
