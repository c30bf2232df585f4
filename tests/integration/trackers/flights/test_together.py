"""Many at once: people who change the same searches, workers beside each other, a bad result among good ones."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from dependency_injector import providers
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.conftest import container_of
from tests.waiting import eventually

from shared.scraping.observation import Observation
from trackers.flights.search import SearchResult

HOURS = timedelta(hours=1)
Traveller = Any


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Nobody is told to slow down."""
    return environ | {"TRACKERS_RATE_LIMIT_PERSON": "0"}


class KeptQueue:
    """Sends nothing: what was to be done is done by the test."""

    def __init__(self) -> None:
        self.batches: list[tuple[Any, ...]] = []

    async def enqueue(self, name: str, *arguments: Any, job_id: str | None = None) -> None: ...

    async def enqueue_many(self, name: str, batches: list[tuple[Any, ...]]) -> None:
        self.batches += batches


async def test_a_batch_is_summed_up_in_the_log_and_one_bad_result_harms_only_itself(ada: Traveller) -> None:
    ada.site.set_price(40_000)
    ada.site.show("other_currency", route="JFK-SEA")
    watches = [await ada.watch(await ada.plan(destination=place)) for place in ("LAX", "SEA", "BOS")]
    container = container_of(ada.api.environ, clock=ada.clock)
    source = container.flights.source()
    record = source.record

    async def poisoned(observations: list[Observation[SearchResult]]) -> Any:
        if any(":BOS:" in one.target.key for one in observations):
            raise ValueError("a bug")
        return await record(observations)

    source.record = poisoned
    container.queue.override(providers.Object(kept := KeptQueue()))
    try:
        assert await container.dispatcher().dispatch("google_flights") == 3
        with capture_logs() as logs:
            for name, claims in kept.batches:
                await container.runner().run(name, claims)
    finally:
        await container.clients().close()
        await container.redis().aclose()
        await container.database().close()
    summed = [(one["total"], one["succeeded"], one["failed"]) for one in logs if one["event"] == "scraped"]
    assert sorted(summed) == [(1, 0, 1), (1, 0, 1), (1, 1, 0)]  # each alone, because the batch could not be recorded
    stands = [(await ada.told("GET", f"/api/watches/{watch}"))["reason"] for watch in watches]
    assert stands == [None, "page_changed", "error"]


POISON = {
    "a state that nobody reads": '{"episode": "many"}',
    "an episode that fits no column": '{"episode": 9999999999}',
}


@pytest.mark.parametrize("state", POISON.values(), ids=POISON)
async def test_a_watch_that_cannot_be_judged_harms_no_other(ada: Traveller, ben: Traveller, state: str) -> None:
    hers, his = await ada.plan(), await ben.plan()
    poisonous, *others = [await ada.watch(hers) for _ in range(3)]
    others.append(await ben.watch(his))
    await ada.look(price=40_000)
    spoil = "UPDATE price_watches SET state = CAST(:state AS jsonb), evaluate_at = :now WHERE id = :id RETURNING id"
    await ada.rows(spoil, state=state, id=UUID(poisonous), now=ada.clock.now())

    await ada.look(timedelta(hours=7), price=29_000)
    assert [await who.alerts(one) for who, one in zip((ada, ada, ben), others, strict=True)] == [
        [("target", 29_000)]
    ] * 3
    assert await ada.alerts(poisonous) == []
    assert (await ada.told("GET", f"/api/watches/{poisonous}"))["price"] == 29_000

    await ada.rows(
        "UPDATE price_watches SET evaluate_at = :now, state = CASE WHEN id = :id THEN state ELSE '{}' END RETURNING id",
        id=UUID(poisonous),
        now=ada.clock.now(),
    )
    with capture_logs() as logs:
        await ada.evaluate(timedelta(hours=20))
    assert [one["watch_id"] for one in logs if one["event"] == "watch_not_judged"] == [poisonous]
    assert len(await ben.alerts(others[-1])) == 1  # evaluated anew, and told already of that very snapshot
    with capture_logs() as logs:
        await ada.evaluate()
    assert [one for one in logs if one["event"] == "watch_not_judged"] == []  # put off
    await ada.rows("UPDATE price_watches SET state = '{}' WHERE id = :id RETURNING id", id=UUID(poisonous))
    await ada.evaluate(timedelta(hours=2))
    assert await ada.alerts(poisonous) == [("target", 29_000)]


