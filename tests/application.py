"""The application for tests: Litestar's part is built once per process and set of settings, half a second each time.

It holds nothing of a test: it is built against a stand-in that looks up every provider in the container of the request
under way. What remembers anything (sessions, rate limits, caches) is a singleton of that container.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, reduce
from types import SimpleNamespace
from typing import Any, Final

import httpx
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send

from app.api import asgi, create_app
from app.container import AppContainer
from shared.web.settings import WebSettings

CONTAINER: Final[ContextVar[Any]] = ContextVar("container")
"""Of the request under way, or of the application that is being built."""


class Provider:
    """A provider of the current container, or a container in it; looked up when it is called."""

    def __init__(self, *path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> "Provider":
        if name.startswith("__"):
            raise AttributeError(name)
        return Provider(*self._path, name)

    def __call__(self) -> Any:
        return reduce(getattr, self._path, CONTAINER.get())()


@contextmanager
def _current(container: Any) -> Iterator[None]:
    token = CONTAINER.set(container)
    try:
        yield
    finally:
        CONTAINER.reset(token)


@lru_cache(maxsize=8)
def _built(settings: WebSettings) -> Litestar:
    """Raises AttributeError where the application asks for more than these settings while it is built."""
    container: Any = Provider()
    with _current(SimpleNamespace(web_settings=lambda: settings)):
        return create_app(container)


def application(container: AppContainer) -> ASGIApp:
    """The application over a container, as a server runs it; without the lifespan, which would close the container."""
    built = _built(container.web_settings())

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        with _current(container):
            await built(scope, receive, send)

    return asgi(serve, container)


def transport(app: ASGIApp, *, client: str = "127.0.0.1") -> httpx.ASGITransport:
    """For a client that asks an application in this process, from this address."""
    return httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 4711))  # type: ignore[arg-type]  # the same protocol, typed by two libraries
