"""Workers that are killed, told to stop, or stand beside each other."""

import pytest
from tests.integration.faults.harness import MUCH_LONGER_THAN_A_TEST, Stage


async def test_two_workers_on_the_same_due_targets_visit_each_once(stage: Stage) -> None:
    for worker in [stage.worker(TRACKERS_SCRAPE_LEASE=MUCH_LONGER_THAN_A_TEST) for _ in range(2)]:
        await stage.ready(worker)
    the = await stage.begin_round()
    await stage.end_of(the)
    await stage.assert_settled_once(the)
    assert set(stage.visits(the).values()) == {1}


@pytest.mark.slow
async def test_workers_killed_at_work_lose_nothing(stage: Stage) -> None:
    """The second victim is the one that took over from the first; the last one comes fresh."""
    stage.sites.fault("*/profile/*", "latency", ms=150)
    second = await stage.ready(stage.worker())
    second.pause()
    first = await stage.ready(stage.worker())
    the = await stage.begin_round()
    await stage.in_the_middle_of(the, share=0.2)
    assert await stage.leased()
    second.go_on()
    first.kill()
    await stage.in_the_middle_of(the, share=0.6)
    assert await stage.leased()
    second.kill()
    stage.worker()
    await stage.end_of(the)
    await stage.assert_settled_once(the)


async def test_a_worker_told_to_stop_finishes_what_is_under_way(stage: Stage) -> None:
    """Nothing is asked for twice, and nothing waits for a lease."""
    stage.sites.fault("*/profile/*", "latency", ms=150)
    leaving = await stage.ready(stage.worker(TRACKERS_SCRAPE_LEASE=MUCH_LONGER_THAN_A_TEST))
    the = await stage.begin_round()
    await stage.in_the_middle_of(the)
    leaving.terminate()
    assert await leaving.exit_code() == 0
    stage.worker(TRACKERS_SCRAPE_LEASE=MUCH_LONGER_THAN_A_TEST)
    await stage.end_of(the)
    await stage.assert_settled_once(the)
    assert set(stage.visits(the).values()) == {1}


async def test_what_cannot_be_finished_in_time_goes_back_at_once(stage: Stage) -> None:
    hanging = stage.sites.fault("*/profile/*", "hang")
    leaving = stage.odd_worker("leaves-soon", TRACKERS_SCRAPE_LEASE=MUCH_LONGER_THAN_A_TEST, TRACKERS_GAMES_TIMEOUT=45)
    await stage.ready(leaving)
    the = await stage.begin_round()
    await stage.in_the_middle_of(the, share=0.02)
    leaving.terminate()
    assert await leaving.exit_code() == 0
    assert await stage.leased() == 0
    stage.sites.clear_fault(hanging)
    stage.worker()
    await stage.end_of(the)
    await stage.assert_settled_once(the)
