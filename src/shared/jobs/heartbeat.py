"""Which workers are alive: each tells Redis so every few seconds, by Redis's own clock."""

from typing import Any, Final

from redis.asyncio import Redis

WORKERS: Final = "workers"
"""A sorted set: who, and when they were last heard of. Nobody searches all of Redis for keys."""
BEATS_EVERY: Final = 10
ALIVE_FOR: Final = 30
"""Seconds after which a worker that was not heard of is no more."""
FORGOTTEN_AFTER: Final = 86_400

NO_WORKER: Final = f"no worker was heard of in the last {ALIVE_FOR} seconds: start one (`trackers worker`)"

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
    """Heard and asked for; each raises what Redis raises."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis
        self._beat = redis.register_script(_BEAT)
        self._alive = redis.register_script(_ALIVE)

    async def beat(self, name: str) -> None:
        await self._beat(keys=[WORKERS], args=[name, FORGOTTEN_AFTER])

    async def gone(self, name: str) -> None:
        await self._redis.zrem(WORKERS, name)

    async def alive(self, *, host: str | None = None) -> list[str]:
        """Who was heard of lately, on one host or on all: `<host>:<process>`."""
        names = sorted(name.decode() for name in await self._alive(keys=[WORKERS], args=[ALIVE_FOR]))
        return [name for name in names if host is None or name.rpartition(":")[0] == host]
