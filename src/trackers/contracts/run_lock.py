"""The lock that permits one run at a time: a short lease in Redis, renewed by a heartbeat, so that dead runs end soon.

The lease alone does not protect the database: a process that was paused for longer than its lease notices the loss too
late. So each run also has a number from PostgreSQL (the fence), and writes only while no run has a higher one.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from trackers.contracts.errors import LostLeaseError

KEY: Final = "contracts:run"
_EXTEND: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class LockStoreUnreachableError(Exception):
    """Redis does not answer: no run begins, because another one may be in progress."""


class RunLease:
    """A run's lease on the lock; `check` raises LostLeaseError once another run may have it."""

    def __init__(self, redis: Redis, *, run_id: UUID, lifetime: float) -> None:
        self._redis = redis
        self._token = run_id.hex
        self._log = structlog.get_logger(__name__).bind(aggregation_run=str(run_id))
        self._lifetime = lifetime
        self._extend = redis.register_script(_EXTEND)
        self._release = redis.register_script(_RELEASE)
        self._good_until = 0.0
        self._taken = False
        self._beating: asyncio.Task[None] | None = None

    async def acquire(self) -> bool:
        """Take the lock; False if another run has it. Raises LockStoreUnreachableError."""
        sent_at = _now()
        try:
            taken = await self._redis.set(KEY, self._token, nx=True, px=int(self._lifetime * 1000))
        except (RedisError, OSError) as error:
            raise LockStoreUnreachableError(str(error)) from error
        if not taken:
            return False
        self._good_until = sent_at + self._lifetime
        self._beating = asyncio.create_task(self._beat())
        return True

    def check(self) -> None:
        """Raise LostLeaseError if the lease was taken or has expired."""
        if self._taken or _now() >= self._good_until:
            raise LostLeaseError("the lease of this run was taken or has expired")

    async def release(self) -> None:
        """Release the lock if it is still ours, and log the result. Errors of Redis are not raised."""
        log = self._log
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
        try:
            released = await self._call(self._release, self._token)
        except (RedisError, OSError) as error:
            log.critical("run_lock_not_released", error=str(error)[:200], ends_by_itself_in=self._lifetime)
            return
        if released:
            log.info("run_lock_released")
        else:
            log.warning("run_lock_was_not_ours")

    async def _beat(self) -> None:
        """Extend the lease every third of its lifetime; if Redis is unreachable, try again until the lease expires."""
        while not self._taken:
            await asyncio.sleep(self._lifetime / 3)
            sent_at = _now()
            try:
                extended = await self._call(self._extend, self._token, int(self._lifetime * 1000))
            except (RedisError, OSError) as error:
                self._log.warning("run_lock_heartbeat_failed", error=str(error)[:200])
                continue
            if not extended:
                self._taken = True
            elif sent_at < self._good_until:  # an expired lease stays lost: another run may have held it in between
                self._good_until = sent_at + self._lifetime

    async def _call(self, script: Callable[..., Any], *arguments: Any) -> Any:
        return await script(keys=[KEY], args=list(arguments))


def _now() -> float:
    return asyncio.get_running_loop().time()
