"""Steps of fencers and clubs: pages of the site, tracked fencers and clubs, runs of the worker, digests."""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import httpx
import pytest
from pytest_bdd import given, parsers, then, when
from tests.features.service import Service, machine_time
from tests.features.users.people import ADMIN, People
from tests.upstreams.client import SimulatedFencers
from tests.waiting import eventually_sync

EVENTS: Final = {
    "epee": "Junior Women\u2019s Epee (JNRWE)",
    "foil": "Division I Men\u2019s Foil (DV1MF)",
    "saber": "Youth 12 Men\u2019s Saber (Y12MS)",
}
LATER: Final = timedelta(days=2)
"""Time after which all recurring work is due."""


@dataclass
class Salle:
    """The fencers, clubs and events of one scenario, under numbers that no other scenario has."""

    service: Service
    people: People
    base: int = field(default_factory=lambda: 200_000_000 + secrets.randbelow(700_000) * 1000)
    numbers: dict[str, int] = field(default_factory=dict)
    followed: dict[str, dict[str, Any]] = field(default_factory=dict)
    latest: str = ""
    days: timedelta = LATER
    asked_before: int = 0
    moved_to: date | None = None
    faults: list[Any] = field(default_factory=list)

    @property
    def site(self) -> SimulatedFencers:
        return self.service.simulated.fencers

    def number(self, name: str) -> int:
        return self.numbers.setdefault(name, self.base + len(self.numbers))

    def follow(self, who: str, kind: str, name: str, *, by: str = "number", weapons: str = "") -> httpx.Response:
        number = self.number(name)
        links = {"fencer": f"https://fencingtracker.com/p/{number}/x", "club": f"fencingtracker.com/club/{number}/x"}
        given_ = str(number) if by == "number" else links[kind]
        answer = self.people.ask(who, "POST", f"/api/{kind}s", {kind: given_, "weapons": weapons})
        if answer.status_code == httpx.codes.CREATED:
            made = answer.json()
            self.latest = f"/api/{kind}s/{made['tracked']['id']}"
            self.followed[name] = {**made["tracked"], "path": self.latest, "task_id": made["task_id"]}
        self.people.answers = [answer]
        return answer

    def look(self, times: int = 1, **environ: str) -> None:
        """Run the worker, each time two days later, so that all pages are due again."""
        for _ in range(times):
            self.service.own_worker.burst(environ, later=self.days)
            self.days += LATER

    def requests(self, prefix: str) -> int:
        return sum(
            str(number) in request.path for request in self.site.requests(prefix) for number in self.numbers.values()
        )

    def digest(self) -> dict[str, Any]:
        told: dict[str, Any] = self.people.read("Ada", "/api/users/me/digest/preview")
        return told

    def end(self) -> None:
        if self.service.worker is not None:
            self.service.worker.rest()
        if self.service.sites is not None:
            self.site.configure(login="off")
        for fault in self.faults:
            self.service.simulated.clear_fault(fault)
        self.people.end()


@pytest.fixture
def salle(service: Service, admin_token: Callable[[], str]) -> Iterator[Salle]:
    made = Salle(service, People(service, admin_token))
    yield made
    made.end()


# ---- the site ----


@given(parsers.re(r'the site has the club "(?P<club>\w+)" with the fencers "(?P<one>\w+)" and "(?P<two>\w+)"'))
def the_site_knows(salle: Salle, club: str, one: str, two: str) -> None:
    salle.site.add_club(salle.number(club), club)
    for name in (one, two):
        salle.site.add_fencer(salle.number(name), f"{name} Abendroth", salle.number(club))
    day = machine_time().date() + timedelta(days=60)
    for weapon, event in EVENTS.items():
        salle.site.add_event(salle.number(weapon), event, f"Open {salle.base}", day.isoformat())


@given(parsers.re(r'"(?P<name>\w+)" is registered for the (?P<weapon>\w+) event'))
def is_registered(salle: Salle, name: str, weapon: str) -> None:
    salle.site.register(salle.number(name), salle.number(weapon))


@when(parsers.re(r'"(?P<name>\w+)" withdraws from the (?P<weapon>\w+) event'))
def withdraws(salle: Salle, name: str, weapon: str) -> None:
    salle.site.withdraw(salle.number(name), salle.number(weapon))


