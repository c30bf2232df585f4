"""Searches that nobody wants any more: not fetched, and forgotten where they never had a price."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

HOURS = timedelta(hours=1)
Traveller = Any
KEYS = """
SELECT q.key FROM flight_queries q JOIN scrape_targets t ON t.id = q.target_id
JOIN scrape_schedule s ON s.target_id = t.id WHERE s.priority <> 5 ORDER BY q.key
"""


async def elsewhen(ada: Traveller, trip: str, watch: str) -> None:
    await ada.told("PATCH", f"/api/trips/{trip}", {"departs_on": ada.day(90)})


async def elsewhere(ada: Traveller, trip: str, watch: str) -> None:
    await ada.told("PATCH", f"/api/trips/{trip}", {"destination": "SEA"})


async def narrowed(ada: Traveller, trip: str, watch: str) -> None:
    await ada.told("PATCH", f"/api/watches/{watch}", {"flexible_days": 0})


async def other_money(ada: Traveller, trip: str, watch: str) -> None:
    await ada.told("PATCH", f"/api/watches/{watch}", {"currency": "EUR"})


async def by_hand(ada: Traveller, trip: str, watch: str) -> None:
    await ada.told("PATCH", f"/api/watches/{watch}", {"provider": "manual", "flexible_days": 0})


async def unwatched(ada: Traveller, trip: str, watch: str) -> None:
    await ada.told("DELETE", f"/api/watches/{watch}")


async def unplanned(ada: Traveller, trip: str, watch: str) -> None:
    await ada.told("DELETE", f"/api/trips/{trip}")


CHANGES: dict[Callable[..., Awaitable[None]], int] = {
    elsewhen: 3, elsewhere: 3, narrowed: 1, other_money: 3, by_hand: 0, unwatched: 0, unplanned: 0,
}  # fmt: skip


@pytest.mark.parametrize(("change", "wanted"), CHANGES.items(), ids=lambda one: getattr(one, "__name__", str(one)))
async def test_a_search_that_no_watch_rests_on_any_more_is_not_fetched(
    ada: Traveller, change: Callable[..., Awaitable[None]], wanted: int
) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip, flexible_days=1)
    await ada.look(price=40_000)
    assert ada.searches() == 3
    await change(ada, trip, watch)
    await ada.look(7 * HOURS)
    await ada.look(7 * HOURS)
    assert ada.searches() == 3 + 2 * wanted
    assert len(await ada.rows(KEYS)) == wanted


async def test_a_search_that_somebody_else_makes_is_fetched_on(ada: Traveller, ben: Traveller) -> None:
    day = ada.day()
    trip = await ada.plan(departs_on=day)
    watch = await ada.watch(trip, flexible_days=1)
    await ben.watch(await ben.plan(departs_on=day))
    await ada.look(price=40_000)
    await ada.told("PATCH", f"/api/trips/{trip}", {"departs_on": ada.day(90)})
    await ada.told("DELETE", f"/api/watches/{watch}")
    await ada.look(7 * HOURS)
    assert ada.searches() == 4
    assert len(await ada.rows(KEYS)) == 1


async def test_searches_that_were_never_answered_do_not_pile_up_with_changes_of_mind(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip, flexible_days=3)
    for days in range(80, 90):
        await ada.told("PATCH", f"/api/trips/{trip}", {"departs_on": ada.day(days)})
        await ada.told("PATCH", f"/api/watches/{watch}", {"currency": "EUR" if days % 2 else "USD"})
    assert len(await ada.rows("SELECT id FROM flight_queries")) == 7
    assert len(await ada.rows("SELECT query_id FROM flight_trip_queries")) == 7
    await ada.told("PATCH", f"/api/watches/{watch}", {"flexible_days": 0})
    assert len(await ada.rows("SELECT id FROM flight_queries")) == 1
    await ada.told("DELETE", f"/api/watches/{watch}")
    assert await ada.rows("SELECT id FROM flight_queries") == []
    await ada.look(7 * HOURS)
    assert ada.searches() == 0


async def test_prices_of_a_search_that_is_not_made_any_more_stay_with_the_trip(ada: Traveller) -> None:
    trip = await ada.plan()
    await ada.watch(trip)
    await ada.look(price=40_000)
    await ada.told("PATCH", f"/api/trips/{trip}", {"departs_on": ada.day(90)})
    found = await ada.told("GET", f"/api/trips/{trip}/prices?all_dates=true")
    assert [one["price"] for one in found["items"]] == [40_000]


async def test_a_search_that_was_asked_for_by_hand_is_still_made(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip)
    task = (await ada.told("POST", f"/api/trips/{trip}/scrape", {"currency": "EUR"}))["task_id"]
    await ada.told("DELETE", f"/api/watches/{watch}")
    await ada.work()
    assert (await ada.told("GET", f"/api/tasks/{task}"))["status"] == "completed"
