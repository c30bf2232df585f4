"""The engine and the unit of work: who holds a session, when it commits, and what waits for the commit."""

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
"""Nothing that a next transaction on another connection would miss, and nothing that would stay behind on this one.

The driver then parses an unnamed statement again in the round trip that runs it, where nobody comes between.
"""


class NoUnitOfWorkError(RuntimeError):
    """A repository was built outside a request or job; open `database.unit_of_work()` first."""


def normalised_url(url: str) -> URL:
    """The address as SQLAlchemy wants it: postgres:// and postgresql:// mean the asyncpg driver."""
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
    """An engine with explicit limits; times in seconds. A transaction forgotten open is ended by the server.

    `pooler`: a pooler in transaction mode stands before the server, which gives every transaction another connection.
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
    """The driver knows when the server hung up: such a connection is replaced before anybody meets it, for free."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


_UNREACHABLE: Final = frozenset({None, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""Numbers of errors of the way there; asyncio sums several addresses of one host up in an error without a number."""
_AWAY: Final = (
    ConnectionError,
    FileNotFoundError,  # no socket there
    socket.gaierror,
    TimeoutError,
    PoolTimeoutError,
    InterfaceError,
    OperationalError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_ENDING: Final = AsyncAdapt_asyncpg_dbapi.InternalClientError
"""What the driver says of a connection that the server has ended a moment ago, before it counts as closed."""


def connection_was_lost(error: BaseException) -> bool:
    """Whether an error says that the server is away or went away, rather than that the statement was wrong.

    No connection free in time counts as away, too, and so does a server whose disk is full: what was to be written is
    not to blame, and can be written later.
    """
    if isinstance(error, OSError) and error.filename is None and error.errno in _UNREACHABLE:
        return True
    if isinstance(error, _AWAY):
        return True
    if isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error.orig, _ENDING)):
        return True
    return sqlstate_of(error).startswith(("08", "57P", "53300", DISK_FULL))


def sqlstate_of(error: BaseException) -> str:
    """PostgreSQL's code for what went wrong, whether SQLAlchemy wrapped it or the driver raised it; empty if none."""
    raised = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(raised, "sqlstate", "") or "")


_LOCK_NOT_AVAILABLE: Final = "55P03"
_PASSING: Final = frozenset({"40001", "40P01", _LOCK_NOT_AVAILABLE, "57014"})
"""SQLSTATEs of a serialization failure, a deadlock, a lock or a statement that took too long."""


def is_passing(error: BaseException) -> bool:
    """Whether a statement failed by what others did at the moment: what it was about is not to blame."""
    return sqlstate_of(error) in _PASSING


def is_locked(error: BaseException) -> bool:
    """Whether a statement did not have a lock for as long as it was ready to wait."""
    return sqlstate_of(error) == _LOCK_NOT_AVAILABLE


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
        """A session that commits when the block ends and rolls back when it raises; then `after_commit` actions run.

        Where nothing was asked of the database, nothing is committed, and no `before_commit` action runs.
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
        """What a job opens: a transaction whose session is bound, so that services can be built on it."""
        async with self.transaction() as session:
            with self.bind(session):
                yield session

    async def in_batches(
        self, step: Callable[[AsyncSession], Awaitable[int]], *, size: int, most: int | None = None
    ) -> int:
        """Repeat a step over up to `size` rows until it finds fewer, or `most` times; how many rows it was in all.

        Each time is a unit of work of its own, so that no lock is held for long and what was done stays done.
        """
        done = 0
        for _ in count() if most is None else range(most):
            async with self.unit_of_work() as session:
                rows = await step(session)
            done += rows
            if rows < size:
                break
        return done

    @staticmethod
    def before_commit(session: AsyncSession, action: AroundCommit) -> None:
        """Run an action as the last thing in this session's transaction; where it raises, nothing is committed."""
        session.info.setdefault(_BEFORE_COMMIT, []).append(action)

    @staticmethod
    def after_commit(session: AsyncSession, action: AroundCommit) -> None:
        """Run an action once this session's transaction is in; it is dropped when the transaction is rolled back."""
        session.info.setdefault(_AFTER_COMMIT, []).append(action)

    async def close(self) -> None:
        await self.engine.dispose()


async def _run_after_commit(session: AsyncSession) -> None:
    """Run what waited; the commit stands, so a failing action is logged and the sweep or dispatch makes up for it."""
    actions: list[AroundCommit] = session.info.pop(_AFTER_COMMIT, [])
    for action in actions:
        try:
            await action()
        except Exception:  # noqa: BLE001 -- whatever an action raises, the change is committed and must be answered so
            structlog.get_logger(__name__).warning("after_commit_failed", exc_info=True)


class PooledQueries:
    """Questions without a session: static statements, compiled once and run on the driver itself.

    Same pool, no transaction: a read costs one round trip and 60 µs of Python where SQLAlchemy's own execution
    takes 260. Parameters need their types in the SQL where PostgreSQL cannot tell (CAST).
    """

    def __init__(self, engine: AsyncEngine, *, tracing: Tracing | None = None) -> None:
        self._engine = engine
        self._tracing = tracing if tracing is not None and tracing.on else None
        self._compiled: dict[TextClause, tuple[str, tuple[str, ...]]] = {}

    async def rows(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Every row, by column name."""
        sql, values = self._prepared(statement, parameters or {})
        async with self._connection(sql) as connection:
            return [dict(record) for record in await connection.fetch(sql, *values)]

    async def row(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The first row, by column name; None where there is none."""
        sql, values = self._prepared(statement, parameters or {})
        async with self._connection(sql) as connection:
            record = await connection.fetchrow(sql, *values)
        return None if record is None else dict(record)

    async def value(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row."""
        sql, values = self._prepared(statement, parameters or {})
        async with self._connection(sql) as connection:
            return await connection.fetchval(sql, *values)

    async def execute(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> None:
        """A single write that stands for itself, such as noting that a key was used."""
        sql, values = self._prepared(statement, parameters or {})
        async with self._connection(sql) as connection:
            await connection.execute(sql, *values)

    @asynccontextmanager
    async def _connection(self, sql: str) -> AsyncIterator[Any]:
        """The asyncpg connection behind one of the pool's, for one statement; it goes back as it came."""
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
            made = statement.compile(dialect=self._engine.dialect)
            compiled = self._compiled[statement] = (str(made), tuple(getattr(made, "positiontup", None) or ()))
        sql, names = compiled
        return sql, [parameters[name] for name in names]


class TransactionQueries:
    """The same questions, asked on the session of the transaction that is open: it sees what that has written.

    A command must not ask the `PooledQueries`: it would hold two connections at once, and enough commands would hold all.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def rows(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return [dict(row) for row in (await self._session.execute(statement, parameters)).mappings()]

    async def row(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        found = (await self._session.execute(statement, parameters)).mappings().first()
        return None if found is None else dict(found)

    async def value(self, statement: TextClause, parameters: Mapping[str, Any] | None = None) -> Any:
        return (await self._session.execute(statement, parameters)).scalar()


Queries = PooledQueries | TransactionQueries
"""What static statements are asked of."""