@when(parsers.re(r"the (?P<weapon>\w+) event is moved by a day"))
def moves(salle: Salle, weapon: str) -> None:
    salle.moved_to = machine_time().date() + timedelta(days=61)
    salle.site.move(salle.number(weapon), salle.moved_to.isoformat())


@given(parsers.re(r'the page of "(?P<name>\w+)" is (?P<fault>throttled|unavailable) once'))
def fails_once(salle: Salle, name: str, fault: str) -> None:
    salle.faults.append(salle.site.fault(f"/p/{salle.number(name)}/*", fault, count=1, retry_after=1))


@given(parsers.re(r'the page of "(?P<name>\w+)" has changed its layout'))
def has_changed(salle: Salle, name: str) -> None:
    salle.faults.append(salle.site.fault(f"/p/{salle.number(name)}/*", "changed"))


@when(parsers.re(r'the page of "\w+" has its old layout again'))
def is_as_it_was(salle: Salle) -> None:
    salle.service.simulated.clear_fault(salle.faults.pop())


@given("the site shows a login page")
def a_login(salle: Salle) -> None:
    salle.site.configure(login="redirect")


@given("the site shows a new layout")
def a_rebuild(salle: Salle) -> None:
    salle.faults.append(salle.site.fault("/p/*", "changed"))


# ---- people ----


@given(parsers.re(r"(?P<person>[A-Z]\w+) has a login"))
def has_a_login(salle: Salle, person: str) -> None:
    assert salle.people.register(person).status_code == httpx.codes.CREATED


@when(parsers.re(r'(?P<person>[A-Z]\w+) follows the (?P<kind>fencer|club) "(?P<name>\w+)" by (?P<by>number|link)'))
def follows(salle: Salle, person: str, kind: str, name: str, by: str) -> None:
    salle.follow(person, kind, name, by=by)


@when(
    parsers.re(r'(?P<person>[A-Z]\w+) follows the (?P<kind>fencer|club) "(?P<name>\w+)" with the weapons "(?P<w>.+)"')
)
def follows_with(salle: Salle, person: str, kind: str, name: str, w: str) -> None:
    assert salle.follow(person, kind, name, weapons=w).status_code == httpx.codes.CREATED


@given(
    parsers.re(
        r'(?P<person>[A-Z]\w+) has followed the (?P<kind>fencer|club) "(?P<name>\w+)"'
        r'(?: with the weapons "(?P<w>.+)")?$'
    )
)
def has_followed(salle: Salle, person: str, kind: str, name: str, w: str | None) -> None:
    assert salle.follow(person, kind, name, weapons=w or "").status_code == httpx.codes.CREATED


@when(parsers.re(r'(?P<person>[A-Z]\w+) pastes "(?P<text>[^"]+)" as a fencer(?:, with the weapons "(?P<w>[^"]+)")?'))
def pastes(salle: Salle, person: str, text: str, w: str | None) -> None:
    body = {"fencer": text, "weapons": w or ""}
    salle.people.answers = [salle.people.ask(person, "POST", "/api/fencers", body)]


@when(parsers.re(r"(?P<person>[A-Z]\w+) deactivates it"))
def deactivates(salle: Salle, person: str) -> None:
    assert salle.people.ask(person, "POST", f"{salle.latest}/deactivate").status_code == httpx.codes.OK


@when(parsers.re(r'(?P<person>[A-Z]\w+) changes its weapons to "(?P<weapons>[^"]+)"'))
def changes_weapons(salle: Salle, person: str, weapons: str) -> None:
    answer = salle.people.ask(person, "PATCH", salle.latest, {"weapons": weapons})
    assert answer.status_code == httpx.codes.OK, answer.text


@then(parsers.re(r"(?P<person>[A-Z]\w+) follows (?P<count>\d+) fencers?"))
def follows_so_many(salle: Salle, person: str, count: str) -> None:
    assert salle.people.read(person, "/api/fencers?active=true")["total"] == int(count)


@then(parsers.re(r"(?P<person>[A-Z]\w+) can neither read nor remove it"))
def may_not(salle: Salle, person: str) -> None:
    for method in ("GET", "DELETE"):
        assert salle.people.ask(person, method, salle.latest).status_code == httpx.codes.FORBIDDEN


