"""A site that hangs, throttles or blocks while 200 profiles are due."""

import pytest
from tests.integration.faults.harness import FOLLOWED, PLAYERS, Stage, eventually
from tests.upstreams.faults import FaultKind

AT_ONCE = 5
"""Requests that a worker has under way at once."""


async def test_some_profiles_that_hang_do_not_harm_the_others(stage: Stage) -> None:
    hanging = PLAYERS[7::50]
    stage.sites.fault(f"re:.*/({'|'.join(hanging)})", "hang")
    worker = await stage.ready(stage.odd_worker("forgives-soon", TRACKERS_GAMES_TIMEOUT=2))
    the = await stage.begin_round()

    async def all_others_settled() -> bool:
        return await stage.settled(the) == FOLLOWED - len(hanging) and len(await stage.failed(the)) == len(hanging)

    await eventually(all_others_settled, "all others are settled", stage.workers)
    assert await stage.failed(the) == dict.fromkeys(hanging, "unavailable")
    stage.sites.clear_faults()
    await stage.end_of(the)
    await stage.assert_settled_once(the, failed={"unavailable"})
    assert worker.alive


async def test_a_site_that_hangs_altogether_is_left_alone_until_it_answers(stage: Stage) -> None:
    stage.sites.fault("*/profile/*", "hang")
    await stage.ready(stage.odd_worker("forgives-soon", TRACKERS_GAMES_TIMEOUT=2))
    the = await stage.begin_round()
    await stage.breaker_opens()
    assert await stage.settled(the) == 0
    stage.sites.clear_faults()
    await stage.end_of(the)
    await stage.assert_settled_once(the, failed={"unavailable"})


async def test_a_site_that_hangs_longer_than_a_lease_is_seen_to_hang(stage: Stage) -> None:
    stage.sites.fault("*/profile/*", "hang")
    await stage.ready(stage.worker(TRACKERS_SCRAPE_LEASE=4, TRACKERS_GAMES_TIMEOUT=15))
    the = await stage.begin_round()
    await stage.breaker_opens()

    async def told() -> bool:
        return set((await stage.failed(the)).values()) == {"unavailable"}

    await eventually(told, "the hanging visits are settled as failed", stage.workers)


@pytest.mark.parametrize(
    ("kind", "reason"), [(FaultKind.BLOCKED, "blocked"), (FaultKind.THROTTLED, "throttled")], ids=str
)
async def test_a_refusal_concerns_the_site_and_not_its_targets(stage: Stage, kind: FaultKind, reason: str) -> None:
    """A burst learns of it together; from then on one probe leaves per rest, until the site answers again."""
    worker = await stage.ready(stage.odd_worker("forgives-soon"))
    stage.sites.fault("*/profile/*", kind)
    the = await stage.begin_round()
    await stage.breaker_opens(times=2)
    (refusal,) = stage.sites.faults()
    stage.sites.clear_faults()
    assert 2 <= refusal.hits <= 3 * AT_ONCE
    await stage.end_of(the)
    await stage.assert_settled_once(the, failed={reason})
    assert len(await stage.failed(the)) <= refusal.hits + 1  # a last one may have been under way
    assert sum(stage.visits(the).values()) <= FOLLOWED + refusal.hits + 1
    assert worker.alive
