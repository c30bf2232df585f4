"""Bots read events by position and miss none; a key for some guilds is told what is their members'."""

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.conftest import Bench
from tests.integration.shared.outbox.conftest import DECLARED, House, declare, happened, moved
from tests.waiting import eventually

from app.container import AppContainer
from shared.outbox.queries import EventQueries
from shared.outbox.schemas import FeedFilter

GUILD, OTHER_GUILD = "81384788765712384", "613425648685547541"
EVENTS = "/internal/events"


@pytest.fixture(autouse=True)
def declared(container: AppContainer) -> None:
    declare(container)


@pytest.fixture
async def key(container: AppContainer) -> str:
    async with container.database().unit_of_work():
        return str((await container.users.keys().create("reader", ["events:read"])).text)


class Readers:
    """Bots with keys."""

    def __init__(self, http: httpx.AsyncClient, key: str) -> None:
        self._http = http
        self._key = key

    async def ask(self, key: str | None = None, **parameters: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or self._key}"}
        return await self._http.get(EVENTS, params=parameters, headers=headers)

    async def read(self, key: str | None = None, **parameters: Any) -> Any:
        answer = await self.ask(key, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def readers(api: Bench, key: str) -> Readers:
    return Readers(api.http, key)


async def test_an_event_reads_as_it_was_told_once_it_is_relayed(house: House, readers: Readers) -> None:
    assert await readers.read() == {"items": [], "next_after": 0}
    await house.publish(moved(1, 5, user_id=UUID(int=7)))
    assert await readers.read() == {"items": [], "next_after": 0}
    await house.relay()
    (row,) = await house.events()
    assert await readers.read() == {
        "items": [
            {
                "position": row["position"],
                "id": str(row["id"]),
                "event": "thing.moved",
                "aggregate": "thing:1",
                "user_id": str(UUID(int=7)),
                "payload": {"n": 5},
                "occurred_at": house.clock.now().isoformat().replace("+00:00", "Z"),
            }
        ],
        "next_after": row["position"],
    }


async def test_a_cursor_goes_through_all_of_them_and_stays_at_the_end(house: House, readers: Readers) -> None:
    await house.publish(*(moved(n, n) for n in range(25)))
    await house.relay()
    seen, after = [], 0
    for _ in range(4):
        page = await readers.read(after=after, limit=10)
        seen += [item["payload"]["n"] for item in page["items"]]
        after = page["next_after"]
    assert seen == list(range(25))
    assert (await readers.read(after=after))["next_after"] == after
    assert await readers.read(after=2**40) == {"items": [], "next_after": 2**40}


async def test_only_events_of_some_names(house: House, readers: Readers) -> None:
    for name in ("thing.moved", "thing.gone", "thingy.moved", "other.moved"):
        await house.publish(happened(name))
    await house.relay()

    async def names(*given: str) -> list[str]:
        page = await readers.read(event=list(given))
        assert page["next_after"] == (await readers.read())["next_after"]
        return [item["event"] for item in page["items"]]

    assert await names("thing.gone") == ["thing.gone"]
    assert await names("thing.") == ["thing.moved", "thing.gone"]
    assert await names("thing.gone, other.moved") == ["thing.gone", "other.moved"]
    assert await names("thing.gone", "other.") == ["thing.gone", "other.moved"]
    assert await names("thing") == []
    assert len(await names("")) == 4


@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 501}, {"after": -1}, {"after": "x"}])
async def test_odd_parameters_are_refused(readers: Readers, parameters: dict[str, Any]) -> None:
    assert (await readers.ask(**parameters)).status_code == 422