@then(parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)"'))
def is_refused(salle: Salle, status: str, code: str) -> None:
    salle.people.refused(int(status), code)


@then(parsers.re(r'the answer names "(?P<word>\w+)"'))
def names(salle: Salle, word: str) -> None:
    assert word in salle.people.answer.json()["detail"]


# ---- fetching ----


@given("the worker has run")
@when("the worker runs")
def has_looked(salle: Salle) -> None:
    salle.service.look([one["task_id"] for one in salle.followed.values()])


@when(parsers.re(r"the worker runs (?P<times>\d+) times?"))
def looks(salle: Salle, times: str) -> None:
    salle.look(int(times))


@when(parsers.re(r'the worker runs until "(?P<name>\w+)" is fetched'))
def keeps_looking(salle: Salle, name: str) -> None:
    """Each run is later, because the host may have a cooldown first."""

    def is_read() -> bool:
        salle.look()
        return bool(salle.people.read("Ada", salle.followed[name]["path"])["tracked"]["last_success_at"])

    eventually_sync(is_read, what=f"{name} is read")


@when("the worker runs again")
def looks_again(salle: Salle) -> None:
    """Without delay: a page is fetched when it is followed again."""
    for one in salle.followed.values():
        for active in (False, True):
            changed = salle.people.ask("Ada", "PATCH", one["path"], {"active": active})
            assert changed.status_code == httpx.codes.OK, changed.text
    salle.service.own_worker.burst()


@when(parsers.re(r"the worker runs with (?P<name>\w+)=(?P<value>\w+)"))
def looks_with(salle: Salle, name: str, value: str) -> None:
    salle.service.own_worker.burst({name: value})


@when(parsers.re(r"2 workers run with a delay of (?P<delay>[\d.]+) seconds and a jitter of (?P<jitter>[\d.]+)"))
def workers_look(salle: Salle, delay: str, jitter: str) -> None:
    pace = {"FENCER_SCRAPE_DELAY_SEC": delay, "FENCER_SCRAPE_JITTER_SEC": jitter}
    salle.asked_before = len(salle.site.requests())
    workers = [salle.service.own_worker.in_background(pace) for _ in range(2)]
    for worker in workers:
        worker.join()

    def all_requested() -> bool:
        """A page whose slot was too far away is postponed, and a worker ends when nothing is due."""
        pages = [one for one in salle.site.requests()[salle.asked_before :] if one.path != "/robots.txt"]
        if len(pages) < len(salle.followed):
            salle.service.own_worker.burst(pace)
            return False
        return True

    eventually_sync(all_requested, what="every page was requested")


@then(parsers.re(r"no two requests were closer than (?P<seconds>[\d.]+) seconds"))
def not_closer(salle: Salle, seconds: str) -> None:
    times = [request.time for request in salle.site.requests()[salle.asked_before :]]
    assert len(times) >= len(salle.followed)
    assert min(later - earlier for earlier, later in pairwise(times)) >= float(seconds)


@then("the club's page was requested before any fencer's")
def clubs_page_first(salle: Salle) -> None:
    paths = [request.path for request in salle.site.requests()[salle.asked_before :]]
    pages = [path.split("/")[1] for path in paths if path != "/robots.txt"]
    assert pages == ["club", "p", "p"]


@then(parsers.re(r'the page of "(?P<name>\w+)" was requested twice'))
def asked_twice(salle: Salle, name: str) -> None:
    assert len(salle.site.requests(f"/p/{salle.number(name)}/")) == 2


@then(parsers.re(r'the history of "(?P<name>\w+)" has (?P<count>\d+) entr(?:y|ies)'))
def history_has(salle: Salle, name: str, count: str) -> None:
    history = salle.people.read("Ada", f"{salle.followed[name]['path']}/history")["items"]
    assert [entry["kind"] for entry in history] == ["registered"] * int(count)


@then("no fencer's page was requested")
def no_fencers_page(salle: Salle) -> None:
    assert salle.requests("/p/") == 0


@then("the club's page was requested")
def clubs_page(salle: Salle) -> None:
    assert salle.requests("/club/") == 1


# ---- what is seen ----


