"""Issuers of contracts who are blocked: what they published goes, and pages that list more of it lose those rows."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from tests.integration.everything import BLOCKS, tables_with
from tests.integration.people import People, Person
from tests.integration.trackers.contracts.market import FORGE, SHIP, Market
from tests.integration.trackers.contracts.test_watches import watch

QUIET, LOUD = 90_000_077, 90_000_078
TITLE = "sold by Quietissa"
PAGES = BLOCKS | {"contract_pages"}
"""Pages of a region list numbers of contracts, and nothing else of them."""
CHANNEL = """
INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at, verified_at, rests_until)
VALUES (uuidv7(), :user_id, 'webhook', 'Bot', '', 'bot.invalid', 'bot.invalid', now(), now(), 'infinity')
"""
DIGEST = """
WITH made AS (
    INSERT INTO digests (id, user_id, period, since, until, entries, state, created_at)
    VALUES (uuidv7(), :user_id, :period, now(), now(), 1, 'pending', now()) RETURNING id
)
INSERT INTO notified_events (id, event, aggregate, payload, user_id, occurred_at, noted_at)
SELECT uuidv7(), 'digest.ready', 'digest:' || id, CAST(:payload AS jsonb), :user_id, now(), now() FROM made
"""


async def block(root: Person, issuer: int = QUIET) -> None:
    answer = await root.ask("POST", "/api/admin/blocked", {"source": "contracts", "keys": [f"issuer:{issuer}"]})
    assert answer.status_code == 201, answer.text


async def execute(market: Market, statement: str, **values: Any) -> None:
    async with market.container.database().unit_of_work() as session:
        await session.execute(text(statement), values)


async def with_a_digest(market: Market, person: Person, contract: int, period: str) -> None:
    """A digest that waits and tells of a contract, as `trackers.contracts.digest` writes it."""
    payload = {"sections": [{"entries": [{"title": "Ship", "note": f"contract {contract}, until 24 Nov 10:00 UTC"}]}]}
    await execute(market, DIGEST, user_id=person.id, period=period, payload=json.dumps(payload))


async def test_contracts_of_a_blocked_issuer_go_and_do_not_come_back(market: Market, people: People) -> None:
    first = market.esi.add_contract(issuer_id=QUIET, title="sold by somebody quiet")
    await market.look()
    assert first in await market.ids()
    root = await people.admin()
    await block(root)
    assert first not in await market.ids()
    second = market.esi.add_contract(issuer_id=QUIET)
    other = market.esi.add_contract(issuer_id=LOUD)
    await market.look_later()
    assert {first, second} & await market.ids() == set()
    assert other in await market.ids()
    assert (await market.region())["complete"]
    assert await market.rows("SELECT 1 FROM contracts WHERE issuer_id = :id", id=QUIET) == []
    root = await people.logged_in("root")  # the first token expired when the clock moved on
    bad = await root.ask("POST", "/api/admin/blocked", {"source": "contracts", "keys": ["10000002"]})
    assert bad.status_code == 422


async def test_nothing_of_a_blocked_issuer_stays(market: Market, people: People) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    await market.follow()
    ada = await people.register()
    await watch(ada, type_id=SHIP)
    await execute(market, CHANNEL, user_id=ada.id)
    theirs = market.esi.add_contract(issuer_id=QUIET, title=TITLE, items=[{"type_id": SHIP}], price=1e6)
    other = market.esi.add_contract(issuer_id=LOUD, title="sold loudly", items=[{"type_id": SHIP}], price=2e6)
    await market.look()
    market.esi.change_contract(theirs, title=f"{TITLE} again")
    await market.look_later()
    await with_a_digest(market, ada, theirs, "daily:1")
    await with_a_digest(market, ada, other, "daily:2")
    known = await tables_with(market.container, TITLE, str(theirs))
    assert {
        "contracts",
        "contract_history",
        "contract_alerts",
        "outbox_events",
        "notified_events",
    } <= known.keys()
    assert len(await market.rows("SELECT 1 FROM notification_deliveries WHERE state = 'pending'")) == 2
    await block(await people.admin())
    assert await tables_with(market.container, TITLE, str(QUIET)) == {}
    assert await tables_with(market.container, str(theirs), besides=PAGES) == {}
    assert {"outbox_events", "notified_events"} <= (await tables_with(market.container, "sold loudly")).keys()
    assert len(await market.rows("SELECT 1 FROM notification_deliveries WHERE state = 'pending'")) == 1
    states = {row["period"]: row["state"] for row in await market.rows("SELECT period, state FROM digests")}
    assert states == {"daily:1": "superseded", "daily:2": "pending"}
    ada = await people.logged_in("ada")
    export = (await ada.ask("GET", "/api/users/me/export")).text
    assert str(theirs) not in export
    assert str(other) in export


@pytest.mark.parametrize("issuer", [QUIET, str(QUIET)], ids=["a number", "a text"])
@pytest.mark.parametrize("when", ["before the block", "after the block"])
async def test_a_row_that_cannot_be_stored_brings_no_blocked_issuer_back(
    market: Market, people: People, issuer: object, when: str
) -> None:
    theirs, other = market.esi.contract_ids()[60:62]
    late = {"title": f"{TITLE} {'x' * 400}", "issuer_id": issuer, "type": None}
    root = await people.admin()
    if when == "after the block":
        await block(root)
    market.esi.spoil(theirs, json.dumps({"contract_id": theirs, **late}))
    market.esi.spoil(other, json.dumps({"contract_id": other, "title": "loud", "issuer_id": LOUD, "type": None}))
    assert await market.look() == 0
    if when == "before the block":
        assert "contract_rejects" in await tables_with(market.container, TITLE)
        await block(root)
    assert await tables_with(market.container, TITLE, str(QUIET)) == {}
    kept = await market.rows("SELECT contract_id, issuer_id FROM contract_rejects")
    assert kept == [{"contract_id": other, "issuer_id": LOUD}]


async def test_a_row_that_the_database_refuses_brings_no_blocked_issuer_back(market: Market, people: People) -> None:
    await market.follow()
    await execute(market, "ALTER TABLE contracts ADD CONSTRAINT no_luck CHECK (price <> 13)")
    market.esi.add_contract(issuer_id=QUIET, title=TITLE, price=13.0)
    await market.look()
    assert "contract_rejects" in await tables_with(market.container, TITLE)
    await block(await people.admin())
    assert await tables_with(market.container, TITLE, str(QUIET)) == {}
