"""The engine and the unit of work: who holds a session, when it commits, and what waits for the commit."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
import structlog
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

type_encoder = msgspec.json.Encoder()
AfterCommit = Callable[[], Awaitable[None]]
_AFTER_COMMIT = "after_commit"


class NoUnitOfWorkError(RuntimeError):
    """A repository was built outside a request or job; open `database.unit_of_work()` first."""


def normalised_url(url: str) -> URL:
    """The address as SQLAlchemy wants it: postgres:// and postgresql:// mean the asyncpg driver."""
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+asyncpg")
    return parsed


def create_engine(
    url: str, *, pool_size: int = 10, statement_timeout: float = 15.0, application_name: str = "trackers"
) -> AsyncEngine:
    """An engine with explicit limits; times in seconds. A transaction forgotten open is ended by the server."""
    return create_async_engine(
        normalised_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        hide_parameters=True,
        json_serializer=lambda value: type_encoder.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args={
            "timeout": 10,
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                "statement_timeout": str(int(statement_timeout * 1000)),
                "idle_in_transaction_session_timeout": "30000",
            },
        },
    )


def connection_was_lost(error: BaseException) -> bool:
    """Whether an error says that the server is away or went away, rather than that the statement was wrong."""
    if isinstance(error, OSError | TimeoutError | InterfaceError | OperationalError):
        return True
    if isinstance(error, DBAPIError):
        sqlstate = str(getattr(error.orig, "sqlstate", "") or "")
        return error.connection_invalidated or sqlstate.startswith(("08", "57P", "53300"))
    return False


class Database:
    """Sessions and transactions over one engine.

    A session is *bound* to the running context while services are built on it or a job's unit of work is open.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._bound: ContextVar[AsyncSession | None] = ContextVar("bound_session", default=None)

    def session(self) -> AsyncSession:
        """The bound session; raises NoUnitOfWorkError where there is none."""
        session = self._bound.get()
        if session is None:
            raise NoUnitOfWorkError(str(NoUnitOfWorkError.__doc__))
        return session

    @contextmanager
    def bind(self, session: AsyncSession) -> Iterator[AsyncSession]:
        token = self._bound.set(session)
        try:
            yield session
        finally:
            self._bound.reset(token)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits when the block ends and rolls back when it raises; then `after_commit` actions run."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session
            if session.in_transaction():
                await session.commit()
        await _run_after_commit(session)

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[AsyncSession]:
        """What a job opens: a transaction whose session is bound, so that services can be built on it."""
        async with self.transaction() as session:
            with self.bind(session):
                yield session

    @staticmethod
    def after_commit(session: AsyncSession, action: AfterCommit) -> None:
        """Run an action once this session's transaction is in; it is dropped when the transaction is rolled back."""
        session.info.setdefault(_AFTER_COMMIT, []).append(action)

    async def close(self) -> None:
        await self.engine.dispose()


async def _run_after_commit(session: AsyncSession) -> None:
    """Run what waited; the commit stands, so a failing action is logged and the sweep or dispatch makes up for it."""
    actions: list[AfterCommit] = session.info.pop(_AFTER_COMMIT, [])
    for action in actions:
        try:
            await action()
        except Exception:  # noqa: BLE001 -- whatever an action raises, the change is committed and must be answered so
            structlog.get_logger(__name__).warning("after_commit_failed", exc_info=True)


class Reader:
    """Read-only questions without a session: static statements, rows straight into Structs.

    Same pool, AUTOCOMMIT: a read costs one round trip and no transaction.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def rows(self, statement: Any, parameters: dict[str, Any] | None = None) -> list[Any]:
        async with self._engine.connect() as connection:
            return list((await connection.execute(statement, parameters)).all())

    async def row(self, statement: Any, parameters: dict[str, Any] | None = None) -> Any | None:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement, parameters)).one_or_none()

    async def execute(self, statement: Any, parameters: dict[str, Any] | None = None) -> None:
        """A single write that stands for itself, such as noting that a key was used."""
        async with self._engine.connect() as connection:
            await connection.execute(statement, parameters)

    async def value(self, statement: Any, parameters: dict[str, Any] | None = None) -> Any:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement, parameters)).scalar_one_or_none()
