"""Engine and unit of work: sessions, their commit, and the actions around the commit."""

import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from sqlalchemy import TextClause, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from shared.observability.tracing import Tracing
from shared.storage import DISK_FULL

type_encoder = msgspec.json.Encoder()
AroundCommit = Callable[[], Awaitable[None]]
_BEFORE_COMMIT = "before_commit"
_AFTER_COMMIT = "after_commit"


_UNNAMED: Final = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}
"""Settings without named statements: the next transaction would miss them on another connection of the pooler.

They would also stay behind on this connection. The driver then parses an unnamed statement again in the round trip that
runs it, so that nothing can come between.
"""


class NoUnitOfWorkError(RuntimeError):
    """A repository was built outside a request or job; open `database.unit_of_work()` first."""


def normalised_url(url: str) -> URL:
    """The address in SQLAlchemy's form: postgres:// and postgresql:// select the asyncpg driver."""
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+asyncpg")
    return parsed


def create_engine(
    url: str,
    *,
    pool_size: int = 10,
    statement_timeout: float = 15.0,
    application_name: str = "trackers",
    pooler: bool = False,
) -> AsyncEngine:
    """Create an engine with explicit limits; times in seconds. The server ends a transaction that idles for 30 s.

    `pooler`: a pooler in transaction mode is in front of the server and gives every transaction another connection. The
    limits of statements and idle transactions are then not set.
    """
    server_settings = {"application_name": application_name, "timezone": "UTC"}
    if not pooler:
        server_settings |= {
            "statement_timeout": str(int(statement_timeout * 1000)),
            "idle_in_transaction_session_timeout": "30000",
        }
    engine = create_async_engine(
        normalised_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        hide_parameters=True,
        json_serializer=lambda value: type_encoder.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args={"timeout": 10, "server_settings": server_settings, **(_UNNAMED if pooler else {})},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Replace a connection that the server has closed before it is used; the check needs no round trip."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


_UNREACHABLE: Final = frozenset({None, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""Numbers of network errors; for a host with several addresses, asyncio raises one error without a number."""
_AWAY: Final = (
    ConnectionError,
    FileNotFoundError,  # no Unix socket at that path
    socket.gaierror,
    TimeoutError,
    PoolTimeoutError,
    InterfaceError,
    OperationalError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_ENDING: Final = AsyncAdapt_asyncpg_dbapi.InternalClientError
"""Error of the driver for a connection that the server has just ended and that does not count as closed yet."""


def connection_was_lost(error: BaseException) -> bool:
    """True if an error means that the server is or became unreachable, and not that the statement was wrong.

    This includes a pool without a free connection in time, and a server whose disk is full: the data is not the cause,
    and can be written later.
    """
    if isinstance(error, OSError) and error.filename is None and error.errno in _UNREACHABLE:
        return True
    if isinstance(error, _AWAY):
        return True
    if isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error.orig, _ENDING)):
        return True
    return sqlstate_of(error).startswith(("08", "57P", "53300", DISK_FULL))


def sqlstate_of(error: BaseException) -> str:
    """PostgreSQL's code of an error, whether SQLAlchemy wrapped it or the driver raised it; empty if there is none."""
    raised = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(raised, "sqlstate", "") or "")


_LOCK_NOT_AVAILABLE: Final = "55P03"
_PASSING: Final = frozenset({"40001", "40P01", _LOCK_NOT_AVAILABLE, "57014"})
"""SQLSTATEs of a serialization failure, a deadlock, and a lock or a statement that took too long."""


def is_passing(error: BaseException) -> bool:
    """True if a statement failed because of concurrent statements and not because of its data."""
    return sqlstate_of(error) in _PASSING


def is_locked(error: BaseException) -> bool:
    """True if a statement did not get a lock within its lock timeout."""
    return sqlstate_of(error) == _LOCK_NOT_AVAILABLE


class Database:
    """Sessions and transactions on one engine.

    A session is *bound* to the running context while services are built on it or a job's unit of work is open.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._bound: ContextVar[AsyncSession | None] = ContextVar("bound_session", default=None)

    def session(self) -> AsyncSession:
        """The bound session. Raises NoUnitOfWorkError if there is none."""
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
        """Open a session that rolls back if the block raises; otherwise it commits and runs the `after_commit` actions.

        If the block sent nothing to the database, nothing is committed and no `before_commit` action runs.
        """
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session
            if session.in_transaction():
                for action in session.info.pop(_BEFORE_COMMIT, ()):
                    await action()
                await session.commit()
        await _run_after_commit(session)

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction for a job; its session is bound, so that services can be built on it."""
        async with self.transaction() as session:
            with self.bind(session):
                yield session

    async def in_batches(
        self, step: Callable[[AsyncSession], Awaitable[int]], *, size: int, most: int | None = None
    ) -> int:
        """Repeat a step over up to `size` rows until it finds fewer, or `most` times; returns the total number of rows.

        Each repetition is a unit of work of its own, so that no lock is held for long and finished work stays finished.
        """
        total = 0
        for _ in count() if most is None else range(most):
            async with self.unit_of_work() as session:
                rows = await step(session)
            total += rows
            if rows < size:
                break
        return total

    @staticmethod
    def before_commit(session: AsyncSession, action: AroundCommit) -> None:
        """Run an action at the end of this session's transaction; if it raises, nothing is committed."""
        session.info.setdefault(_BEFORE_COMMIT, []).append(action)

    @staticmethod
    def after_commit(session: AsyncSession, action: AroundCommit) -> None:
        """Run an action after the commit of this session's transaction; it is dropped if the transaction rolls back."""
        session.info.setdefault(_AFTER_COMMIT, []).append(action)

    async def close(self) -> None:
        await self.engine.dispose()


async def _run_after_commit(session: AsyncSession) -> None:
    """Run the waiting actions. The change is committed, so a failing action is logged; periodic jobs make up for it."""
    actions: list[AroundCommit] = session.info.pop(_AFTER_COMMIT, [])
    for action in actions:
        try:
            await action()
        except Exception:  # noqa: BLE001 -- the change is committed whatever an action raises, and the answer must say so
            structlog.get_logger(__name__).warning("after_commit_failed", exc_info=True)


class PooledQueries:
    """Static reads on a pooled connection without a transaction: compiled once and run on the driver itself.

    A read costs one round trip and 60 µs of Python where SQLAlchemy's own execution takes 260. Parameters need their
    types in the SQL where PostgreSQL cannot infer them (CAST).
    """

    def __init__(self, engine: AsyncEngine, *, tracing: Tracing | None = None) -> None:
        self._engine = engine
        self._tracing = tracing if tracing is not None and tracing.on else None
        self._compiled: dict[TextClause, tuple[str, tuple[str, ...]]] = {}

    @asynccontextmanager
    async def _connection(self, sql: str) -> AsyncIterator[Any]:
        """The asyncpg connection behind one of the pool's, for one statement; it returns to the pool unchanged."""
        borrowed = await self._engine.raw_connection()
        try:
            if self._tracing is None or (span := self._tracing.statement(sql)) is None:
                yield borrowed.driver_connection
                return
            error: BaseException | None = None
            try:
                yield borrowed.driver_connection
            except BaseException as raised:
                error = raised
                raise
            finally:
                self._tracing.ended(span, error)
        finally:
            borrowed.close()

    def _prepared(self, statement: TextClause, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
        compiled = self._compiled.get(statement)
        if compiled is None:
            form = statement.compile(dialect=self._engine.dialect)
            compiled = self._compiled[statement] = (str(form), tuple(getattr(form, "positiontup", None) or ()))
        sql, names = compiled
        return sql, [parameters[name] for name in names]

    async def rows(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Every row, by column name."""
        sql, values = self._prepared(statement, parameters or {})
        async with self._connection(sql) as connection:
            return [dict(record) for record in await connection.fetch(sql, *values)]

    async def row(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The first row, by column name; None if there is none."""
        sql, values = self._prepared(statement, parameters or {})
        async with self._connection(sql) as connection:
            record = await connection.fetchrow(sql, *values)
        return None if record is None else dict(record)

    async def value(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row; None if there is no row."""
        sql, values = self._prepared(statement, parameters or {})
        async with self._connection(sql) as connection:
            return await connection.fetchval(sql, *values)


class StandaloneWriter(PooledQueries):
    """Single statements that write and need no transaction around them, such as recording that a key was used."""

    async def execute(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that returns nothing. Statements that return rows run as reads do."""
        sql, values = self._prepared(statement, parameters or {})
        async with self._connection(sql) as connection:
            await connection.execute(sql, *values)


class TransactionQueries:
    """The same queries on the session of the open transaction, which see what it has written.

    A command must not use `PooledQueries`: it would hold two connections at once, and enough commands would hold all.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def rows(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return [dict(row) for row in (await self._session.execute(statement, parameters)).mappings()]

    async def row(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        row = (await self._session.execute(statement, parameters)).mappings().first()
        return None if row is None else dict(row)

    async def value(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> Any:
        return (await self._session.execute(statement, parameters)).scalar()


Queries = PooledQueries | TransactionQueries
"""Either way to run static reads."""
