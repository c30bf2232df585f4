"""features/flights/alerts.feature"""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pytest_bdd import parsers, scenarios, then, when
from tests.features.flights.conftest import Travel

scenarios(str(Path(__file__).parents[3] / "features/flights/alerts.feature"))


@when(parsers.parse("{who:w} changes the target to {target:d}"))
def changes_target(travel: Travel, who: str, target: int) -> None:
    travel.told(who, "PATCH", f"/api/watches/{travel.watches[-1][1]}", {"target_price": target})


@when("two workers evaluate the watch at the same moment")
def judge_together(travel: Travel) -> None:
    worker = travel.people.service.own_worker
    with ThreadPoolExecutor(2) as crowd:
        for done in [crowd.submit(worker.by_itself, "flights.evaluate_waiting") for _ in range(2)]:
            done.result()


@then(parsers.re(r"(?P<who>[A-Z]\w+) has the alerts: (?P<alerts>.+)"))
def was_told(travel: Travel, who: str, alerts: str) -> None:
    items = travel.people.read(who, f"/api/watches/{travel.watches[-1][1]}/alerts")["items"]
    told = [(one["rule"], one["price"]) for one in reversed(items)]
    assert told == [(rule, int(price)) for rule, price in re.findall(r"(\w+) (\d+)", alerts)]


@then(parsers.parse("{who:w} has no alerts"))
def was_told_nothing(travel: Travel, who: str) -> None:
    assert travel.people.read(who, f"/api/watches/{travel.watches[-1][1]}/alerts")["items"] == []


@then(parsers.parse("the last alert shows the previous price {before:d} and the lowest price {lowest:d}"))
def names_context(travel: Travel, before: int, lowest: int) -> None:
    who, watch = travel.watches[-1]
    alert = travel.people.read(who, f"/api/watches/{watch}/alerts")["items"][0]
    assert (alert["previous_price"], alert["lowest_price"]) == (before, lowest)
