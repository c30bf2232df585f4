"""Pace and circuit breaker of a host, shared by all processes: one round trip to Redis grants or refuses a slot.

A slot is a moment at which one request may leave. Slots are `delay` apart, moved by up to four fifths of the jitter.
After waiting for its slot, a process asks Redis again before the request leaves, and once more if that answer is late:
a delayed request has moved towards the next one, which then leaves later. So no two requests leave closer together than
`delay` minus four fifths of the jitter; the last fifth absorbs the time from here to the wire. All times are by the
clock of Redis, so that the clocks of the machines do not matter.
"""

import asyncio
import math
import random
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.scraping.policy import Policy

GUARD_BAND: Final = 0.8
PROBE: Final = 30.0
"""Seconds that a half-open breaker waits for its probe before it allows another; other requests ask every second."""
FREE_PASS: Final = 0.25
"""Seconds for which the closed breaker of a host without pacing is trusted without asking Redis again."""

MAX_COOLDOWN_S: Final = 7 * 86_400.0
"""Longest cooldown in seconds that a site can ask for."""
LATE: Final = 0.002
"""Seconds after which an answer of Redis counts as late, if the jitter allows less."""
TRIES: Final = 20

_LEAVING: Final = """
local function leave(key, by, now, floor)
    local last = redis.call('HMGET', key, 'at', 'by')
    if last[1] and last[2] ~= by and now < last[1] + floor then return last[1] + floor - now end
    redis.call('HSET', key, 'at', now, 'by', by)
    redis.call('PEXPIRE', key, math.ceil(floor) + 60000)
    return 0
end
"""

_ACQUIRE: Final = (
    _LEAVING
    + """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local gap, max_wait, probe, floor = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local b = redis.call('HMGET', KEYS[2], 'open_until', 'probe_until', 'failures')
local open_until = tonumber(b[1])
local slot = now
if gap > 0 then
    slot = math.max(now, tonumber(redis.call('GET', KEYS[1])) or 0)
end
if open_until then
    if now < open_until then return {'open', open_until - now, now, 0} end
    if now < (tonumber(b[2]) or 0) then return {'open', math.min(b[2] - now, 1000), now, 0} end
end
if slot - now > max_wait then return {'late', slot - now, now, 0} end
if gap > 0 then
    redis.call('SET', KEYS[1], slot + gap, 'PX', math.ceil(slot + gap - now) + 60000)
    if slot == now then slot = now + leave(KEYS[3], ARGV[5], now, floor) end
end
if open_until then redis.call('HSET', KEYS[2], 'probe_until', slot + probe) end
return {'go', slot - now, slot, (open_until or tonumber(b[3])) and 1 or 0}
"""
)

_LEAVE: Final = (
    _LEAVING
    + """
local t = redis.call('TIME')
return leave(KEYS[1], ARGV[2], t[1] * 1000 + math.floor(t[2] / 1000), tonumber(ARGV[1]))
"""
)

_FAIL: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local started, at_once, threshold = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
local base, limit, retry_after = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local b = redis.call('HMGET', KEYS[1], 'opened_at', 'level', 'failures', 'open_until')
if b[1] and started <= tonumber(b[1]) then return {0, tonumber(b[4]) - now} end
local failures = (tonumber(b[3]) or 0) + 1
local level = tonumber(b[2]) or 0
if at_once or b[1] or failures >= threshold then
    local rest = math.min(limit, base * 2 ^ level)
    if retry_after >= 0 then rest = retry_after end
    redis.call('HSET', KEYS[1], 'failures', failures, 'level', level + 1, 'opened_at', now, 'open_until', now + rest)
    redis.call('HDEL', KEYS[1], 'probe_until')
    redis.call('PEXPIRE', KEYS[1], math.ceil(rest) + limit)
    return {1, rest}
end
redis.call('HSET', KEYS[1], 'failures', failures)
redis.call('PEXPIRE', KEYS[1], limit)
return {0, 0}
"""

_SNAPSHOT: Final = """
local t = redis.call('TIME')
local b = redis.call('HMGET', KEYS[1], 'open_until', 'probe_until', 'failures', 'level')
return {tostring(t[1] * 1000 + math.floor(t[2] / 1000)), b[1], b[2], b[3], b[4]}
"""

_BOOKED_SECONDS: Final = """
local t = redis.call('TIME')
local slot = tonumber(redis.call('GET', KEYS[1])) or 0
return math.max(0, math.ceil(slot - t[1] * 1000 - t[2] / 1000))
"""

_COOLDOWN: Final = """
local t = redis.call('TIME')
local open_until = redis.call('HGET', KEYS[1], 'open_until')
if not open_until then return -1 end
return math.max(0, math.ceil(open_until - t[1] * 1000 - t[2] / 1000))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PacingSlot:
    """Permission for one request to leave, from `at` on (milliseconds of Redis's clock)."""

    at: float
    fragile: bool
    """True if the host failed lately: a success must then be reported, so that the breaker closes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerSnapshot:
    """State of a host's breaker at a moment."""

    rest: float | None
    """Seconds for which it stays open; 0: half-open, one probe may leave; None: closed."""
    probe: float
    """Half-open: seconds left to wait for the probe."""
    failures: int
    """Consecutive failures of the host."""
    opened: int
    """How often it opened in a row; the cooldown doubles each time."""


class HostCoolingDownError(Exception):
    """No request may leave to the host now; try again after `seconds`."""

    def __init__(self, host: str, seconds: float, *, breaker_open: bool) -> None:
        super().__init__(f"no request may leave to {host} for {seconds:.1f} s")
        self.seconds = seconds
        self.breaker_open = breaker_open


