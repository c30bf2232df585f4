"""Errors of PostgreSQL, Valkey and the operating system that mean a full disk or memory, and what to do about them."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from redis.exceptions import OutOfMemoryError, ResponseError

DISK_FULL: Final = "53100"
"""SQLSTATE disk_full."""
MIN_FREE_BYTES: Final = 32 * 2**20
"""With less free space, a TRACKERS_HOME counts as full: to restart after a crash, PostgreSQL needs 16 MB at a time."""
_IN_WORDS: Final = ("No space left on device", "Disk quota exceeded")
POSTGRES_FULL: Final = "the disk of PostgreSQL is full: make room there; then it continues by itself"
REDIS_FULL: Final = "the disk of Valkey (or Redis) is full: make room there; then it continues by itself"
REDIS_MEMORY_FULL: Final = "Valkey (or Redis) has used all its memory: raise its maxmemory"
HOME_FULL: Final = "the disk is full: make room on it, or set TRACKERS_HOME to a directory on another disk"


def full_storage(error: BaseException) -> str | None:
    """Message with the full storage and the remedy, if the error means that; None for all other errors."""
    for raised in _raised(error):
        message = str(raised)
        if isinstance(raised, OutOfMemoryError) or (isinstance(raised, ResponseError) and message.startswith("OOM ")):
            return REDIS_MEMORY_FULL
        if isinstance(raised, ResponseError) and message.startswith("MISCONF"):
            return REDIS_FULL
        sqlstate = str(getattr(raised, "sqlstate", "") or "")
        if sqlstate == DISK_FULL or (sqlstate and any(words in message for words in _IN_WORDS)):
            return POSTGRES_FULL
        if isinstance(raised, OSError) and raised.errno in {errno.ENOSPC, errno.EDQUOT}:
            return HOME_FULL
    return None


def free_bytes(home: Path) -> int | None:
    """Free bytes for files below a directory; None if there is no such directory."""
    try:
        about = os.statvfs(home)
    except OSError:
        return None
    return about.f_bavail * about.f_frsize


def _raised(error: BaseException) -> Iterator[BaseException]:
    """An error, the driver's error that it wraps, and its causes."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        raised = waiting.pop()
        if raised is None or id(raised) in seen:
            continue
        seen.add(id(raised))
        yield raised
        orig = getattr(raised, "orig", None)
        waiting += [orig if isinstance(orig, BaseException) else None, raised.__cause__]