@then(parsers.re(r'(?P<person>[A-Z]\w+) sees that "(?P<name>\w+)" is registered for the (?P<weapon>\w+) event'))
def sees_registered(salle: Salle, person: str, name: str, weapon: str) -> None:
    shown = salle.people.read(person, salle.latest)["registrations"]
    assert (f"{name} Abendroth", EVENTS[weapon]) in {(one["fencer"], one["event"]) for one in shown}


@then(parsers.re(r"(?P<person>[A-Z]\w+) sees (?P<count>\d+) registrations?"))
def sees(salle: Salle, person: str, count: str) -> None:
    assert len(salle.people.read(person, salle.latest)["registrations"]) == int(count)


@then(
    parsers.re(r'the cooldown of "(?P<name>\w+)" is (?P<hours>\d+) hours? after (?P<failures>\d+) failures'),
    converters={"hours": int, "failures": int},
)
def rests(salle: Salle, name: str, hours: int, failures: int) -> None:
    failing = salle.people.read(ADMIN, "/api/admin/fencers/failing?per_page=200")["items"]
    (one,) = [page for page in failing if page["upstream_id"] == salle.number(name)]
    assert (one["failures"], one["cooling_down"], one["reason"]) == (failures, True, "page_changed")
    wait = datetime.fromisoformat(one["next_fetch_at"]) - datetime.fromisoformat(one["last_checked_at"])
    assert timedelta(hours=hours) <= wait < timedelta(hours=hours, minutes=10)


@when(parsers.re(r'the admin ends the cooldown of "(?P<name>\w+)"'))
def ends_the_rest(salle: Salle, name: str) -> None:
    path = f"/api/admin/fencers/{salle.followed[name]['page_id']}/reset-cooldown"
    assert salle.people.ask(ADMIN, "POST", path).status_code == httpx.codes.ACCEPTED


@then(parsers.re(r'the latest fetch of "(?P<name>\w+)" succeeded'))
def succeeded(salle: Salle, name: str) -> None:
    shown = salle.people.read("Ada", salle.followed[name]["path"])["tracked"]
    assert (shown["status"], shown["reason"]) == ("completed", None)


@then(parsers.re(r'the latest fetch of "(?P<name>\w+)" failed with "(?P<reason>\w+)"'))
def failed(salle: Salle, name: str, reason: str) -> None:
    shown = salle.people.read("Ada", salle.followed[name]["path"])["tracked"]
    assert (shown["status"], shown["reason"]) == ("failed", reason)


# ---- digests ----


@then(parsers.re(r"Ada's digest has (?P<count>\d+|no) entr(?:y|ies)"))
def tells(salle: Salle, count: str) -> None:
    assert salle.digest()["entries"] == (0 if count == "no" else int(count))


@then(
    parsers.re(
        r'the section (?P<club>of the club )?"(?P<section>[\w ]+)" lists "(?P<name>\w+)" '
        r'(?:with the note "(?P<note>[\w ]+)"|(?P<bare>without a note)|as (?P<label>\w+))'
    )
)
def under(salle: Salle, section: str, name: str, note: str | None, bare: str | None, label: str | None) -> None:
    (found,) = [one for one in salle.digest()["sections"] if one["title"] == section]
    entries = [entry for group in found["groups"] for entry in group["entries"] if entry["title"].startswith(name)]
    (entry,) = entries
    assert re.search(r"\((JNRWE|DV1MF|Y12MS)\)", entry["detail"])
    if label is not None:
        assert entry["label"] == label
    else:
        assert entry["note"] == (note or "")


@then(parsers.re(r"the entry has the new date of the (?P<weapon>\w+) event"))
def names_the_new_day(salle: Salle, weapon: str) -> None:
    day = salle.moved_to
    assert day is not None
    (entry,) = [e for s in salle.digest()["sections"] for g in s["groups"] for e in g["entries"]]
    assert EVENTS[weapon] in entry["detail"]
    assert f"{day.day} {day:%b %Y}" in entry["detail"]


@when("Ada asks for a daily digest")
def asks_for_digest(salle: Salle) -> None:
    salle.people.answers = [salle.people.ask("Ada", "PUT", "/api/users/me/digest", {"period": "daily"})]


@when("a visitor uses an invented unsubscribe link")
def invented_link(salle: Salle) -> None:
    salle.people.answers = [salle.people.send("POST", f"/api/digest/unsubscribe?token={'A' * 43}")]