class PacerUnreachableError(Exception):
    """Redis does not answer: without it the pace is unknown, so no request is sent."""


class HostPacer:
    """Grants slots for requests to hosts, and keeps the hosts' breakers."""

    def __init__(self, redis: Redis, *, rng: random.Random) -> None:
        self._redis = redis
        self._rng = rng
        self._acquire = redis.register_script(_ACQUIRE)
        self._leave = redis.register_script(_LEAVE)
        self._fail = redis.register_script(_FAIL)
        self._cooldown = redis.register_script(_COOLDOWN)
        self._snapshot = redis.register_script(_SNAPSHOT)
        self._booked = redis.register_script(_BOOKED_SECONDS)
        self._free: dict[str, float] = {}

    async def slot(self, policy: Policy, *, max_wait: float) -> PacingSlot:
        """Wait for the host's next slot.

        Raises HostCoolingDownError if the breaker is open or the slot is more than `max_wait` seconds away, and
        PacerUnreachableError.
        """
        if policy.delay <= 0 and self._free.get(policy.host, 0.0) > monotonic():
            return PacingSlot(at=0, fragile=False)
        spread = policy.jitter * GUARD_BAND
        gap = policy.delay + self._rng.uniform(-spread, spread) if policy.delay > 0 else 0.0
        floor = math.ceil((policy.delay - spread) * 1000)
        left, token = f"left:{policy.host}", f"{self._rng.getrandbits(64):x}"
        started_at = monotonic()
        verdict, wait, at, fragile = await self._ask(
            self._acquire(
                keys=[f"pace:{policy.host}", f"breaker:{policy.host}", left],
                args=[round(gap * 1000), max_wait * 1000, PROBE * 1000, floor, token],
            )
        )
        if verdict != b"go":
            raise HostCoolingDownError(policy.host, float(wait) / 1000, breaker_open=verdict == b"open")
        if policy.delay <= 0 and not fragile:
            self._free[policy.host] = monotonic() + FREE_PASS
        if policy.delay > 0:
            tolerated = max(LATE, policy.jitter - spread)
            for _ in range(TRIES):
                if not wait and monotonic() - started_at <= tolerated:
                    break
                await asyncio.sleep(float(wait) / 1000)
                started_at = monotonic()
                wait = await self._ask(self._leave(keys=[left], args=[floor, token]))
        return PacingSlot(at=float(at), fragile=bool(fragile))

    async def succeeded(self, policy: Policy, slot: PacingSlot) -> None:
        """Report a readable response: if the host failed lately, its breaker closes."""
        if slot.fragile:
            await self._quietly(self._redis.delete(f"breaker:{policy.host}"))

    async def failed(
        self, policy: Policy, slot: PacingSlot, *, open_now: bool, retry_after: float | None
    ) -> float | None:
        """Count a failure of the host; of requests that were under way together, only the first failure counts.

        `open_now`: open the breaker at once, not only after `policy.breaker_threshold` failures. Returns the seconds
        for which the breaker is now open; None if it stays closed.
        """
        self._free.pop(policy.host, None)
        answer = await self._quietly(
            self._fail(
                keys=[f"breaker:{policy.host}"],
                args=[
                    slot.at,
                    int(open_now),
                    policy.breaker_threshold,
                    policy.cooldown * 1000,
                    policy.cooldown_limit * 1000,
                    -1 if retry_after is None else min(retry_after, MAX_COOLDOWN_S) * 1000,
                ],
            )
        )
        self._free.pop(policy.host, None)  # again: a slot may have been granted during the call
        return float(answer[1]) / 1000 if answer and answer[0] else None

    async def cooldown_of(self, host: str) -> float | None:
        """Seconds for which the host's breaker stays open; 0 if it is due for its probe, None if closed.

        Raises PacerUnreachableError.
        """
        milliseconds = float(await self._ask(self._cooldown(keys=[f"breaker:{host}"])))
        return None if milliseconds < 0 else milliseconds / 1000

    async def breaker_of(self, host: str) -> BreakerSnapshot:
        """State of the host's breaker. Raises PacerUnreachableError."""
        answer = await self._ask(self._snapshot(keys=[f"breaker:{host}"]))
        now, open_until, probe_until, failures, opened = (float(value or 0) for value in answer)
        return BreakerSnapshot(
            rest=max(0.0, open_until - now) / 1000 if open_until else None,
            probe=max(0.0, probe_until - now) / 1000,
            failures=int(failures),
            opened=int(opened),
        )

    async def booked_seconds(self, host: str) -> float | None:
        """Seconds for which the host's slots are already reserved; None while Redis is unreachable."""
        answer = await self._quietly(self._booked(keys=[f"pace:{host}"]))
        return None if answer is None else float(answer) / 1000

    async def close(self, host: str) -> bool:
        """Close the breaker of a host; True if it was open. Raises PacerUnreachableError."""
        was_open = await self.cooldown_of(host) is not None
        await self._ask(self._redis.delete(f"breaker:{host}"))
        return was_open

    async def _ask(self, question: Any) -> Any:
        try:
            return await question
        except (RedisError, OSError) as error:
            raise PacerUnreachableError(str(error)) from error

    async def _quietly(self, awaitable: Any) -> Any:
        """Ignore an unreachable Redis, because the result of a run must not be lost with a report to the breaker."""
        try:
            return await awaitable
        except (RedisError, OSError):
            return None
