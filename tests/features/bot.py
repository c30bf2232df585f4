"""The bot of the features: it asks through the client that bot developers are given."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import httpx

from trackers_client import ApiError, BotClient, Retries

T = TypeVar("T")

START_SECONDS = 10.0
CALL_SECONDS = 180.0


class ClientBot:
    """Typed calls, from any thread; a scenario that is about an answer itself gets it as it came."""

    def __init__(self, url: str, key: str, *, retries: Retries) -> None:
        self._url = url
        self._key = key
        self._retries = retries
        self._clients: dict[str, BotClient] = {}
        self._last: ContextVar[list[httpx.Response]] = ContextVar("last")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, ask: Callable[[BotClient], Awaitable[T]], *, key: str | None = None) -> T:
        """What the client returns, or raises; with the bot's key, or another."""
        return asyncio.run_coroutine_threadsafe(self._asked(ask, key), self._loop).result(CALL_SECONDS)

    def answer(self, ask: Callable[[BotClient], Awaitable[Any]], *, key: str | None = None) -> httpx.Response:
        """What the service answered, whether the client reads it as a Struct or raises it as an error."""

        async def noted() -> httpx.Response:
            answers: list[httpx.Response] = []
            self._last.set(answers)
            try:
                await self._asked(ask, key)
            except ApiError as error:
                assert error.status == answers[-1].status_code  # noqa: PT017 -- what the scenario goes on with is the answer
            return answers[-1]

        return asyncio.run_coroutine_threadsafe(noted(), self._loop).result(CALL_SECONDS)

    def read(self, ask: Callable[[BotClient], Awaitable[Any]]) -> Any:
        """What the service answered, where the client finds nothing wrong with it."""
        answer = self.answer(ask)
        assert answer.is_success, f"{answer.request.url}: {answer.status_code} {answer.text}"
        return answer.json()

    def close(self) -> None:
        """Let every connection go."""
        for client in self._clients.values():
            asyncio.run_coroutine_threadsafe(client.aclose(), self._loop).result(START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    async def _asked(self, ask: Callable[[BotClient], Awaitable[T]], key: str | None) -> T:
        return await ask(self._client(self._key if key is None else key))

    def _client(self, key: str) -> BotClient:
        if key not in self._clients:
            client = BotClient(self._url, key, retries=self._retries, allow_http=True, user_agent="features")
            client.http.event_hooks = {"response": [self._note]}
            self._clients[key] = client
        return self._clients[key]

    async def _note(self, answer: httpx.Response) -> None:
        if (answers := self._last.get(None)) is not None:  # else nobody wants it whole: it may be a stream
            await answer.aread()
            answers.append(answer)
