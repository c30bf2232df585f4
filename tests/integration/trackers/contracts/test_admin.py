"""What who runs the house sees of the runs, and how a run is asked for."""

import json
from typing import Any

from tests.conftest import Bench
from tests.integration.people import People
from tests.integration.trackers.contracts.market import FORGE, Market


async def test_a_run_is_asked_for_by_region_and_its_task_told(market: Market, api: Bench, people: People) -> None:
    root = await people.admin()
    await market.follow()
    answer = await root.ask("POST", "/api/admin/contracts/run", {"region_ids": [FORGE]})
    assert answer.status_code == 202, answer.text
    task = answer.json()["tasks"][str(FORGE)]
    assert (await root.ask("POST", "/api/admin/contracts/run", {})).json()["tasks"][str(FORGE)] == task
    assert (await root.ask("POST", "/api/admin/contracts/run")).json()["tasks"] == {str(FORGE): task}
    assert (await root.ask("GET", f"/api/tasks/{task}")).json()["status"] == "pending"
    await market.look()
    assert (await root.ask("GET", f"/api/tasks/{task}")).json()["status"] == "completed"
    page = (await root.ask("GET", "/api/admin/contracts/runs")).json()
    (run,) = page["items"]
    assert (run["outcome"], page["total"]) == ("completed", 1)
    assert run["summary"]["contracts_new"] == 120
    assert run["summary"]["seconds"]["sweep"] > 0
    assert [region["region_id"] for region in page["coverage"]] == [FORGE]
    unknown = await root.ask("POST", "/api/admin/contracts/run", {"region_ids": [5]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "region_not_followed")
    assert str(FORGE) in unknown.json()["detail"]
    odd_ones: list[dict[str, Any]] = [{"region_ids": []}, {"region_ids": [0]}, {"region_ids": [2**70]}, {"all": True}]
    for odd in odd_ones:
        assert (await root.ask("POST", "/api/admin/contracts/run", odd)).status_code in {400, 422}


async def test_what_could_not_be_stored_is_listed(market: Market, api: Bench, people: People) -> None:
    root = await people.admin()
    poisoned = market.esi.contract_ids()[3]
    market.esi.spoil(poisoned, json.dumps({"contract_id": poisoned, "issuer_id": "\u0000"}))
    await market.look()
    page = (await root.ask("GET", "/api/admin/contracts/rejected")).json()
    assert [(region["region_id"], region["complete"]) for region in page["coverage"]] == [(FORGE, True)]
    (rejected,) = page["items"]
    assert (rejected["contract_id"], rejected["part"], rejected["times"]) == (poisoned, "listing", 1)
    assert rejected["reason"]


async def test_the_source_stands_among_the_others(market: Market, api: Bench, people: People) -> None:
    root = await people.admin()
    await market.look()
    health = (await root.ask("GET", "/api/admin/sources/contracts")).json()
    assert health["enabled"]
    assert health["targets"]["by_status"]["completed"] == 1
    assert health["last_day"]["requests"] > 100


async def test_the_real_api_is_not_asked_without_a_contact(market: Market) -> None:
    real = {"TRACKERS_CONTRACTS_BASE_URL": "https://esi.evetech.net/"}
    off = market.worker(**real)
    assert not off.contracts.source().enabled
    assert "TRACKERS_CONTACT" in off.contracts.source().disabled_because
    on = market.worker(**real, TRACKERS_CONTACT="ops@example.org")
    assert on.contracts.source().enabled
    await off.contracts.follow_job().run()
    assert await market.value("SELECT count(*) FROM contract_regions") == 0
