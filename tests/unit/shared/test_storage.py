"""Errors that say that there is no room left, and those that do not."""

import errno
from pathlib import Path

import asyncpg
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError
from sqlalchemy.exc import DBAPIError

from shared.database import connection_was_lost
from shared.logging import LineLogger
from shared.storage import HOME_FULL, POSTGRES_FULL, REDIS_FULL, REDIS_MEMORY_FULL, free_bytes, full_storage

MISCONF = "MISCONF Errors writing to the AOF file: No space left on device"


def raised_from(cause: BaseException) -> BaseException:
    error = RuntimeError("something went wrong")
    error.__cause__ = cause
    return error


def of_postgres(kind: type[asyncpg.PostgresError], said: str) -> DBAPIError:
    return DBAPIError("INSERT", None, kind(said))


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (asyncpg.DiskFullError("could not extend file"), POSTGRES_FULL),
        (of_postgres(asyncpg.DiskFullError, "could not extend file"), POSTGRES_FULL),
        (asyncpg.PostgresIOError("could not fsync: Disk quota exceeded"), POSTGRES_FULL),
        (ResponseError(MISCONF), REDIS_FULL),
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), REDIS_MEMORY_FULL),
        (OSError(errno.ENOSPC, "No space left on device"), HOME_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), HOME_FULL),
        (raised_from(ResponseError(MISCONF)), REDIS_FULL),
        (asyncpg.PostgresIOError("could not read block"), None),
        (of_postgres(asyncpg.UniqueViolationError, "No such luck"), None),
        (ResponseError("WRONGTYPE"), None),
        (RedisConnectionError("refused"), None),
        (OSError(errno.EACCES, "Permission denied"), None),
        (ValueError("No space left on device"), None),
    ],
)
def test_a_full_disk_is_known_by_what_is_raised(error: BaseException, what: str | None) -> None:
    assert full_storage(error) == what


def test_nothing_that_was_to_be_written_is_to_blame_for_a_full_disk() -> None:
    assert connection_was_lost(of_postgres(asyncpg.DiskFullError, "could not extend file"))


def test_a_cycle_of_causes_ends() -> None:
    error = RuntimeError("one")
    error.__cause__ = raised_from(error)
    assert full_storage(error) is None


def test_what_is_free_is_known_where_there_is_a_directory(tmp_path: Path) -> None:
    free = free_bytes(tmp_path)
    assert free is not None
    assert free > 0
    assert free_bytes(tmp_path / "nowhere") is None


def test_a_log_on_a_full_disk_stops_nothing() -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115 -- closing writes what is left, and raises
    LineLogger("test", full).msg("a line that cannot be written")
    with pytest.raises(OSError, match="No space left"):
        full.close()
