"""A visit to the simulated sites with everything real."""

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from tests.clock import START, MovedClock
from tests.upstreams.client import SimulatedSites

from shared.scraping.fetch_context import Clients, FetchContext
from shared.scraping.pacing import HostPacer
from shared.scraping.policy import Policy
from shared.scraping.robots import RobotsTxt
from shared.scraping.target import Target

USER_AGENT = "Trackers/0.1 (+tests)"
ContextMaker = Callable[..., FetchContext]


def a_target(**changes: Any) -> Target:
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "run_id": UUID(int=2),
        "key": "k",
        "address": "k",
        "interval": timedelta(days=1),
        "lease_until": START,
        "failures": 0,
        "last_reason": None,
        "attempts": 0,
        "etag": None,
        "last_modified": None,
        "content_hash": None,
        "parser_version": 1,
    }
    return Target(**(values | changes))


@pytest.fixture
async def visit_to(redis_url: str, sites: SimulatedSites) -> AsyncIterator[ContextMaker]:
    """visit_to(target=..., policy changes): a visit that asks the simulated sites."""
    clients = Clients(user_agent=USER_AGENT)
    async with Redis.from_url(redis_url) as redis:
        pacer = HostPacer(redis, rng=random.Random(1))  # noqa: S311 -- no secret
        robots = RobotsTxt(redis, clock=MovedClock(), user_agent=USER_AGENT)

        def make(target: Target | None = None, **changes: Any) -> FetchContext:
            values: dict[str, Any] = {"host": "games", "delay": 0.0, "timeout": 1.0, "obey_robots": False}
            values["operator_configured"] = True
            policy = Policy(**(values | changes))
            return FetchContext(
                target=target or a_target(),
                policy=policy,
                parser_version=1,
                client=clients.of(repr(policy), policy),
                pacer=pacer,
                robots=robots,
                clock=MovedClock(),
                max_wait=1.0,
            )

        yield make
        await clients.close()
