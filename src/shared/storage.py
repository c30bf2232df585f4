"""Full disks and memories: how PostgreSQL, Valkey and the operating system tell of them, and what to do about it."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from redis.exceptions import OutOfMemoryError, ResponseError

DISK_FULL: Final = "53100"
"""SQLSTATE disk_full."""
MIN_FREE_BYTES: Final = 32 * 2**20
"""A home with less is called full: PostgreSQL needs room for its log, 16 MB at a time, to start again after a crash."""
_IN_WORDS: Final = ("No space left on device", "Disk quota exceeded")
POSTGRES_FULL: Final = "the disk of PostgreSQL is full: make room there; it goes on by itself then"
REDIS_FULL: Final = "the disk of Valkey (or Redis) is full: make room there; it goes on by itself then"
REDIS_MEMORY_FULL: Final = "Valkey (or Redis) has used the memory that it may: raise its maxmemory"
HOME_FULL: Final = "the disk is full: make room on it, or set TRACKERS_HOME to a directory on another one"


def full_storage(error: BaseException) -> str | None:
    """What is full and what to do about it, where an error says so; None for all other errors."""
    for one in _raised(error):
        said = str(one)
        if isinstance(one, OutOfMemoryError) or (isinstance(one, ResponseError) and said.startswith("OOM ")):
            return REDIS_MEMORY_FULL
        if isinstance(one, ResponseError) and said.startswith("MISCONF"):
            return REDIS_FULL
        sqlstate = str(getattr(one, "sqlstate", "") or "")
        if sqlstate == DISK_FULL or (sqlstate and any(words in said for words in _IN_WORDS)):
            return POSTGRES_FULL
        if isinstance(one, OSError) and one.errno in {errno.ENOSPC, errno.EDQUOT}:
            return HOME_FULL
    return None


def free_bytes(home: Path) -> int | None:
    """What may still be written below a directory; None where there is no such directory."""
    try:
        about = os.statvfs(home)
    except OSError:
        return None
    return about.f_bavail * about.f_frsize


def _raised(error: BaseException) -> Iterator[BaseException]:
    """An error, what the driver raised under it, and what it was raised from."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        orig = getattr(one, "orig", None)
        waiting += [orig if isinstance(orig, BaseException) else None, one.__cause__]
