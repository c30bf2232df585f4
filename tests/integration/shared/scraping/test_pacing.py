"""Pace and breaker, on a real Redis."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from shared.scraping.pacing import HostCoolingDownError, HostPacer, PacerUnreachableError
from shared.scraping.policy import Policy


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


def pacer(redis: Redis, seed: int = 1) -> HostPacer:
    return HostPacer(redis, rng=random.Random(seed))  # noqa: S311 -- no secret


def policy(**changes: Any) -> Policy:
    values: dict[str, Any] = {"host": "site.example", "delay": 0.03, "jitter": 0.01, "cooldown": 30.0}
    return Policy(**(values | changes))


async def redis_ms(redis: Redis) -> float:
    """The time by which slots are given: Redis's own."""
    seconds, microseconds = await redis.time()
    return float(seconds * 1000 + microseconds / 1000)


async def test_slots_of_many_askers_lie_a_delay_apart(redis: Redis) -> None:
    askers = [pacer(redis, seed) for seed in range(5)]
    slots = await asyncio.gather(*(asker.slot(policy(), max_wait=10) for asker in askers for _ in range(4)))
    at = sorted(slot.at for slot in slots)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert min(gaps) >= 20
    assert sum(gaps) / len(gaps) >= 0.9 * 30


@pytest.mark.parametrize("until_slot", [0, 50], ids=["a slot now", "a slot soon"])
async def test_who_is_held_up_makes_the_next_one_wait(redis: Redis, until_slot: int) -> None:
    """Another process was held up and leaves only when the next slot comes, so that one leaves a delay later."""
    rules = policy(delay=0.2, jitter=0.0)
    slot_at = int(await redis_ms(redis)) + until_slot
    await redis.set("pace:site.example", slot_at)
    await cast("Awaitable[int]", redis.hset("left:site.example", mapping={"at": slot_at, "by": "another process"}))
    await pacer(redis).slot(rules, max_wait=10)
    left = await cast("Awaitable[bytes]", redis.hget("left:site.example", "at"))
    assert float(left) >= slot_at + 200
    assert await redis_ms(redis) >= slot_at + 200


async def test_the_wait_lasts_until_the_slot(redis: Redis) -> None:
    asker = pacer(redis)
    for _ in range(5):
        slot = await asker.slot(policy(), max_wait=10)
        assert await redis_ms(redis) >= slot.at


async def test_a_slot_too_far_off_is_not_taken(redis: Redis) -> None:
    asker = pacer(redis)
    await asker.slot(policy(delay=600.0), max_wait=1)
    for _ in range(3):
        with pytest.raises(HostCoolingDownError) as caught:
            await asker.slot(policy(delay=600.0), max_wait=1)
        assert 300 <= caught.value.seconds <= 600.1
        assert not caught.value.breaker_open


async def test_hosts_do_not_wait_for_each_other(redis: Redis) -> None:
    asker = pacer(redis)
    await asker.slot(policy(delay=60.0), max_wait=0)
    await asker.slot(policy(delay=60.0, host="other.example"), max_wait=0)


async def test_a_throttle_opens_the_breaker_for_as_long_as_the_site_says(redis: Redis) -> None:
    asker = pacer(redis)
    slot = await asker.slot(policy(), max_wait=1)
    assert await asker.failed(policy(), slot, open_now=True, retry_after=900.0) == pytest.approx(900)
    with pytest.raises(HostCoolingDownError) as caught:
        await pacer(redis, 2).slot(policy(), max_wait=1)
    assert caught.value.breaker_open
    assert 600 < (await asker.cooldown_of("site.example") or 0) <= 900


async def test_single_failures_open_it_only_when_they_come_in_a_row(redis: Redis) -> None:
    asker = pacer(redis)
    rules = policy(delay=0.0, breaker_threshold=3)
    for _ in range(2):
        slot = await asker.slot(rules, max_wait=1)
        assert await asker.failed(rules, slot, open_now=False, retry_after=None) is None
    slot = await asker.slot(rules, max_wait=1)
    await asker.succeeded(rules, slot)
    for _ in range(2):
        slot = await asker.slot(rules, max_wait=1)
        assert await asker.failed(rules, slot, open_now=False, retry_after=None) is None
    slot = await asker.slot(rules, max_wait=1)
    assert await asker.failed(rules, slot, open_now=False, retry_after=None) == pytest.approx(30)


async def test_of_a_burst_under_way_together_only_the_first_counts(redis: Redis) -> None:
    asker = pacer(redis)
    burst = [await asker.slot(policy(), max_wait=1) for _ in range(5)]
    opened = [await asker.failed(policy(), slot, open_now=True, retry_after=None) for slot in burst]
    assert opened == [pytest.approx(30), None, None, None, None]
    assert 0 < (await asker.cooldown_of("site.example") or 0) <= 30


async def over(redis: Redis) -> None:
    """Let the breaker's rest have passed."""
    await cast("Awaitable[int]", redis.hset("breaker:site.example", mapping={"open_until": 1, "opened_at": 1}))


async def open_again(redis: Redis, asker: HostPacer, rules: Policy) -> float | None:
    """Let the rest pass, take the probe, fail it."""
    await over(redis)
    slot = await asker.slot(rules, max_wait=1)
    return await asker.failed(rules, slot, open_now=True, retry_after=None)


async def test_each_opening_without_a_success_between_rests_twice_as_long_up_to_the_limit(redis: Redis) -> None:
    asker, rules = pacer(redis), policy(delay=0.0, cooldown_limit=100.0)
    slot = await asker.slot(rules, max_wait=1)
    assert await asker.failed(rules, slot, open_now=True, retry_after=None) == pytest.approx(30)
    assert await open_again(redis, asker, rules) == pytest.approx(60)
    assert await open_again(redis, asker, rules) == pytest.approx(100)


async def test_after_the_rest_one_probe_goes_and_its_success_closes_the_breaker(redis: Redis) -> None:
    asker, rules = pacer(redis), policy(delay=0.0)
    slot = await asker.slot(rules, max_wait=1)
    await asker.failed(rules, slot, open_now=True, retry_after=None)
    await over(redis)
    probe = await asker.slot(rules, max_wait=1)
    with pytest.raises(HostCoolingDownError) as caught:
        await pacer(redis, 2).slot(rules, max_wait=1)
    assert caught.value.seconds <= 1
    assert await asker.cooldown_of("site.example") == 0
    await asker.succeeded(rules, probe)
    assert await asker.cooldown_of("site.example") is None
    await pacer(redis, 3).slot(rules, max_wait=1)


async def test_without_redis_nothing_is_sent() -> None:
    async with Redis.from_url("unix:///nonexistent/redis.sock") as nowhere:
        with pytest.raises(PacerUnreachableError):
            await pacer(nowhere).slot(policy(), max_wait=1)
