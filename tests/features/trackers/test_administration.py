"""features/trackers/administration.feature"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.trackers.conftest import names
from tests.features.trackers.members import Members
from tests.features.trackers.story import Story
from tests.features.users.people import ADMIN

scenarios(str(Path(__file__).parents[3] / "features/trackers/administration.feature"))

TRACKERS: Final = "/api/admin/trackers"
SOURCES: Final = "/api/admin/sources"
GAMES: Final = f"{SOURCES}/games"
ASKS: Final[dict[str, tuple[str, str, Any]]] = {
    "everybody's trackers": ("GET", TRACKERS, None),
    "the scraping status": ("GET", f"{TRACKERS}/scraping-status", None),
    "the scraping logs": ("GET", f"{TRACKERS}/scraping-logs", None),
    "the sources": ("GET", SOURCES, None),
    "a batch refresh": ("POST", f"{TRACKERS}/batch-refresh", {"tracker_ids": [str(uuid4())]}),
    "a pause of the games' site": ("POST", f"{GAMES}/pause", {}),
    "a reset of the breaker": ("POST", f"{GAMES}/close-breaker", None),
    "a redrive of dead letters": ("POST", f"{GAMES}/redrive", None),
}
ACTS: Final[dict[str, tuple[str, Any]]] = {
    "paused": ("pause", {}),
    "resumed": ("resume", None),
    "redriven": ("redrive", None),
    "breaker-closed": ("close-breaker", None),
}


@dataclass
class Office:
    """The admin of one scenario, and what they saw."""

    members: Members
    before: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)
    paused: bool = False

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.members.ask(ADMIN, method, path, body)

    def told(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.ask(method, path, body)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def transfer(self, player: str, to: str, *, whose: str | None, who: str = ADMIN) -> httpx.Response:
        path = f"{TRACKERS}/{self.members.tracker_of(player, whose)}/transfer"
        return self.members.ask(who, "POST", path, {"user_id": self.members.people.logins[to].user_id})

    def merge(self, player: str, into: str) -> httpx.Response:
        path = f"{TRACKERS}/accounts/{self.account_of(player)}/merge"
        return self.ask("POST", path, {"into": self.account_of(into)})

    def account_of(self, player: str) -> str:
        tracker = self.members.story.tracker(player)
        items = self.told("GET", f"{TRACKERS}?user_id={tracker['user_id']}")["items"]
        return str(next(one["account_id"] for one in items if one["id"] == tracker["id"]))


@pytest.fixture
def office(members: Members) -> Iterator[Office]:
    made = Office(members)
    yield made
    if made.paused:
        made.told("POST", f"{GAMES}/resume")


# ---- who may ----


@when(parsers.re(rf"(?P<who>[A-Z]\w+|the bot) requests (?P<what>{'|'.join(ASKS)})"))
def asks_for(members: Members, who: str, what: str) -> None:
    method, path, body = ASKS[what]
    if who == "the bot":
        members.story.answered(members.people.bot(method, path, body))
    else:
        members.ask(who, method, path, body)


# ---- reading ----


@when(parsers.parse('the admin lists {whose}\'s trackers with "{query}"'))
def lists(office: Office, whose: str, query: str) -> None:
    office.ask("GET", f"{TRACKERS}?user_id={office.members.people.logins[whose].user_id}&{query}")


@then(parsers.re(r'he sees (?P<players>"[^"]+"(?: and "[^"]+")*|nothing)'))
def sees(members: Members, players: str) -> None:
    page = members.story.answer.json()
    assert members.shown(page["items"]) == names(players)
    assert page["total"] == len(names(players))


@when(parsers.parse('the admin reads the scraping logs of "{player}"'))
def reads_logs(office: Office, player: str) -> None:
    office.now = office.told("GET", f"{TRACKERS}/scraping-logs?tracker_id={office.members.tracker_of(player)}")


@then(parsers.parse("they show failed: {reason:w}, completed"))
def logs_tell(office: Office, reason: str) -> None:
    told = [(one["status"], one["reason"], one["trigger"]) for one in office.now["items"]]
    assert told == [("failed", reason, "request"), ("completed", None, "registration")]
    assert [bool(one["error"]) for one in office.now["items"]] == [True, False]


@given("the admin has read the scraping status")
def has_read_status(office: Office) -> None:
    office.before = office.told("GET", f"{TRACKERS}/scraping-status")


@when("the admin reads the scraping status")
def reads_status(office: Office) -> None:
    office.now = office.told("GET", f"{TRACKERS}/scraping-status")


@then(parsers.parse("there is {completed:d} more completed, and {failed:d} more failed: {reason:w}"))
def counts_moved(office: Office, completed: int, failed: int, reason: str) -> None:
    def more(which: str, name: str) -> int:
        return int(office.now[which].get(name, 0)) - int(office.before[which].get(name, 0))

    assert (more("by_status", "completed"), more("by_status", "failed")) == (completed, failed)
    assert more("by_reason", reason) == failed
    assert office.now["total"] == sum(office.now["by_status"].values()) == office.before["total"] + completed + failed


# ---- looking, removing ----


@when(parsers.parse('the admin refreshes "{player}" at once'))
def refreshes_at_once(office: Office, player: str) -> None:
    told = office.told("POST", f"{TRACKERS}/{office.members.tracker_of(player)}/refresh")
    office.members.story.given.append((office.members.story.marked(player), told["task_id"]))


@when("the admin refreshes all of them")
def refreshes_all(office: Office) -> None:
    ids = [made.tracker["id"] for made in office.members.story.made]
    office.ask("POST", f"{TRACKERS}/batch-refresh", {"tracker_ids": ids})


@when("the admin refreshes the guild's failed trackers")
def refreshes_failed(office: Office) -> None:
    office.ask("POST", f"{TRACKERS}/batch-refresh", {"guild_id": office.members.guild_id, "status": "failed"})


@when("the admin refreshes a batch without a selection")
def refreshes_nothing(office: Office) -> None:
    office.ask("POST", f"{TRACKERS}/batch-refresh", {})


@then(parsers.parse("{queued:d} account is boosted and {left:d} left out"))
def is_put_ahead(story: Story, queued: int, left: int) -> None:
    assert story.answer.status_code == httpx.codes.ACCEPTED, story.answer.text
    assert story.answer.json() == {"queued": queued, "left_out": left}


@when(parsers.parse('the admin removes "{player}" through the admin API'))
def removes(office: Office, player: str) -> None:
    answer = office.ask("DELETE", f"{TRACKERS}/{office.members.tracker_of(player)}")
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text


# ---- transferring, merging ----


@when(parsers.re(r'(?P<who>the admin|Ada) transfers (?:(?P<whose>\w+)\'s )?"(?P<player>[^"]+)" to (?P<to>\w+)'))
def transfers(office: Office, who: str, whose: str | None, player: str, to: str) -> None:
    office.transfer(player, to, whose=whose, who=who)


@given(parsers.parse('the admin has transferred "{player}" to {to}'))
def has_transferred(office: Office, player: str, to: str) -> None:
    assert office.transfer(player, to, whose=None).is_success


@when(parsers.parse('the admin merges "{player}" into "{into}"'))
def merges(office: Office, player: str, into: str) -> None:
    office.merge(player, into)


@given(parsers.parse('the admin has merged "{player}" into "{into}"'))
def has_merged(office: Office, player: str, into: str) -> None:
    answer = office.merge(player, into)
    assert answer.is_success, answer.text


# ---- sources ----


@given(parsers.parse('the admin has paused the games\' site, because "{why}"'))
def has_paused(office: Office, why: str) -> None:
    office.paused = True
    office.told("POST", f"{GAMES}/pause", {"reason": why})


@when("the admin resumes the games' site")
def resumes(office: Office) -> None:
    assert office.told("POST", f"{GAMES}/resume") == {"was_paused": True}
    office.paused = False


@when("the admin closes the breaker")
def closes_breaker(office: Office) -> None:
    assert office.told("POST", f"{GAMES}/close-breaker") == {"was_open": True}


@when(parsers.parse('the admin has the source "{name}" {act}'))
def acts_on(office: Office, name: str, act: str) -> None:
    path, body = ACTS[act]
    office.ask("POST", f"{SOURCES}/{name}/{path}", body)


@given("the admin has read the status of the games' site")
def has_looked(office: Office) -> None:
    office.before = office.told("GET", GAMES)


@then(parsers.parse('the source is paused, because "{why}"'))
def is_paused(office: Office, why: str) -> None:
    assert office.told("GET", GAMES)["paused"]["reason"] == why


@then(parsers.parse("the source's breaker is {state:w}"))
def breaker_is(office: Office, state: str) -> None:
    breaker = office.told("GET", GAMES)["breaker"]
    assert breaker["state"] == state
    assert bool(breaker["seconds_left"]) is (state == "open")


@then(parsers.parse("its last failure is {reason:w}"))
def last_failure_is(office: Office, reason: str) -> None:
    assert office.told("GET", GAMES)["last_failure"]["reason"] == reason


@then(parsers.parse("the source shows {count:d} more runs in the last hour"))
def tells_of_runs(office: Office, count: int) -> None:
    now = office.told("GET", GAMES)
    (listed,) = (one for one in office.told("GET", SOURCES)["items"] if one["name"] == "games")
    assert listed["last_hour"] == now["last_hour"]
    assert now["last_hour"]["runs"] - office.before["last_hour"]["runs"] == count
