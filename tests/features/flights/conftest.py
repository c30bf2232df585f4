"""Steps that the features of flight prices share: who plans and watches what, what the site shows, what was told."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import airportsdata
import httpx
import pytest
from pytest_bdd import given, parsers, then, when
from tests.features.service import Service, machine_time
from tests.features.users.people import NAMES, People, names
from tests.waiting import eventually_sync

CHANCE: Final = secrets.SystemRandom()
"""Not the seeded one, which begins anew in each test: every scenario has a journey of its own."""
PLACES: Final = tuple(sorted(airportsdata.load("IATA")))
"""So many that two scenarios of all runs against a deployment hardly ever have the same journey."""
WHAT: Final[dict[str, tuple[str, str, Any]]] = {
    "reads": ("GET", "", None),
    "changes": ("PATCH", "", {}),
    "removes": ("DELETE", "", None),
    "scrapes": ("POST", "/scrape", None),
    "reads the alerts of": ("GET", "/alerts", None),
    "reads the prices of": ("GET", "/prices", None),
    "pushes a price for": ("POST", "/prices", {"price": 1}),
}


@dataclass
class Travel:
    """One scenario: a journey that no other scenario has, and what came of it."""

    people: People
    origin: str
    destination: str
    day: str
    answers: list[httpx.Response] = field(default_factory=list)
    trips: dict[str, str] = field(default_factory=dict)
    watches: list[tuple[str, str]] = field(default_factory=list)
    """(whose, id), the newest last."""
    shown: list[str] = field(default_factory=list)
    """Further routes of which the site shows something else."""
    task: str = ""
    before: int = 0

    @property
    def answer(self) -> httpx.Response:
        return self.answers[-1]

    @property
    def route(self) -> str:
        return f"{self.origin}-{self.destination}"

    def ask(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        self.answers.append(self.people.ask(who, method, path, body))
        return self.answer

    def told(self, who: str, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(who, method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def plan(self, who: str, **more: Any) -> httpx.Response:
        body = {"origin": self.origin, "destination": self.destination, "departs_on": self.day, **more}
        answer = self.ask(who, "POST", "/api/trips", body)
        if answer.is_success:
            self.trips[who] = answer.json()["id"]
        return answer

    def watch(self, who: str, **more: Any) -> httpx.Response:
        trip = self.trips.get(who, self.trip)
        answer = self.ask(who, "POST", "/api/watches", {"trip_id": trip, "target_price": 30_000, **more})
        if answer.is_success:
            self.watches.append((who, answer.json()["id"]))
        return answer

    @property
    def trip(self) -> str:
        return next(iter(self.trips.values()))

    def watched(self) -> Any:
        """The newest watch, as its owner sees it."""
        who, watch = self.watches[-1]
        return self.people.read(who, f"/api/watches/{watch}")

    def asked(self) -> int:
        """How often the site was asked for the journey; all others are other scenarios'."""
        requests = self.people.service.simulated.flights.requests("/travel/flights/search", after=self.before)
        return len(requests)


@pytest.fixture
def travel(service: Service, admin_token: Callable[[], str]) -> Iterator[Travel]:
    people = People(service, admin_token)
    origin, destination = CHANCE.sample(PLACES, 2)
    day = machine_time() + timedelta(days=CHANCE.randrange(30, 300))
    made = Travel(people, origin, destination, str(day.date()))
    if service.worker is not None:
        service.worker.rest()
        newest = service.simulated.flights.requests()
        made.before = newest[-1].number if newest else 0
    yield made
    people.end()
    if service.worker is not None:
        service.worker.end()
    if service.sites is not None:
        service.sites.clear_faults()
        for route in (made.route, *made.shown):
            service.sites.flights.show("flights", route=route)
        service.sites.flights.configure(history=0)


# ---- people, trips and watches ----


@given(parsers.re(rf"{NAMES} (?:has a login|have logins)"))
def have_logins(travel: Travel, named: str) -> None:
    for person in names(named):
        assert travel.people.register(person).status_code == httpx.codes.CREATED


@when(parsers.parse("{who:w} plans a trip"))
@given(parsers.parse("{who:w} has planned a trip"))
@given(parsers.parse("{who:w} has planned the same trip"))
def plans(travel: Travel, who: str) -> None:
    assert travel.plan(who).status_code == httpx.codes.CREATED, travel.answer.text


