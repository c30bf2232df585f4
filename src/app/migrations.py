"""Migration of a database to the schema of this version."""

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
"""PostgreSQL 18 is the first version with uuidv7() and RETURNING old/new, which the engine's statements use."""


class MigrationError(RuntimeError):
    """The database cannot be migrated, or is behind; the message says why."""


def config(connection: Connection | None = None) -> Config:
    """The configuration of alembic. The scripts are next to the sources, or in the installed package."""
    alembic_config = Config()
    folder = next(
        (parent / "migrations" for parent in HERE.parents if (parent / "migrations" / "env.py").is_file()), None
    )
    if folder is None:
        raise MigrationError("the folder `migrations` is missing from this installation")
    alembic_config.set_main_option("script_location", str(folder))
    alembic_config.attributes["connection"] = connection
    return alembic_config


@cache
def head() -> str:
    """The revision that this version needs."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    if revision is None:
        raise MigrationError("this installation has no migrations")
    return revision


@cache
def known_revisions() -> frozenset[str]:
    """All revisions of this version; a database at any other revision is ahead of it."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def current(connection: Connection) -> str | None:
    """The revision of a database; None if it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run migrations on an open connection, each in its own transaction. Commits what was open on the connection.

    So the locks of a migration are released before the next one. Concurrent processes may each run some of the
    migrations; each migration runs once. An empty database, which no process uses yet, is filled in one transaction.
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
    """Return the revisions from `at` to `revision`, oldest first.

    If `at` is unknown, return only `revision` and let alembic report the error.
    """
    if at not in known_revisions():
        return [revision]
    scripts = ScriptDirectory.from_config(config()).iterate_revisions(revision, at)
    return [script.revision for script in scripts][::-1]


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Undo migrations on an open connection; the caller commits."""
    command.downgrade(config(connection), revision)


def is_behind(connection: Connection) -> bool:
    """True if the database lacks migrations of this version; false if it is ahead of this version."""
    at = current(connection)
    return at is None or (at in known_revisions() and at != head())


async def require_schema(url: str, *, pooler: bool = False) -> None:
    """Raise MigrationError if the database is behind this version."""
    engine = create_engine(url, pool_size=1, application_name="trackers-migrate", pooler=pooler)
    try:
        async with engine.connect() as connection:
            if await connection.run_sync(is_behind):
                raise MigrationError(
                    "the database does not have the schema of this version: run `trackers migrate` first"
                )
    finally:
        await engine.dispose()


async def migrate(url: str, *, pooler: bool = False) -> tuple[str | None, str]:
    """Migrate the database to the schema of this version; return (revision before, revision after)."""
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