async def test_a_key_for_some_guilds_is_told_of_their_members_only(
    house: House, readers: Readers, container: AppContainer
) -> None:
    ada, bob = UUID(int=1), UUID(int=2)
    for user_id in (ada, bob):
        await container.standalone_writer().execute(
            text("INSERT INTO users (id, created_at) VALUES (:id, now())"), {"id": user_id}
        )
    for guild_id, user_id in ((GUILD, ada), (OTHER_GUILD, bob)):
        await container.standalone_writer().execute(
            text("INSERT INTO guilds (id, name, created_at, updated_at) VALUES (:id, :id, now(), now())"),
            {"id": guild_id},
        )
        await container.standalone_writer().execute(
            text(
                "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
                " VALUES (:guild, :user, false, :now, 'operator')"
            ),
            {"guild": guild_id, "user": user_id, "now": house.clock.now()},
        )
    async with container.database().unit_of_work():
        keys = container.users.keys()
        theirs = (await keys.create("a", ["events"], guild_ids=[GUILD])).text
        both = (await keys.create("b", ["events"], guild_ids=[GUILD, OTHER_GUILD])).text
    await house.publish(moved(1, 1, user_id=ada), moved(2, 2, user_id=bob), moved(3, 3), moved(4, 4, user_id=ada))
    await house.relay()

    async def told(key: str) -> list[int]:
        return [item["payload"]["n"] for item in (await readers.read(key))["items"]]

    assert await told(theirs) == [1, 4]
    assert await told(both) == [1, 2, 4]
    assert (await readers.read(theirs, limit=1))["next_after"] < (await readers.read(theirs))["next_after"]
    await container.standalone_writer().execute(text("DELETE FROM guild_members WHERE user_id = :user"), {"user": ada})
    assert await told(theirs) == []


async def test_a_key_without_the_scope_reads_nothing(readers: Readers, bot_key: str) -> None:
    assert (await readers.ask(bot_key)).status_code == 403


async def test_a_question_that_wants_little_looks_through_a_bounded_part(house: House) -> None:
    feed = EventQueries(
        house.container.reader(), clock=house.clock, types=list(DECLARED.values()), was_member="FALSE", scanned=3
    )
    await house.container.standalone_writer().execute(text("ALTER SEQUENCE outbox_positions RESTART 1000"))
    await house.publish(*(moved(n, n) for n in range(10)), happened("rare.bird"))
    await house.relay()
    seen, after, questions = [], 0, 0
    while (page := await feed.feed(FeedFilter(events=("rare.",)), after=after, limit=10)).next_after != after:
        seen += page.items
        after, questions = page.next_after, questions + 1
    assert [item.event for item in seen] == ["rare.bird"]
    assert (questions, after) == (3, 1010)


async def test_a_cursor_misses_nothing_while_writers_commit_in_any_order(house: House, open_house: Any) -> None:
    """Two relays take turns; the reader is as eager as can be."""
    other: House = await open_house()
    rng = random.Random(5)  # noqa: S311 -- the same turns in every run
    done = asyncio.Event()
    seen: list[UUID] = []
    feed = other.container.events.queries()

    async def write(number: int) -> None:
        for n in range(8):
            async with house.container.database().unit_of_work():
                await house.container.outbox().publish(*(moved(f"{number}-{k}", n) for k in range(rng.randint(1, 4))))
                await asyncio.sleep(rng.random() * 0.02)  # writers take their time before they commit

    async def relay(one: House) -> None:
        while not done.is_set():
            await one.relay()

    async def read() -> None:
        after = 0
        while not done.is_set() or (await feed.head()) > after:
            page = await feed.feed(FeedFilter(), after=after, limit=50)
            seen.extend(item.id for item in page.items)
            after = page.next_after

    reading = asyncio.create_task(read())
    relaying = [asyncio.create_task(relay(one)) for one in (house, other)]
    await asyncio.gather(*(write(number) for number in range(8)))

    async def all_relayed() -> bool:
        return not await house.rows("SELECT 1 FROM outbox_events WHERE relayed_at IS NULL LIMIT 1")

    await eventually(all_relayed, what="every event is relayed")
    done.set()
    await asyncio.gather(reading, *relaying)
    rows = sorted(await house.events(), key=lambda row: int(row["position"]))
    assert seen == [row["id"] for row in rows]
