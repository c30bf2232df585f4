"""Issuers of contracts who are blocked: what they published goes, and pages that list more of it lose those rows."""

from tests.integration.people import People
from tests.integration.trackers.contracts.market import Market


async def test_contracts_of_a_blocked_issuer_go_and_do_not_come_back(market: Market, people: People) -> None:
    first = market.esi.add_contract(issuer_id=90_000_077, title="sold by somebody quiet")
    await market.look()
    assert first in await market.ids()
    root = await people.admin()
    answer = await root.ask("POST", "/api/admin/blocked", {"source": "contracts", "keys": ["issuer:90000077"]})
    assert answer.status_code == 201, answer.text
    assert first not in await market.ids()
    second = market.esi.add_contract(issuer_id=90_000_077)
    other = market.esi.add_contract(issuer_id=90_000_078)
    await market.look_later()
    assert {first, second} & await market.ids() == set()
    assert other in await market.ids()
    assert (await market.region())["complete"]
    assert await market.rows("SELECT 1 FROM contracts WHERE issuer_id = 90000077") == []
    root = await people.logged_in("root")  # the first token expired when the clock moved on
    bad = await root.ask("POST", "/api/admin/blocked", {"source": "contracts", "keys": ["10000002"]})
    assert bad.status_code == 422
