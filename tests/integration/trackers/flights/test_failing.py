"""Who is told that a search fails: everybody who watches it, once each, and of the recovery."""

from datetime import timedelta
from typing import Any

HOURS = timedelta(hours=1)
FAILING, RECOVERED = "price_watch.failing", "price_watch.recovered"
Traveller = Any


async def fail(somebody: Traveller, times: int) -> None:
    """So many looks that bring nothing; each by itself, because the host's breaker is another test's subject."""
    somebody.site.show("failed")
    for _ in range(times):
        await somebody.api.container.redis().flushall()
        await somebody.look(7 * HOURS)


async def recover(somebody: Traveller) -> None:
    somebody.site.show("flights")
    await somebody.api.container.redis().flushall()
    await somebody.look(7 * HOURS)


async def told(*people: Traveller) -> list[list[str]]:
    """What each heard of it, in order."""
    rows = await people[0].rows("SELECT event, user_id FROM outbox_events WHERE event LIKE 'price_watch.%' ORDER BY id")
    return [[row["event"] for row in rows if row["user_id"] == who.person.id] for who in people]


async def test_after_some_failures_who_watches_is_told_once_and_of_the_recovery(ada: Traveller) -> None:
    await ada.watch(await ada.plan())
    await ada.look(price=40_000)
    await fail(ada, 2)
    assert await told(ada) == [[]]
    await fail(ada, 2)
    assert await told(ada) == [[FAILING]]
    (failing,) = await ada.events(FAILING)
    assert (failing["reason"], failing["origin"]) == ("unavailable", "JFK")
    await recover(ada)
    assert await told(ada) == [[FAILING, RECOVERED]]
    await fail(ada, 3)
    assert await told(ada) == [[FAILING, RECOVERED, FAILING]]


async def test_who_joins_a_failing_search_is_told_with_its_next_failure(ada: Traveller, ben: Traveller) -> None:
    day = ada.day()
    await ada.watch(await ada.plan(departs_on=day))
    await ada.look(price=40_000)
    await fail(ada, 3)
    await ben.watch(await ben.plan(departs_on=day))
    assert await told(ada, ben) == [[FAILING], []]
    await fail(ada, 2)
    assert await told(ada, ben) == [[FAILING], [FAILING]]
    await recover(ada)
    assert await told(ada, ben) == [[FAILING, RECOVERED]] * 2


async def test_another_watch_of_somebody_who_was_told_tells_nothing_again(ada: Traveller) -> None:
    trip = await ada.plan()
    await ada.watch(trip)
    await ada.look(price=40_000)
    await fail(ada, 3)
    await ada.watch(trip, 20_000)
    await fail(ada, 2)
    assert await told(ada) == [[FAILING]]
    await recover(ada)
    assert await told(ada) == [[FAILING, RECOVERED]]


async def test_who_rests_hears_nothing_until_they_watch_again(ada: Traveller, ben: Traveller) -> None:
    await ada.watch(await ada.plan())
    resting = await ben.watch(await ben.plan())
    await ada.look(price=40_000)
    await ben.told("PATCH", f"/api/watches/{resting}", {"is_active": False})
    await fail(ada, 4)
    assert await told(ada, ben) == [[FAILING], []]
    await ben.told("PATCH", f"/api/watches/{resting}", {"is_active": True})
    await fail(ada, 1)
    assert await told(ada, ben) == [[FAILING], [FAILING]]


async def test_a_watch_of_several_days_says_once_that_they_fail_and_once_that_all_work_again(ada: Traveller) -> None:
    await ada.watch(await ada.plan(), flexible_days=1)
    await ada.look(price=40_000)
    await fail(ada, 4)
    assert await told(ada) == [[FAILING]]
    await recover(ada)
    assert await told(ada) == [[FAILING, RECOVERED]]
