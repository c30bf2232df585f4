"""Admins see how the outbox stands, and have dead events tried anew."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from dependency_injector import providers
from tests.conftest import Bench
from tests.integration.shared.audit.conftest import ADMIN, FakePeople
from tests.integration.shared.outbox.conftest import House, moved

from app.container import AppContainer
from shared.outbox.relay import TRIES

OUTBOX = "/api/admin/outbox"


@pytest.fixture
def admin(api: Bench, container: AppContainer, house: House) -> httpx.AsyncClient:
    container.users.person_authenticator.override(providers.Object(FakePeople()))
    container.clock.override(providers.Object(house.clock))
    container.queue.override(providers.Object(house.queue))
    api.http.headers["authorization"] = "Bearer anything"
    return api.http


async def bury(house: House, *numbers: int) -> list[UUID]:
    """Dead events, each of a thing of its own."""
    await house.publish(*(moved(f"dead-{n}", n, user_id=UUID(int=n)) for n in numbers))
    dead = [row["id"] for row in await house.events() if row["relayed_at"] is None]
    house.tracer.fails_over.update(dead)
    for _ in range(TRIES):
        await house.relay()
        house.clock.advance(timedelta(seconds=300))
    return dead


async def read(admin: httpx.AsyncClient, path: str = "", **parameters: Any) -> Any:
    answer = await admin.get(f"{OUTBOX}{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_how_the_outbox_stands(house: House, admin: httpx.AsyncClient) -> None:
    nothing = {"waiting": 0, "oldest_waiting_seconds": None, "dead": 0, "relayed_last_hour": 0}
    assert await read(admin) == nothing
    await bury(house, 1)
    await house.publish(moved(1), moved(2))
    await house.relay()
    house.clock.advance(timedelta(minutes=30))
    await house.publish(moved(3), moved(4), moved(5))
    house.clock.advance(timedelta(seconds=90))
    assert await read(admin) == {"waiting": 3, "oldest_waiting_seconds": 90.0, "dead": 1, "relayed_last_hour": 2}
    house.clock.advance(timedelta(minutes=30))
    assert (await read(admin))["relayed_last_hour"] == 0


async def test_dead_events_by_the_page(house: House, admin: httpx.AsyncClient) -> None:
    dead = await bury(house, 1, 2, 3)
    page = await read(admin, "/dead", limit=2)
    assert [UUID(item["id"]) for item in page["items"]] == [dead[2], dead[1]]
    assert page["items"][0] | {"id": None, "occurred_at": None, "dead_at": None} == {
        "id": None,
        "event": "thing.moved",
        "aggregate": "thing:dead-3",
        "user_id": str(UUID(int=3)),
        "payload": {"n": 3},
        "occurred_at": None,
        "attempts": TRIES,
        "dead_at": None,
        "error": "ValueError: cannot handle {'n': 3}",
    }
    rest = await read(admin, "/dead", limit=2, before=page["next_before"])
    assert [UUID(item["id"]) for item in rest["items"]] == [dead[0]]
    assert rest["next_before"] is None


async def test_one_dead_event_is_tried_anew(house: House, admin: httpx.AsyncClient) -> None:
    first, second = await bury(house, 1, 2)
    house.tracer.fails_over.clear()
    house.queue.asked.clear()
    answer = await admin.post(f"{OUTBOX}/{first}/redrive")
    assert (answer.status_code, answer.json()) == (200, {"redriven": 1})
    assert house.queue.asked == [("outbox.relay", "outbox.relay")]
    assert await house.relay() == 1
    assert await house.traces() == [first]
    again = await admin.post(f"{OUTBOX}/{first}/redrive")
    assert (again.status_code, again.json()["code"]) == (404, "dead_event_not_found")
    assert (await admin.post(f"{OUTBOX}/{uuid4()}/redrive")).status_code == 404
    assert [item["id"] for item in (await read(admin, "/dead"))["items"]] == [str(second)]
    (told,) = await house.rows("SELECT * FROM activity_log WHERE event = 'outbox.event_redriven'")
    assert (told["subject_id"], told["actor_id"], told["user_id"]) == (str(first), ADMIN, UUID(int=1))


async def test_all_dead_events_are_tried_anew_and_may_die_again(house: House, admin: httpx.AsyncClient) -> None:
    first, second = await bury(house, 1, 2)
    house.tracer.fails_over.discard(first)
    answer = await admin.post(f"{OUTBOX}/redrive")
    assert (answer.status_code, answer.json()) == (200, {"redriven": 2})
    for _ in range(TRIES):
        await house.relay()
        house.clock.advance(timedelta(seconds=300))
    assert await house.traces() == [first]
    assert [item["id"] for item in (await read(admin, "/dead"))["items"]] == [str(second)]
    assert (await admin.post(f"{OUTBOX}/redrive")).json() == {"redriven": 1}
