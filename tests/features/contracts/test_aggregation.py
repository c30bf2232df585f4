"""features/contracts/aggregation.feature"""

import json
from pathlib import Path

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.contracts.market import FORGE, Market
from tests.features.users.people import ADMIN

scenarios(str(Path(__file__).parents[3] / "features/contracts/aggregation.feature"))


@given("a new generation appears after the second page")
def turns_over(market: Market) -> None:
    market.esi.configure(turn_after=2)


@given("one of them is sent without a type")
def is_bad(market: Market) -> None:
    market.latest = market.esi.contract_ids()[7]
    market.esi.spoil(market.latest, json.dumps({"contract_id": market.latest, "type": None}))


@when("the API lists nothing")
def lists_nothing(market: Market) -> None:
    market.esi.configure(emptied=True)
    market.esi.turn()


@when("the third page is not there")
def page_is_missing(market: Market) -> None:
    market.esi.fault("*page=3", "missing")


@given(parsers.parse("{count:d} contracts that end before their items are read"))
def end_early(market: Market, count: int) -> None:
    for _ in range(count):
        market.esi.answer_with(f"items:{market.offer('Ship 001', 1.0)}", 404)


@given(parsers.parse("the API allows {errors:d} errors a minute"))
def allows(market: Market, errors: int) -> None:
    market.esi.configure(error_limit=errors)


@when("the admin asks for a run")
def asks_for_a_run(market: Market) -> None:
    answer = market.people.ask(ADMIN, "POST", "/api/admin/contracts/run", {})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    market.tasks = answer.json()["tasks"]


@then(parsers.parse("{count:d} contracts are on offer"))
def are_on_offer(market: Market, count: int) -> None:
    assert market.read("Ada", "/api/contracts")["total"] == count


@then("the region is covered whole")
def is_covered(market: Market) -> None:
    (region,) = market.read("Ada", "/api/contracts")["coverage"]
    assert region["complete"]
    assert region["generation"]


@then("the region is not covered whole")
def is_not_covered(market: Market) -> None:
    (region,) = market.read("Ada", "/api/contracts")["coverage"]
    assert not region["complete"]
    assert region["why_incomplete"]


@then(parsers.parse('the history of that contract ends with "{what}"'))
def history_ends(market: Market, what: str) -> None:
    assert market.read("Ada", f"/api/contracts/{market.latest}")["history"][-1]["what"] == what


@then("the admin finds that contract among the rejected")
def is_rejected(market: Market) -> None:
    rejected = market.people.read(ADMIN, "/api/admin/contracts/rejected")["items"]
    assert [one["contract_id"] for one in rejected] == [market.latest]


@then("the pages of the region were asked for once")
def asked_once(market: Market) -> None:
    asked = [request.query for request in market.esi.requests(f"/contracts/public/{FORGE}")]
    assert asked
    assert len(asked) == len(set(asked))


@then(parsers.parse("the last run had {pages:d} pages, of which {unchanged:d} had not changed"))
def had_pages(market: Market, pages: int, unchanged: int) -> None:
    summary = market.last_run()["summary"]
    assert (summary["pages"], summary["pages_unchanged"]) == (pages, unchanged)


@then("the API never had to refuse us")
def never_refused(market: Market) -> None:
    statuses = [request.status for request in market.esi.requests()]
    assert 404 in statuses
    assert not {420, 429} & set(statuses)


@then(parsers.parse('the last run was "{outcome}"'))
def run_was(market: Market, outcome: str) -> None:
    assert market.last_run()["outcome"] == outcome


@then(parsers.parse("the last run found {count:d} new contracts"))
def found_new(market: Market, count: int) -> None:
    assert market.last_run()["summary"]["contracts_new"] == count


@then(parsers.parse('the task of the region is "{status}"'))
def task_is(market: Market, status: str) -> None:
    assert market.service.status_of(market.tasks[str(FORGE)]) == status
