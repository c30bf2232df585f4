"""Bringing a database to the schema that this version needs."""

from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from shared.database import create_engine

HERE: Final = Path(__file__).resolve()
MINIMUM_POSTGRES: Final = 180_000
"""uuidv7() and RETURNING old/new, which the engine's statements use, came with PostgreSQL 18."""


class MigrationError(RuntimeError):
    """The database cannot be brought to this schema; the message says why."""


def config(connection: Connection | None = None) -> Config:
    """The configuration of alembic; the scripts lie beside the sources, or in the installed package."""
    made = Config()
    folder = next(
        (parent / "migrations" for parent in HERE.parents if (parent / "migrations" / "env.py").is_file()), None
    )
    if folder is None:
        raise MigrationError("the folder `migrations` is missing from this installation")
    made.set_main_option("script_location", str(folder))
    made.attributes["connection"] = connection
    return made


@cache
def head() -> str:
    """The revision that this version needs."""
    found = ScriptDirectory.from_config(config()).get_current_head()
    if found is None:
        raise MigrationError("there is no migration")
    return found


@cache
def known_revisions() -> frozenset[str]:
    """Every revision of this version's; a database at any other is ahead of it."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def current(connection: Connection) -> str | None:
    """The revision that a database is at."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run migrations on an open connection, each in a transaction of its own; what was open on it is committed.

    So what one locks is free before the next. Whoever migrates at the same time may do some of them: each is done once.
    A database with nothing in it serves nobody, and is filled at once.
    """
    version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    if version < MINIMUM_POSTGRES:
        raise MigrationError(f"PostgreSQL {MINIMUM_POSTGRES // 10_000} or newer is needed; this is {version // 10_000}")
    at = current(connection)
    connection.commit()
    for step in [revision] if at is None else _steps(at, revision):
        command.upgrade(config(connection), step)
        connection.commit()


def _steps(at: str, revision: str) -> list[str]:
    """The revisions between, the next one first; what a newer version has made of a database is left to alembic."""
    if at not in known_revisions():
        return [revision]
    scripts = ScriptDirectory.from_config(config()).iterate_revisions(revision, at)
    return [script.revision for script in scripts][::-1]


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Undo migrations on an open connection; the caller commits."""
    command.downgrade(config(connection), revision)


def is_behind(connection: Connection) -> bool:
    """Whether the database lacks migrations that this version brings; one that is ahead of it is not behind."""
    at = current(connection)
    return at is None or (at in known_revisions() and at != head())


async def require_schema(url: str, *, pooler: bool = False) -> None:
    """Raises MigrationError for a database that is behind."""
    engine = create_engine(url, pool_size=1, application_name="trackers-migrate", pooler=pooler)
    try:
        async with engine.connect() as connection:
            if await connection.run_sync(is_behind):
                raise MigrationError("the database is not at this version's schema: run `trackers migrate` first")
    finally:
        await engine.dispose()


async def migrate(url: str, *, pooler: bool = False) -> tuple[str | None, str]:
    """Bring the database to this version's schema; (revision before, revision after)."""
    engine = create_engine(url, pool_size=1, application_name="trackers-migrate", pooler=pooler)
    try:
        async with engine.connect() as connection:
            before = await connection.run_sync(current)
            await connection.commit()
            await connection.run_sync(upgrade)
            await connection.commit()
    finally:
        await engine.dispose()
    return before, head()
