"""`trackers backup` and `trackers restore`: write the database to a file, and fill an empty database from it.

They run pg_dump and pg_restore, on one snapshot, while everything is running. Redis is not included: its content is
derived again from the database. The installation's secret is not included either, so that the addresses of channels in
a stolen file stay encrypted.
"""

import os
import re
import secrets
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import URL

from app.embedded import EmbeddedServersError, Programs
from app.migrations import known_revisions
from shared.database import create_engine, normalised_url

LIST_TABLES: Final = text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
SSL: Final = "ssl"
"""Name of the option in addresses of the driver; libpq calls it sslmode."""
REACHED_BY: Final = ("PGSSL", "PGREQUIRESSL", "PGPASSFILE", "PGGSS", "PGKRB", "PGCHANNELBINDING", "PGREQUIREAUTH")
"""Prefixes of libpq variables that are passed on: certificates and authentication."""


class BackupError(Exception):
    """The database cannot be backed up or restored; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A backup file and its content."""

    path: Path
    bytes: int
    revision: str
    tables: int


def back_up(url: str, path: Path) -> Backup:
    """Write the database to a new file that only this user can read. Raises BackupError."""
    if os.path.lexists(path):
        raise _there_already(path)
    program = _program("pg_dump")
    # A random name and a new file of our own: not the file of another backup, nor one that somebody has put there.
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    _new_file(partial)
    try:
        _run([program, "--format=custom", "--no-owner", "--no-privileges", f"--file={partial}"], url=url)
        written = read_back(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        try:
            _new_file(path)  # so that the rename replaces only this file
        except FileExistsError:
            raise _there_already(path) from None
        try:
            partial.rename(path)
        except OSError:
            path.unlink()
            raise
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return Backup(path=path, bytes=written.bytes, revision=written.revision, tables=written.tables)


def _new_file(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))


def _there_already(path: Path) -> BackupError:
    return BackupError(f"{path} exists already: choose another name")


def read_back(path: Path) -> Backup:
    """Read a backup to its end; return its content. Raises BackupError if it is not a complete backup of Trackers."""
    program = _program("pg_restore")
    listed = _run([program, "--list", str(path)])
    tables = len(re.findall(r"^\d+; .* TABLE DATA ", listed, re.MULTILINE))
    versions = _run([program, "--data-only", "--table=alembic_version", "--file=-", str(path)])
    match = re.search(r"^COPY .*alembic_version .*\n(\S+)\n", versions, re.MULTILINE)
    if match is None:
        raise BackupError(f"{path} is not a backup of a Trackers database")
    _run([program, f"--file={os.devnull}", str(path)])
    return Backup(path=path, bytes=path.stat().st_size, revision=match[1], tables=tables)


async def restore(url: str, path: Path) -> Backup:
    """Fill an empty database from a file, in one transaction. Raises BackupError."""
    held = read_back(path)
    if held.revision not in known_revisions():
        raise BackupError(
            f"{path} was made by a newer version of Trackers (revision {held.revision}); restore it with that version "
            "or later"
        )
    engine = create_engine(url, pool_size=1, application_name="trackers-restore")
    try:
        async with engine.connect() as connection:
            tables = (await connection.execute(LIST_TABLES)).scalar_one()
    finally:
        await engine.dispose()
    if tables:
        raise BackupError(
            f"the database holds {tables} tables already, and nothing is overwritten: choose an empty database"
        )
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    parsed = normalised_url(url)
    _run([_program("pg_restore"), *options, f"--dbname={parsed.database}", str(path)], url=url)
    return held


def _program(name: str) -> str:
    """Path of a program: from the embedded PostgreSQL, else from PATH. Raises BackupError if it is missing."""
    with suppress(EmbeddedServersError):
        program = Programs().postgres() / name
        if program.is_file():
            return str(program)
    on_path = shutil.which(name)
    if on_path is None:
        raise BackupError(f"{name} is missing: install the client tools of PostgreSQL 18, or run this on the server")
    return on_path


def _run(command: list[str], *, url: str | None = None) -> str:
    """Run a program and return its output. The address is passed in the environment: other users see arguments."""
    environ = {name: value for name, value in os.environ.items() if _is_passed_on(name)}
    if url is not None:
        environ |= _libpq(normalised_url(url))
    done = subprocess.run(  # noqa: S603 -- PostgreSQL's own programs, with our arguments
        command, env=environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise BackupError(f"{Path(command[0]).name}: {done.stderr.strip()[-1000:]}")
    return done.stdout


def _is_passed_on(name: str) -> bool:
    """False for our settings and for variables that select a database; true for those on how to reach PostgreSQL."""
    return not name.startswith(("PG", "TRACKERS_")) or name.startswith(REACHED_BY)


def _libpq(url: URL) -> dict[str, str]:
    """An address as environment variables for PostgreSQL's own programs."""
    query: dict[str, Any] = dict(url.query)
    given = {
        "PGHOST": query.get("host") or url.host,
        "PGPORT": query.get("port") or url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": query.get(SSL),
        "PGAPPNAME": "trackers-backup",
        "PGCONNECT_TIMEOUT": 10,
        "PGTZ": "UTC",
    }
    return {name: str(value) for name, value in given.items() if value}
