"""What people wait for: told once, of what can still be bought, and of nothing else."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.conftest import Bench
from tests.integration.people import People, Person
from tests.integration.trackers.contracts.market import FORGE, MODULE, OTHER_SHIP, SHIP, Market

from trackers.contracts.schemas import AddWatch
from users.notifications.digest import DigestWindow
from users.notifications.schemas import EVERYTHING, Mode

WATCHES = "/api/contracts/watches"


async def watch(person: Person, **wanted: Any) -> dict[str, Any]:
    answer = await person.ask("POST", WATCHES, wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def told(market: Market) -> list[dict[str, Any]]:
    rows = await market.rows("SELECT payload FROM outbox_events WHERE event = 'contract.found' ORDER BY id")
    return [row["payload"] for row in rows]


@pytest.fixture
async def ada(market: Market, api: Bench, people: People) -> Person:
    market.esi.configure(sizes={str(FORGE): 0})
    await market.follow()
    return await people.register()


async def test_one_is_told_once_of_each_contract_that_offers_it(market: Market, ada: Person) -> None:
    made = await watch(ada, type_id=SHIP, max_price=2e6, region_id=FORGE, note="for Ben")
    await watch(ada, group_id=9026)
    cheap = market.esi.add_contract(items=[{"type_id": SHIP}], price=1e6)
    market.esi.add_contract(items=[{"type_id": SHIP}], price=3e6)
    market.esi.add_contract(items=[{"type_id": SHIP, "is_included": False}, {"type_id": MODULE}], price=1.0)
    grouped = market.esi.add_contract(items=[{"type_id": OTHER_SHIP, "quantity": 2}, {"type_id": MODULE}], price=8e9)
    await market.look()
    first, second = await told(market)
    assert (first["contract_id"], first["watch_id"]) == (cheap, made["id"])
    assert not {"note", "max_price"} & first.keys(), "bots read events"
    assert (second["contract_id"], second["quantity"], second["other_items"]) == (grouped, 2, True)
    assert (await market.last_run())["summary"]["alerts"] == 2
    market.esi.turn()
    await market.look_later()
    market.esi.change_contract(cheap, title="cheaper still", price=0.5e6)
    await market.look_later()
    assert len(await told(market)) == 2
    told_of = await market.rows("SELECT contract_id FROM contract_alerts WHERE watch_id = :id", id=UUID(made["id"]))
    assert [row["contract_id"] for row in told_of] == [cheap]


async def test_a_price_that_falls_to_the_limit_is_told(market: Market, ada: Person) -> None:
    await watch(ada, type_id=SHIP, max_price=2e6)
    contract = market.esi.add_contract(items=[{"type_id": SHIP}], price=3e6)
    await market.look()
    assert await told(market) == []
    market.esi.change_contract(contract, price=1.5e6)
    await market.look_later()
    assert [found["price"] for found in await told(market)] == [1.5e6]


async def test_what_is_over_is_never_told(market: Market, ada: Person) -> None:
    await watch(ada, type_id=SHIP)
    expired = market.esi.add_contract(items=[{"type_id": SHIP}], date_expired="2026-01-01T00:00:00Z")
    gone = market.esi.add_contract(items=[{"type_id": SHIP}])
    market.esi.answer_with(f"items:{gone}", 404)
    await market.look()
    assert expired in await market.ids()
    assert await told(market) == []
    await market.look_later()
    assert await told(market) == []


async def test_a_digest_tells_what_is_on_offer_still(market: Market, ada: Person) -> None:
    since = market.clock.now()
    first = await watch(ada, type_id=SHIP, note="for Ben")
    second = await watch(ada, group_id=9025)
    dear = market.esi.add_contract(items=[{"type_id": SHIP}], price=9e6)
    gone = market.esi.add_contract(items=[{"type_id": SHIP}], price=1e6)
    cheap = market.esi.add_contract(items=[{"type_id": SHIP}], price=2e6)
    await market.look()
    market.esi.remove_contract(gone)
    await market.look_later()
    window = DigestWindow(user_id=ada.id, since=since, until=market.clock.now())

    async def told_in(window: DigestWindow) -> list[str]:
        async with market.container.database().unit_of_work():
            sections = (await market.container.contracts.digest().sections([window])).get(ada.id, [])
        return [entry.note.split(",")[0] for section in sections for group in section.groups for entry in group.entries]

    assert await told_in(window) == [f"contract {cheap}", f"contract {dear}"]
    assert await told_in(replace(window, since=window.until, until=window.until + timedelta(hours=1))) == []
    one_off = replace(window, modes={(UUID(first["id"]), ""): Mode.OFF})
    assert len(await told_in(one_off)) == 2, "another watch of hers found them, too"
    assert await told_in(replace(window, modes={(EVERYTHING, "contract.found"): Mode.OFF})) == []
    switched_off = "UPDATE contract_watches SET active = false WHERE id = :id"
    await market.rows(switched_off, id=UUID(first["id"]))
    assert len(await told_in(window)) == 2
    await market.rows(switched_off, id=UUID(second["id"]))
    assert await told_in(window) == [], "she waits for neither any more"


async def test_matches_are_what_is_on_offer_now(market: Market, ada: Person) -> None:
    dear = market.esi.add_contract(items=[{"type_id": SHIP}], price=2e6)
    cheap = market.esi.add_contract(items=[{"type_id": SHIP}], price=1e6)
    market.esi.add_contract(items=[{"type_id": MODULE}], price=1e6)
    await market.look()
    made = await watch(ada, type_id=SHIP, region_id=FORGE)
    assert made["name"] == "Ship 000"
    page = (await ada.ask("GET", f"{WATCHES}/{made['id']}/matches")).json()
    assert [item["contract_id"] for item in page["items"]] == [cheap, dear]
    assert await told(market) == []


async def test_watches_are_changed_switched_off_and_removed(market: Market, ada: Person) -> None:
    made = await watch(ada, type_id=SHIP, max_price=1.0)
    path = f"{WATCHES}/{made['id']}"
    changed = (await ada.ask("PATCH", path, {"max_price": None, "note": "any"})).json()
    assert (changed["max_price"], changed["note"], changed["active"]) == (None, "any", True)
    assert not (await ada.ask("PATCH", path, {"active": False})).json()["active"]
    market.esi.add_contract(items=[{"type_id": SHIP}])
    await market.look()
    assert await told(market) == []
    assert (await ada.ask("DELETE", path)).status_code == 204
    assert (await ada.ask("DELETE", path)).status_code == 404
    assert (await ada.ask("GET", WATCHES)).json()["items"] == []


async def test_what_is_no_watch_is_refused(ada: Person) -> None:
    for wanted, status, code in (
        ({}, 422, "unclear_watch"),
        ({"type_id": SHIP, "group_id": 9025}, 422, "unclear_watch"),
        ({"type_id": SHIP, "region_id": 10000001}, 404, "region_not_followed"),
        ({"type_id": 0}, 422, None),
        ({"type_id": 2**40}, 422, None),
        ({"type_id": SHIP, "max_price": -1}, 422, None),
        ({"type_id": SHIP, "max_price": 1e30}, 422, None),
        ({"type_id": SHIP, "note": "\x00"}, 422, None),
        ({"type_id": SHIP, "note": "n" * 500}, 422, None),
        ({"type_id": SHIP, "colour": "red"}, 422, None),
    ):
        answer = await ada.ask("POST", WATCHES, wanted)
        assert answer.status_code in {status, 400 if code is None else status}, (wanted, answer.text)
        assert code is None or answer.json()["code"] == code
    await watch(ada, type_id=SHIP)
    again = await ada.ask("POST", WATCHES, {"type_id": SHIP, "max_price": 5})
    assert (again.status_code, again.json()["code"]) == (409, "watch_exists")


async def test_a_hundred_watches_are_the_limit_however_many_ask_at_once(market: Market, ada: Person) -> None:
    await market.rows(
        "INSERT INTO contract_watches (id, user_id, type_id, created_at)"
        " SELECT uuidv7(), CAST(:user AS uuid), n, now() FROM generate_series(1, 98) n",
        user=ada.id,
    )
    answers = await asyncio.gather(*(ada.ask("POST", WATCHES, {"type_id": 1_000 + n}) for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 400, 400, 400]


async def test_a_persons_watches_are_told_handed_over_and_erased(market: Market, ada: Person, people: People) -> None:
    ben = await people.register("ben")
    both = await watch(ada, type_id=SHIP)
    await watch(ada, group_id=9026)
    kept = await watch(ben, type_id=SHIP)
    contract = market.esi.add_contract(items=[{"type_id": SHIP}])
    await market.look()
    export = (await ada.ask("GET", "/api/users/me/export")).json()
    shown = export["data"]["contract_watches"]
    assert (shown[0]["id"], len(shown[0]["alerts"])) == (both["id"], 1)
    assert shown[0]["alerts"][0]["contract_id"] == contract
    async with market.container.database().unit_of_work():
        await market.container.contracts.personal_data().hand_over(ada.id, to=ben.id)
    assert (await ada.ask("GET", WATCHES)).json()["items"] == []
    items = (await ben.ask("GET", WATCHES)).json()["items"]
    assert {item["group_id"] for item in items} == {None, 9026}
    assert [item["id"] for item in items if item["type_id"] == SHIP] == [kept["id"]]
    assert (await ben.erase()).status_code == 204
    assert await market.value("SELECT count(*) FROM contract_watches") == 0
    assert await market.value("SELECT count(*) FROM contract_alerts") == 0


async def test_a_watch_that_is_just_being_removed_keeps_no_contract_from_being_stored(
    market: Market, ada: Person
) -> None:
    made = await watch(ada, type_id=SHIP, max_price=2e6)
    contract = market.esi.add_contract(items=[{"type_id": SHIP}], price=3e6)
    await market.look()
    market.esi.change_contract(contract, price=1e6)
    async with market.container.database().unit_of_work():
        await market.container.contracts.watches().remove(UUID(made["id"]), ada.id)
        looking = asyncio.create_task(market.look_later())

        await market.somebody_waits()
    assert await looking == 0
    assert (await market.contract(contract))["price"] == 1e6
    assert await market.rows("SELECT 1 FROM contract_rejects") == []
    assert await told(market) == []


async def test_a_watch_that_comes_in_while_its_person_is_erased_is_not_kept(market: Market, ada: Person) -> None:
    container = market.container
    async with container.database().unit_of_work() as session:
        await session.execute(text("DELETE FROM users WHERE id = :id"), {"id": ada.id})
        adding = asyncio.create_task(ada.ask("POST", WATCHES, {"type_id": SHIP, "note": "for Ben"}))
        await market.somebody_waits()
    assert (await adding).status_code == 404
    assert await market.value("SELECT count(*) FROM contract_watches") == 0


async def test_a_watch_that_comes_in_while_others_are_handed_over_is_one_with_theirs(
    market: Market, ada: Person, people: People
) -> None:
    ben = await people.register("ben")
    await watch(ada, type_id=SHIP)
    container = market.container
    async with container.database().unit_of_work():
        await container.contracts.watch_service().add(ben.id, AddWatch(type_id=SHIP))

        async def hand_over() -> None:
            async with container.database().unit_of_work():
                await container.contracts.personal_data().hand_over(ada.id, to=ben.id)

        handing = asyncio.create_task(hand_over())
        await market.somebody_waits()
    await handing
    assert len((await ben.ask("GET", WATCHES)).json()["items"]) == 1