async def test_people_who_change_the_same_searches_together_with_a_worker_lose_nothing(
    ada: Traveller, ben: Traveller
) -> None:
    trips = {who.person.login: await who.plan() for who in (ada, ben)}
    answers: list[httpx.Response] = []

    async def busy(who: Traveller, number: int) -> None:
        trip = trips[who.person.login]
        made = await who.ask("POST", "/api/watches", {"trip_id": trip, "target_price": 20_000 + number})
        answers.append(made)
        path = f"/api/watches/{made.json()['id']}"
        answers.append(await who.ask("PATCH", path, {"check_interval_minutes": 30 + number, "flexible_days": 1}))
        answers.append(await who.ask("POST", f"{path}/scrape"))
        answers.append(await who.ask("POST", f"/api/trips/{trip}/prices", {"price": 30_000 + number}))
        if number % 2:
            answers.append(await who.ask("DELETE", path))

    await asyncio.gather(ada.work(), *(busy(who, number) for number in range(6) for who in (ada, ben)), ada.work())
    assert {answer.status_code for answer in answers} == {200, 201, 202, 204}
    await ada.work()
    for who in (ada, ben):
        watches = (await who.told("GET", "/api/watches"))["items"]
        assert len(watches) == 3
        assert {one["status"] for one in watches} == {"completed"}
    targets = await ada.rows(
        "SELECT t.interval_seconds FROM scrape_targets t JOIN flight_queries q ON q.target_id = t.id"
    )
    assert {row["interval_seconds"] for row in targets} == {30 * 60}


async def somebody_waits(ada: Traveller) -> None:
    """Until another transaction of this database waits for a lock."""
    waits = "SELECT 1 AS waits FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await eventually(lambda: ada.rows(waits), what="another transaction waits for a lock")


@pytest.mark.parametrize("doing", ["change_watch", "remove_watch", "change_trip", "remove_trip", "depart", "hand_over"])
async def test_who_waits_for_a_worker_that_records_holds_nothing_that_it_needs(ada: Traveller, doing: str) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip)
    await ada.look(price=40_000)
    if doing == "depart":
        await ada.rows("UPDATE flight_queries SET ends_at = '2000-01-01' RETURNING id")
        await ada.rows("UPDATE flight_trips SET ends_at = '2000-01-01' RETURNING id")

    async def hand_over() -> None:
        async with ada.api.container.database().unit_of_work():
            await ada.api.container.flights.personal_data().hand_over(ada.person.id, to=ada.person.id)

    deeds = {
        "change_watch": lambda: ada.told("PATCH", f"/api/watches/{watch}", {"check_interval_minutes": 30}),
        "remove_watch": lambda: ada.told("DELETE", f"/api/watches/{watch}"),
        "change_trip": lambda: ada.told("PATCH", f"/api/trips/{trip}", {"departs_on": ada.day(70)}),
        "remove_trip": lambda: ada.told("DELETE", f"/api/trips/{trip}"),
        "depart": ada.depart,
        "hand_over": hand_over,
    }
    async with ada.api.container.database().unit_of_work() as session:
        await session.execute(text("SELECT 1 FROM scrape_schedule FOR UPDATE"))  # as the engine does, first
        deed = asyncio.ensure_future(deeds[doing]())
        await somebody_waits(ada)
        await session.execute(text("SELECT 1 FROM flight_queries FOR UPDATE NOWAIT"))
        await session.execute(text("SELECT 1 FROM price_watches FOR UPDATE NOWAIT"))
    await deed


async def test_a_price_for_a_trip_that_is_just_being_removed_finds_no_trip(ada: Traveller) -> None:
    trip = await ada.plan()
    async with ada.api.container.database().unit_of_work() as session:
        await session.execute(text("SELECT 1 FROM users FOR UPDATE"))
        await session.execute(text("DELETE FROM flight_trips"))
        pushing = asyncio.ensure_future(ada.ask("POST", f"/api/trips/{trip}/prices", {"price": 30_000}))
        await somebody_waits(ada)
    assert (await pushing).json()["code"] == "trip_not_found"


async def test_who_judges_after_another_sees_what_the_other_did(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip, 30_000, flexible_days=1)
    await ada.look(price=40_000)
    searches = [row["id"] for row in await ada.rows("SELECT id FROM flight_queries ORDER BY departs_on")]
    container = ada.api.container

    async def evaluate(search: UUID) -> None:
        async with container.database().unit_of_work():
            await container.flights.evaluate().evaluate_queries([search])

    async with container.database().unit_of_work() as session:
        fallen = text("UPDATE flight_queries SET price = :price WHERE id = :id")
        await session.execute(fallen, {"price": 29_000, "id": searches[0]})
        await container.flights.evaluate().evaluate_queries([searches[0]])
        other = asyncio.ensure_future(evaluate(searches[1]))
        await somebody_waits(ada)
    await other
    (row,) = await ada.rows("SELECT state FROM price_watches")
    assert row["state"]["price"] == 29_000
    assert await ada.alerts(watch) == [("target", 29_000)]
