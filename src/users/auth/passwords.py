"""Passwords: Argon2id in a few threads of their own, so that the event loop answers others meanwhile.

Defaults are OWASP's (46 MiB, one pass, one priority). A hash in PHC form names its parameters, so that a login can tell
that they have changed and hash anew.
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
"""Passwords that may wait for a thread; who comes later is told to come back."""
POLITENESS: Final = 10
"""How far a hashing thread stands back behind the event loop (nice)."""


class Passwords:
    """Hashes and verifies."""

    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.hash_passes, memory_cost=settings.hash_memory_kib, parallelism=1
        )
        self._threads = ThreadPoolExecutor(settings.hash_threads, "passwords", initializer=_stand_back)
        self._most = settings.hash_threads + WAITING
        self._busy = 0
        self._nobodys: str | None = None

    async def hashed(self, password: str) -> str:
        """The PHC string of a password. Raises Unavailable while too many wait."""
        return await self._run(self._hasher.hash, password)

    async def verified(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that was hashed; where there is none (`None`), it takes as long to say no."""
        if self._nobodys is None:
            self._nobodys = await self.hashed("the password of nobody")
        return await self._run(_verify, self._hasher, kept or self._nobodys, password) and kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

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


def _verify(hasher: PasswordHasher, kept: str, password: str) -> bool:
    try:
        return hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _stand_back() -> None:
    """On Linux a thread has a niceness of its own; elsewhere it would be the whole process's."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), POLITENESS)
