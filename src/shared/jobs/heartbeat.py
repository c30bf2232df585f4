"""Heartbeats of workers: each worker writes one to Redis every few seconds, by the clock of Redis."""

from typing import Any, Final

from redis.asyncio import Redis

WORKERS: Final = "workers"
"""Sorted set of worker names and the times of their last heartbeats, so that no search over all keys is needed."""
BEATS_EVERY: Final = 10
ALIVE_FOR: Final = 30
"""Seconds without a heartbeat after which a worker counts as dead."""
FORGOTTEN_AFTER: Final = 86_400

NO_WORKER: Final = f"no worker has sent a heartbeat in the last {ALIVE_FOR} seconds: start one (`trackers worker`)"

_BEAT: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
"""
_ALIVE: Final = """
local now = tonumber(redis.call('TIME')[1])
return redis.call('ZRANGEBYSCORE', KEYS[1], now - tonumber(ARGV[1]), '+inf')
"""


class Heartbeats:
    """Writes and reads heartbeats. Each method raises the errors of Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis
        self._beat = redis.register_script(_BEAT)
        self._alive = redis.register_script(_ALIVE)

    async def beat(self, name: str) -> None:
        await self._beat(keys=[WORKERS], args=[name, FORGOTTEN_AFTER])

    async def gone(self, name: str) -> None:
        await self._redis.zrem(WORKERS, name)

    async def alive(self, *, host: str | None = None) -> list[str]:
        """Workers with a recent heartbeat, on one host or on all, as `<host>:<process>`."""
        names = sorted(name.decode() for name in await self._alive(keys=[WORKERS], args=[ALIVE_FOR]))
        return [name for name in names if host is None or name.rpartition(":")[0] == host]
