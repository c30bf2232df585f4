"""Pace and breaker, on a real Redis."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable
from time import monotonic
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from shared.scraping.pacing import Gate, GateUnreachableError, HostRestsError
from shared.scraping.source import Policy


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


def gate(redis: Redis, seed: int = 1) -> Gate:
    return Gate(redis, rng=random.Random(seed))  # noqa: S311 -- no secret


def policy(**changes: Any) -> Policy:
    values: dict[str, Any] = {"host": "site.example", "delay": 0.03, "jitter": 0.01, "cooldown": 30.0}
    return Policy(**(values | changes))


def hold_up(seconds: float) -> None:
    """Keep the event loop busy, as a stalled process would."""
    until = monotonic() + seconds
    while monotonic() < until:
        pass


async def test_slots_of_many_askers_lie_a_delay_apart(redis: Redis) -> None:
    askers = [gate(redis, seed) for seed in range(5)]
    slots = await asyncio.gather(*(asker.slot(policy(), max_wait=10) for asker in askers for _ in range(4)))
    at = sorted(slot.at for slot in slots)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert min(gaps) >= 20
    assert 0.9 * 30 <= sum(gaps) / len(gaps) <= 1.1 * 30


async def test_who_is_held_up_makes_the_next_one_wait(redis: Redis) -> None:
    rules = policy(delay=0.2, jitter=0.0)
    first, second = gate(redis, 1), gate(redis, 2)
    await first.slot(rules, max_wait=1)
    late = asyncio.create_task(first.slot(rules, max_wait=1))
    next_one = asyncio.create_task(second.slot(rules, max_wait=1))
    await asyncio.sleep(0)
    await asyncio.sleep(0.02)
    hold_up(0.35)  # the process stalls past the first one's slot and almost to the second one's
    await late
    left = monotonic()
    await next_one
    assert monotonic() - left >= 0.19


async def test_the_wait_lasts_until_the_slot(redis: Redis) -> None:
    asker, started = gate(redis), monotonic()
    for _ in range(5):
        await asker.slot(policy(), max_wait=10)
    assert monotonic() - started >= 4 * 0.02


async def test_a_slot_too_far_off_is_not_taken(redis: Redis) -> None:
    asker = gate(redis)
    await asker.slot(policy(delay=60.0), max_wait=1)
    for _ in range(3):
        with pytest.raises(HostRestsError) as caught:
            await asker.slot(policy(delay=60.0), max_wait=1)
        assert 55 <= caught.value.seconds <= 60.1
        assert not caught.value.breaker_open


async def test_hosts_do_not_wait_for_each_other(redis: Redis) -> None:
    asker = gate(redis)
    await asker.slot(policy(delay=60.0), max_wait=0)
    await asker.slot(policy(delay=60.0, host="other.example"), max_wait=0)


async def test_a_throttle_opens_the_breaker_for_as_long_as_the_site_says(redis: Redis) -> None:
    asker = gate(redis)
    slot = await asker.slot(policy(), max_wait=1)
    assert await asker.failed(policy(), slot, at_once=True, retry_after=90.0) == pytest.approx(90)
    with pytest.raises(HostRestsError) as caught:
        await gate(redis, 2).slot(policy(), max_wait=1)
    assert caught.value.breaker_open
    assert 85 < (await asker.rest_of("site.example") or 0) <= 90


async def test_single_failures_open_it_only_when_they_come_in_a_row(redis: Redis) -> None:
    asker = gate(redis)
    rules = policy(delay=0.0, breaker_threshold=3)
    for _ in range(2):
        slot = await asker.slot(rules, max_wait=1)
        assert await asker.failed(rules, slot, at_once=False, retry_after=None) is None
    slot = await asker.slot(rules, max_wait=1)
    await asker.succeeded(rules, slot)
    for _ in range(2):
        slot = await asker.slot(rules, max_wait=1)
        assert await asker.failed(rules, slot, at_once=False, retry_after=None) is None
    slot = await asker.slot(rules, max_wait=1)
    assert await asker.failed(rules, slot, at_once=False, retry_after=None) == pytest.approx(30)


async def test_of_a_burst_under_way_together_only_the_first_counts(redis: Redis) -> None:
    asker = gate(redis)
    burst = [await asker.slot(policy(), max_wait=1) for _ in range(5)]
    opened = [await asker.failed(policy(), slot, at_once=True, retry_after=None) for slot in burst]
    assert opened == [pytest.approx(30), None, None, None, None]
    assert 0 < (await asker.rest_of("site.example") or 0) <= 30


async def over(redis: Redis) -> None:
    """Let the breaker's rest have passed."""
    await cast("Awaitable[int]", redis.hset("breaker:site.example", mapping={"open_until": 1, "opened_at": 1}))


async def open_again(redis: Redis, asker: Gate, rules: Policy) -> float | None:
    """Let the rest pass, take the probe, fail it."""
    await over(redis)
    slot = await asker.slot(rules, max_wait=1)
    return await asker.failed(rules, slot, at_once=True, retry_after=None)


async def test_each_opening_without_a_success_between_rests_twice_as_long_up_to_the_limit(redis: Redis) -> None:
    asker, rules = gate(redis), policy(delay=0.0, cooldown_limit=100.0)
    slot = await asker.slot(rules, max_wait=1)
    assert await asker.failed(rules, slot, at_once=True, retry_after=None) == pytest.approx(30)
    assert await open_again(redis, asker, rules) == pytest.approx(60)
    assert await open_again(redis, asker, rules) == pytest.approx(100)


async def test_after_the_rest_one_probe_goes_and_its_success_closes_the_breaker(redis: Redis) -> None:
    asker, rules = gate(redis), policy(delay=0.0)
    slot = await asker.slot(rules, max_wait=1)
    await asker.failed(rules, slot, at_once=True, retry_after=None)
    await over(redis)
    probe = await asker.slot(rules, max_wait=1)
    with pytest.raises(HostRestsError) as caught:
        await gate(redis, 2).slot(rules, max_wait=1)
    assert caught.value.seconds <= 1
    assert await asker.rest_of("site.example") == 0
    await asker.succeeded(rules, probe)
    assert await asker.rest_of("site.example") is None
    await gate(redis, 3).slot(rules, max_wait=1)


async def test_without_redis_nothing_is_sent() -> None:
    async with Redis.from_url("unix:///nonexistent/redis.sock") as nowhere:
        with pytest.raises(GateUnreachableError):
            await gate(nowhere).slot(policy(), max_wait=1)
