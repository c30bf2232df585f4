"""Connects Litestar, which controls the lifetime of a request, with the container, which builds the services."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation
from litestar.types import Scope
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database import Database

SESSION_OPENED: Final = "session_opened"
"""Key in a request's state: a function that is called with its session when that is opened."""


def provide_session(database: Callable[[], Database]) -> Provide:
    """The session of a request: it commits after the response is rendered and before its first byte is sent.

    It rolls back if the handler raises. This must be the only generator dependency: with two of them, errors become
    exception groups.
    """

    async def session(scope: Scope) -> AsyncIterator[AsyncSession]:
        async with database().transaction() as opened:
            if (join := scope["state"].get(SESSION_OPENED)) is not None:
                join(opened)
            yield opened

    return Provide(session)


def provide(provider: Callable[[], Any], database: Callable[[], Database]) -> Provide:
    """A service of a container, built on the session of the request, which is bound only while it is built."""

    def resolve(session: NamedDependency[SkipValidation[AsyncSession]]) -> Any:
        with database().bind(session):
            return provider()

    return Provide(resolve, sync_to_thread=False)


def provide_singleton(provider: Callable[[], Any]) -> Provide:
    """An object that lives as long as the process, such as queries or a parser."""

    def resolve() -> Any:
        return provider()

    return Provide(resolve, sync_to_thread=False)


@asynccontextmanager
async def running(*closing: Callable[[], Any]) -> AsyncIterator[None]:
    """Call the async `close` functions in reverse order when the block ends, also after an error."""
    async with AsyncExitStack() as stack:
        for close in closing:
            stack.push_async_callback(close)
        yield
