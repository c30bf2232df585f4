"""Who asks: a bot by its key, a person by a login that is refreshed when it has to be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import httpx

from trackers_client.errors import UnreadableAnswer, error_of, read
from trackers_client.generated.models.auth import Tokens
from trackers_client.retries import NEVER_SENT

Send = Callable[[str, object], Awaitable[httpx.Response]]
"""(path, body) -> the answer to a POST without any credentials, tried once."""
LOST: Final = frozenset({502, 504})
"""A proxy's word for an answer that did not come; the request may have arrived."""


class Credentials(Protocol):
    """What stands in the `Authorization` of a request."""

    async def bearer(self, send: Send) -> str: ...

    async def renewed(self, used: str, send: Send) -> bool:
        """After a 401 with `used`: whether there is another one now."""
        ...

    async def settled(self) -> None:
        """Once nothing is under way any more."""


class ApiKey:
    """A bot's key, `trk_...`."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def bearer(self, send: Send) -> str:  # noqa: ARG002 -- a key is there already
        return self._key

    async def renewed(self, used: str, send: Send) -> bool:  # noqa: ARG002 -- there is no other one
        return False

    async def settled(self) -> None:
        """Nothing is ever under way."""


class Login:
    """A person's login, by password, by the refresh token of one that was made before, or by both.

    A refresh token is good once, and using it twice ends the session: so one refresh runs at a time, it is never sent
    twice, whoever gives up waiting or is cancelled, and `on_tokens` is told of every new pair before it is used, to be
    stored where a process keeps its login. What it raises goes to who waits for the pair, which is kept.
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
        self._turn: asyncio.Task[bool] | None = None
        """The login or refresh that runs, or ran last; all wait for the same one."""

    async def bearer(self, send: Send) -> str:
        if not self._access_token:
            await self.renewed("", send)
        return self._access_token

    async def renewed(self, used: str, send: Send) -> bool:
        if self._access_token not in {"", used}:
            return True  # somebody else's turn brought it
        if self._turn is None or self._turn.done():
            self._turn = asyncio.create_task(self._renew(send))
        # Whoever waits may give up: the token is sent by then, and the pair that comes for it is wanted all the same.
        return await asyncio.shield(self._turn)

    async def settled(self) -> None:
        if self._turn is not None and not self._turn.done():
            await asyncio.wait({self._turn})

    async def _renew(self, send: Send) -> bool:
        if self._refresh_token and await self._refresh(send):
            return True
        self._access_token = ""
        if not self._password:
            return False
        self._keep(await send("/api/auth/login", {"login": self._login, "password": self._password}))
        return True

    async def _refresh(self, send: Send) -> bool:
        """Whether the session goes on. An answer that is lost may have used the token up: then it does not."""
        token, self._refresh_token = self._refresh_token, ""
        try:
            answer = await send("/api/auth/refresh", {"refresh_token": token})
        except NEVER_SENT:
            self._refresh_token = token  # as good as before
            raise
        except (httpx.TransportError, UnreadableAnswer):
            if self._password:
                return False
            raise
        if answer.status_code == httpx.codes.UNAUTHORIZED or (answer.status_code in LOST and self._password):
            return False
        if not answer.is_success and answer.status_code not in LOST:
            self._refresh_token = token  # the service did nothing with it
        self._keep(answer)
        return True

    def _keep(self, answer: httpx.Response) -> None:
        if not answer.is_success:
            raise error_of(answer)
        tokens = read(answer.content, Tokens)
        self._access_token, self._refresh_token = tokens.access_token, tokens.refresh_token
        if self._on_tokens is not None:
            self._on_tokens(tokens)


class NoLogin:
    """For what asks for none, such as registering."""

    async def bearer(self, send: Send) -> str:  # noqa: ARG002 -- there is none
        return ""

    async def renewed(self, used: str, send: Send) -> bool:  # noqa: ARG002 -- there is none
        return False

    async def settled(self) -> None:
        """Nothing is ever under way."""
