"""features/contracts/aggregation.feature"""

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.contracts.conftest import isk
from tests.features.contracts.market import FORGE, SECOND, Market
from tests.features.users.people import ADMIN
from tests.waiting import eventually_sync

scenarios(str(Path(__file__).parents[3] / "features/contracts/aggregation.feature"))


@given("a new generation appears after the second page")
def turns_over(market: Market) -> None:
    market.esi.configure(turn_after=2)


@given("the API sends one of them without a type")
def is_bad(market: Market) -> None:
    market.latest = market.esi.contract_ids()[7]
    market.esi.spoil(market.latest, json.dumps({"contract_id": market.latest, "type": None}))


@when("the API lists no contracts")
def lists_nothing(market: Market) -> None:
    market.esi.configure(emptied=True)
    market.esi.turn()


@when("the third page is missing")
def page_is_missing(market: Market) -> None:
    market.esi.fault("*page=3", "missing")


@given(parsers.parse("{count:d} contracts that end before their items are read"))
def end_early(market: Market, count: int) -> None:
    for _ in range(count):
        market.esi.answer_with(f"items:{market.offer('Ship 001', 1.0)}", 404)


@given(parsers.parse("the API allows {errors:d} errors per minute"))
def allows(market: Market, errors: int) -> None:
    market.esi.configure(error_limit=errors)


@when("the admin requests a run")
def asks_for_a_run(market: Market) -> None:
    answer = market.people.ask(ADMIN, "POST", "/api/admin/contracts/run", {})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    market.tasks = answer.json()["tasks"]


@then(parsers.re(r"1 contract is on offer, for (?P<price>[\d,]+) ISK"), converters={"price": isk})
def is_on_offer_for(market: Market, price: float) -> None:
    offered = market.read("Ada", "/api/contracts")
    assert ([one["price"] for one in offered["items"]], offered["total"]) == ([price], 1)


@then("the coverage of the region is complete")
def is_covered(market: Market) -> None:
    (region,) = market.read("Ada", "/api/contracts")["coverage"]
    assert region["complete"]
    assert region["generation"]


@then("the coverage of the region is incomplete")
def is_not_covered(market: Market) -> None:
    (region,) = market.read("Ada", "/api/contracts")["coverage"]
    assert not region["complete"]
    assert region["why_incomplete"]


@then(parsers.parse('the history of that contract ends with "{what}"'))
def history_ends(market: Market, what: str) -> None:
    assert market.read("Ada", f"/api/contracts/{market.latest}")["history"][-1]["what"] == what


@then("the admin finds that contract in the list of rejected contracts")
def is_rejected(market: Market) -> None:
    rejected = market.people.read(ADMIN, "/api/admin/contracts/rejected")["items"]
    assert [one["contract_id"] for one in rejected] == [market.latest]


@then("each page of the region was requested once")
def asked_once(market: Market) -> None:
    asked = [request.query for request in market.esi.requests(f"/contracts/public/{FORGE}")]
    assert asked
    assert len(asked) == len(set(asked))


@then(parsers.parse("the last run read {pages:d} pages, of which {unchanged:d} were unchanged"))
def had_pages(market: Market, pages: int, unchanged: int) -> None:
    summary = market.last_run()["summary"]
    assert (summary["pages"], summary["pages_unchanged"]) == (pages, unchanged)


@then("the API never refused a request because of its limits")
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


@then(parsers.parse("the last run changed {changed:d} contract and found no new contracts"))
def changed_contracts(market: Market, changed: int) -> None:
    summary = market.last_run()["summary"]
    assert (summary["contracts_changed"], summary["contracts_new"]) == (changed, 0)


@then("the last run has an id, a start and an end, and counts types, requests and answers")
def run_is_told(market: Market) -> None:
    run = market.last_run()
    assert run["id"]
    assert run["started_at"] <= run["finished_at"]
    assert (run["error"], run["summary"]["regions"]) == (None, 1)
    assert {"types_new", "types_refreshed", "types_failed", "items", "seconds"} <= run["summary"].keys()
    assert run["summary"]["requests"] == sum(run["summary"]["by_status"].values()) > 2


# ---- several regions, several workers ----


@given(parsers.parse("a second region with {size:d} contracts"))
def second_region(market: Market, size: int) -> None:
    market.add_region(size)


@given("the second region does not answer")
def does_not_answer(market: Market) -> None:
    market.esi.fault(f"/contracts/public/{SECOND}*", "changed")


@when("the second region answers again")
def answers_again(market: Market) -> None:
    market.service.simulated.clear_faults()


@given("the API is slow")
def takes_its_time(market: Market) -> None:
    market.esi.fault(f"/contracts/public/{FORGE}*", "latency", ms=1500)


@when("a first worker has begun a run")
def has_begun(market: Market) -> None:
    one_job = {**market.environ, "TRACKERS_WORKER_MAX_JOBS": "1"}  # what comes meanwhile is left to another worker
    market.at_work.append(market.service.own_worker.in_background(one_job))
    eventually_sync(lambda: market.esi.requests(f"/contracts/public/{FORGE}"), what="the first request")


@when(parsers.parse("a second region with {size:d} contracts appears, and a second worker starts"))
def second_worker_finds(market: Market, size: int) -> None:
    market.add_region(size)
    market.at_work.append(market.service.own_worker.in_background(market.environ))


@when("both workers have finished")
def both_have_finished(market: Market) -> None:
    for worker in market.at_work:
        worker.join()


@then("the second region was requested after the first one was read")
def one_after_the_other(market: Market) -> None:
    first = [request.time for request in market.esi.requests(f"/contracts/public/{FORGE}")]
    second = [request.time for request in market.esi.requests(f"/contracts/public/{SECOND}")]
    assert second[0] >= first[2]  # its three pages; later ones are of a later run


@then("no two runs overlapped")
def no_two_at_once(market: Market) -> None:
    runs = market.people.read(ADMIN, "/api/admin/contracts/runs")["items"]
    assert len(runs) > 1
    for later, earlier in pairwise(runs):
        assert earlier["finished_at"] <= later["started_at"]


# ---- types ----


@given("no type is cached")
def no_type_is_known(market: Market) -> None:
    market.forget_types()


@given(parsers.parse('the API fails for the type of "{name}"'))
def cannot_say(market: Market, name: str) -> None:
    market.esi.answer_with(f"types:{market.type_of(name)}", 500)


@when(parsers.parse("the worker runs {days:d} days later with a limit of {count:d} types"))
def has_looked_days_later(market: Market, days: int, count: int) -> None:
    market.types_asked = len(market.esi.requests("/universe/types/"))
    market.later += timedelta(days=days)
    market.service.own_worker.burst({"TRACKERS_CONTRACTS_TYPES_LIMIT": str(count)}, later=market.later)


@then(parsers.parse("{count:d} types were requested again"))
def types_asked_again(market: Market, count: int) -> None:
    assert len(market.esi.requests("/universe/types/")) - market.types_asked == count


@then(parsers.parse("the last run refreshed {count:d} types"))
def looked_up(market: Market, count: int) -> None:
    assert market.last_run()["summary"]["types_refreshed"] == count


@then(parsers.re(r"the last run failed to refresh (?P<count>\d+) types?"), converters={"count": int})
def failed_to_look_up(market: Market, count: int) -> None:
    assert market.last_run()["summary"]["types_failed"] == count
