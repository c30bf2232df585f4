"""Password hashing with Argon2id in separate threads, so that the event loop can answer other requests meanwhile.

The defaults are OWASP's (46 MiB, one pass, parallelism 1). A hash in PHC form includes its parameters, so that a login
can detect a change of them and hash the password again.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import Unavailable
from users.auth.settings import AuthSettings

T = TypeVar("T")
WAITING: Final = 64
"""Passwords that may wait for a thread; further requests get Unavailable."""
POLITENESS: Final = 10
"""Nice value of the hashing threads, so that the event loop comes first."""


class Passwords:
    """Hashes and verifies passwords."""

    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.hash_passes, memory_cost=settings.hash_memory_kib, parallelism=1
        )
        self._threads = ThreadPoolExecutor(settings.hash_threads, "passwords", initializer=_lower_priority)
        self._most = settings.hash_threads + WAITING
        self._busy = 0
        self._nobodys: str | None = None

    async def hashed(self, password: str) -> str:
        """Return the PHC string of a password. Raises Unavailable while too many passwords wait."""
        return await self._run(self._hasher.hash, password)

    async def verified(self, password_hash: str | None, password: str) -> bool:
        """True if the password matches the hash. Without a hash (`None`) the answer is False and takes as long."""
        if self._nobodys is None:
            self._nobodys = await self.hashed("the password of nobody")
        matches = await self._run(_verify, self._hasher, password_hash or self._nobodys, password)
        return matches and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """True if the hash was made with other parameters than the current ones."""
        return self._hasher.check_needs_rehash(password_hash)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        if self._busy >= self._most:
            raise Unavailable("Too many passwords are being checked at the moment; try again shortly.", retry_after=2)
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._busy -= 1


def _verify(hasher: PasswordHasher, password_hash: str, password: str) -> bool:
    try:
        return hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _lower_priority() -> None:
    """Lower the priority of this thread. Only on Linux: elsewhere a nice value applies to the whole process."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), POLITENESS)
