"""`trackers backup` and `trackers restore`: the database as one file, and an empty one filled from it.

PostgreSQL's own programs do it, on one snapshot, while everything runs. Redis has no part in it: what it carries is
made anew from the database. Nor has the installation's secret, without which channels stay sealed in a stolen file.
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
"""As the driver names it in an address; libpq says sslmode."""
REACHED_BY: Final = ("PGSSL", "PGREQUIRESSL", "PGPASSFILE", "PGGSS", "PGKRB", "PGCHANNELBINDING", "PGREQUIREAUTH")
"""Variables of libpq, by how they begin: certificates, and how both sides prove who they are."""


class BackupError(Exception):
    """It cannot be backed up or restored; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A file that holds the database."""

    path: Path
    bytes: int
    revision: str
    tables: int


def back_up(url: str, path: Path) -> Backup:
    """Write the database into a new file that only this user can read. Raises BackupError."""
    if os.path.lexists(path):
        raise _there_already(path)
    program = _program("pg_dump")
    # A name that nobody else has, and a file of our own: neither another backup's nor one that was put there for us.
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    _new_file(partial)
    try:
        _run([program, "--format=custom", "--no-owner", "--no-privileges", f"--file={partial}"], url=url)
        made = read_back(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        try:
            _new_file(path)  # so that the renaming replaces nothing but this
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
    return Backup(path=path, bytes=made.bytes, revision=made.revision, tables=made.tables)


def _new_file(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))


def _there_already(path: Path) -> BackupError:
    return BackupError(f"{path} is there already: name a file that is not")


def read_back(path: Path) -> Backup:
    """What a file holds, read to its end. Raises BackupError for one that is no whole backup of ours."""
    program = _program("pg_restore")
    listed = _run([program, "--list", str(path)])
    tables = len(re.findall(r"^\d+; .* TABLE DATA ", listed, re.MULTILINE))
    versions = _run([program, "--data-only", "--table=alembic_version", "--file=-", str(path)])
    found = re.search(r"^COPY .*alembic_version .*\n(\S+)\n", versions, re.MULTILINE)
    if found is None:
        raise BackupError(f"{path} is no backup of a Trackers database")
    _run([program, f"--file={os.devnull}", str(path)])
    return Backup(path=path, bytes=path.stat().st_size, revision=found[1], tables=tables)


async def restore(url: str, path: Path) -> Backup:
    """Fill an empty database from a file, all of it or nothing. Raises BackupError."""
    held = read_back(path)
    if held.revision not in known_revisions():
        raise BackupError(f"{path} is of a newer version, at {held.revision}: restore it with that")
    engine = create_engine(url, pool_size=1, application_name="trackers-restore")
    try:
        async with engine.connect() as connection:
            tables = (await connection.execute(LIST_TABLES)).scalar_one()
    finally:
        await engine.dispose()
    if tables:
        raise BackupError(f"the database holds {tables} tables already: name an empty one, nothing is overwritten")
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    parsed = normalised_url(url)
    _run([_program("pg_restore"), *options, f"--dbname={parsed.database}", str(path)], url=url)
    return held


def _program(name: str) -> str:
    """That of the embedded PostgreSQL, else the one on PATH."""
    with suppress(EmbeddedServersError):
        program = Programs().postgres() / name
        if program.is_file():
            return str(program)
    found = shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is missing: install the clients of PostgreSQL 18, or run it where the server is")
    return found


def _run(command: list[str], *, url: str | None = None) -> str:
    """What it prints. The address goes by the environment: others see a command's words."""
    environ = {name: value for name, value in os.environ.items() if _is_passed_on(name)}
    if url is not None:
        environ |= _libpq(normalised_url(url))
    done = subprocess.run(  # noqa: S603 -- PostgreSQL's own programs, with words of ours
        command, env=environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise BackupError(f"{Path(command[0]).name}: {done.stderr.strip()[-1000:]}")
    return done.stdout


def _is_passed_on(name: str) -> bool:
    """Not our own settings, nor which database is meant; but how PostgreSQL is reached, as the driver reads it, too."""
    return not name.startswith(("PG", "TRACKERS_")) or name.startswith(REACHED_BY)


def _libpq(url: URL) -> dict[str, str]:
    """An address as PostgreSQL's own programs read it from their environment."""
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
