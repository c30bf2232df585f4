"""The one seam between Litestar, which owns a request's lifetime, and the container, which owns the graph."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation
from litestar.types import Scope
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database import Database

SESSION_OPENED: Final = "session_opened"
"""Key in a request's state: who wants to be given its session, once it is open."""


def provide_session(database: Callable[[], Database]) -> Provide:
    """The request's session: commits after the answer is rendered and before its first byte leaves, or rolls back.

    The only generator dependency there may be: two of them turn errors into exception groups.
    """

    async def session(scope: Scope) -> AsyncIterator[AsyncSession]:
        async with database().transaction() as opened:
            if (join := scope["state"].get(SESSION_OPENED)) is not None:
                join(opened)
            yield opened

    return Provide(session)


def provide(provider: Callable[[], Any], database: Callable[[], Database]) -> Provide:
    """A container's service, built on the request's session; the session is bound only while the graph is built."""

    def resolve(session: NamedDependency[SkipValidation[AsyncSession]]) -> Any:
        with database().bind(session):
            return provider()

    return Provide(resolve, sync_to_thread=False)


def provide_singleton(provider: Callable[[], Any]) -> Provide:
    """A thing that lives as long as the process: a reader, the task board, a parser."""

    def resolve() -> Any:
        return provider()

    return Provide(resolve, sync_to_thread=False)


@asynccontextmanager
async def running(*closing: Callable[[], Any]) -> AsyncIterator[None]:
    """Close what the process opened, in reverse order, however it ends; each is an async `close` of something."""
    async with AsyncExitStack() as stack:
        for close in closing:
            stack.push_async_callback(close)
        yield
