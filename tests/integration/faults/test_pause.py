"""A source is paused while workers, each a process of its own, are in the middle of it."""

from tests.integration.faults.harness import FOLLOWED, MUCH_LONGER_THAN_A_TEST, Stage

from shared.ids import new_id
from shared.web.identity import BotIdentity

BOT = BotIdentity(key_id=new_id(), name="an admin", scopes=frozenset())


async def test_two_workers_leave_a_paused_source_alone_and_take_it_up_again(stage: Stage) -> None:
    slow = {"TRACKERS_GAMES_DELAY": "0.05", "TRACKERS_SCRAPE_LEASE": MUCH_LONGER_THAN_A_TEST}
    workers = [await stage.ready(stage.worker(**slow)) for _ in range(2)]
    the = await stage.begin_round()
    await stage.in_the_middle_of(the, share=0.1)
    async with stage.engine() as container, container.database().unit_of_work():
        await container.source_administration().pause("games", reason="a test", asker=BOT)
    await stage.nothing_leased()
    await stage.dispatched()
    assert await stage.leased() == 0
    visited = stage.visits(the)
    assert sum(visited.values()) < FOLLOWED
    pending = await stage.value("SELECT count(*) FROM scrape_runs WHERE status = 'pending'")
    done = await stage.value("SELECT count(*) FROM scrape_runs WHERE id = ANY($1) AND status = 'completed'", the.tasks)
    assert pending == len(the.tasks) - done > 0
    for worker in workers:
        worker.kill()
    for worker in [stage.worker(**slow) for _ in range(2)]:
        await stage.ready(worker)  # a pause outlives restarts
    await stage.dispatched()
    assert await stage.leased() == 0
    assert stage.visits(the) == visited
    async with stage.engine() as container, container.database().unit_of_work():
        await container.source_administration().resume("games", asker=BOT)
    await stage.end_of(the)
    await stage.nothing_leased()
    await stage.assert_settled_once(the)
    assert max(stage.visits(the).values()) <= 2  # an answer that was broken off is fetched once more