@when(parsers.parse('{who:w} plans a trip with "{name}" "{value}"'))
def plans_with(travel: Travel, who: str, name: str, value: str) -> None:
    travel.plan(who, **{name: int(value) if value.isdecimal() else value})


@given(parsers.parse("{who:w} watches the trip for {target:d}"))
@when(parsers.parse("{who:w} watches the trip for {target:d}"))
def watches(travel: Travel, who: str, target: int) -> None:
    travel.watch(who, target_price=target)


@given(parsers.parse('{who:w} watches the trip for {target:d} with "{name}" {value:d}'))
def watches_with_target(travel: Travel, who: str, target: int, name: str, value: int) -> None:
    travel.watch(who, target_price=target, **{name: value})


@when(parsers.parse('{who:w} watches the trip with "{name}" {value}'))
def watches_with(travel: Travel, who: str, name: str, value: str) -> None:
    travel.watch(who, **{name: int(value) if value.isdecimal() else value.strip('"')})


@given(parsers.parse("{who:w} deactivates the last watch"))
@when(parsers.parse("{who:w} deactivates the last watch"))
def deactivates(travel: Travel, who: str) -> None:
    travel.told(who, "PATCH", f"/api/watches/{travel.watches[-1][1]}", {"is_active": False})


@when(parsers.re(rf"(?P<who>[A-Z]\w+) (?P<does>{'|'.join(WHAT)}) (?P<what>the trip|the watch)$"))
def does(travel: Travel, who: str, does: str, what: str) -> None:
    method, where, body = WHAT[does]
    path = f"/api/trips/{travel.trip}" if what == "the trip" else f"/api/watches/{travel.watches[-1][1]}"
    travel.ask(who, method, f"{path}{where}", body)


# ---- the site and the worker ----


@given(parsers.parse("the site shows the price {price:d}"))
@when(parsers.parse("the site shows the price {price:d}"))
def site_shows(travel: Travel, price: int) -> None:
    travel.people.service.simulated.flights.set_price(price, route=travel.route, day=travel.day)


@when(parsers.parse('the site answers with "{what:w}"'))
def site_shows_as(travel: Travel, what: str) -> None:
    travel.people.service.simulated.flights.show(what, route=travel.route)


@given("the site shows the prices of the last 60 days")
def site_knows_history(travel: Travel) -> None:
    travel.people.service.simulated.flights.configure(history=60)


@given("the worker has run")
@when("the worker has run")
def worker_has_looked(travel: Travel) -> None:
    service = travel.people.service
    if travel.task:
        service.look([travel.task])
        return
    service.work()
    if service.worker is None:  # a new watch comes with no task; its first price is what there is to wait for
        eventually_sync(
            lambda: travel.watched()["last_checked_at"], what="the watch is checked", within=service.patience
        )


@when(parsers.parse("the worker has run {hours:d} hours later"))
def worker_looks_later(travel: Travel, hours: int) -> None:
    travel.people.service.own_worker.burst(later=timedelta(hours=hours))


@when(parsers.parse("it is {hours:d} hours later"))
def hours_later(travel: Travel, hours: int) -> None:
    travel.people.service.own_worker.by_itself("flights.evaluate_waiting", later=timedelta(hours=hours))


# ---- what is answered ----


@then(parsers.re(r'the request is refused with (?P<status>\d+) "(?P<code>\w+)"'), converters={"status": int})
def is_refused(travel: Travel, status: int, code: str) -> None:
    problem = travel.answer.json()
    assert (travel.answer.status_code, problem["code"]) == (status, code), travel.answer.text
    assert travel.answer.headers["content-type"].startswith("application/problem+json")
    assert problem["detail"]


@then("the request is accepted with a task")
def is_accepted(travel: Travel) -> None:
    assert travel.answer.status_code == httpx.codes.ACCEPTED, travel.answer.text
    travel.task = travel.answer.json()["task_id"]


@then("the task is completed")
def task_is_completed(travel: Travel) -> None:
    assert travel.people.service.read(f"/api/tasks/{travel.task}")["status"] == "completed"
