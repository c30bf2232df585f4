"""features/users/guilds.feature"""

import json
import re
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.service import Service

scenarios(str(Path(__file__).parents[3] / "features/users/guilds.feature"))

DEFAULTS = {
    "tracker_processing": True,
    "rating_formula": {"kind": "ascendancy", "current_weight": 0.25, "peak_weight": 0.75},
    "notification_channel_id": None,
}
NAMES = r"(?P<people>[A-Z]\w+(?:, [A-Z]\w+)*(?: and [A-Z]\w+)?)"
DOES: dict[str, tuple[str, str, Any]] = {
    "reads": ("GET", "", None),
    "leaves": ("DELETE", "", None),
    "reads the members of": ("GET", "/members", None),
    "puts members into": ("PUT", "/members", {"members": []}),
    "removes members from": ("POST", "/members/remove", {"user_ids": []}),
}


def snowflake() -> str:
    return str(secrets.randbelow(8 * 10**18) + 10**18)


def names(words: str) -> list[str]:
    """The people in `Ada, Ben and Cleo`."""
    return re.findall(r"[A-Z]\w+", words)


@dataclass
class Club:
    """One scenario's guild and people, under ids that no other scenario has, and what was answered."""

    service: Service
    guild_id: str = field(default_factory=snowflake)
    answers: list[httpx.Response] = field(default_factory=list)
    """Of the latest step that asked something."""
    made_at: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

    def id_of(self, person: str) -> str:
        """A person's Discord id."""
        return self._ids.setdefault(person, snowflake())

    def bot(self, method: str, path: str = "", body: Any = None, *, guild_id: str | None = None) -> httpx.Response:
        return self.service.http.request(method, f"/internal/guilds/{guild_id or self.guild_id}{path}", json=body)

    def ask(self, person: str, method: str, path: str = "", body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[person]}"}
        return self.service.http.request(method, f"/api/guilds{path}", json=body, headers=headers)

    def put(self, name: str, **settings: Any) -> httpx.Response:
        answer = self.bot("PUT", "", {"name": name, **settings})
        if answer.status_code == httpx.codes.OK:
            self.made_at.append(answer.json()["created_at"])
        return answer

    def put_people(self, people: Sequence[str], *, admins: Sequence[str] = (), called: str = "") -> httpx.Response:
        members: list[dict[str, Any]] = [
            {"user_id": self.id_of(person), "admin": person in admins, "user_data": {"username": called or person}}
            for person in people
        ]
        return self.bot("PUT", "/members", {"members": members})

    def together(self, *asks: Any) -> None:
        """Ask several things at the same moment."""
        with ThreadPoolExecutor(len(asks)) as crowd:
            self.answers = [future.result() for future in [crowd.submit(ask) for ask in asks]]

    def log_in(self, person: str) -> None:
        """The person asks the bot for a code, and makes a login with it."""
        made = self.service.http.post("/internal/users/claim-codes", json={"user_id": self.id_of(person)})
        assert made.status_code == httpx.codes.CREATED, made.text
        registered = self.service.http.post(
            "/api/auth/register",
            headers={"Authorization": ""},
            json={
                "username": f"{person}-{secrets.token_hex(6)}",
                "password": secrets.token_urlsafe(16),
                "claim_code": made.json()["code"],
            },
        )
        assert registered.status_code == httpx.codes.CREATED, registered.text
        self.tokens[person] = registered.json()["access_token"]

    @property
    def answer(self) -> httpx.Response:
        assert len(self.answers) == 1
        return self.answers[0]

    @property
    def guild(self) -> dict[str, Any]:
        """The guild as it stands."""
        shown: dict[str, Any] = self.service.read(f"/internal/guilds/{self.guild_id}")
        return shown

    def members(self, query: str = "per_page=200") -> dict[str, Any]:
        shown: dict[str, Any] = self.service.read(f"/internal/guilds/{self.guild_id}/members?{query}")
        return shown


@pytest.fixture
def club(service: Service) -> Club:
    return Club(service)


# ---- the guild ----


@given(parsers.parse('the bot has put the guild "{name}"'))
@when(parsers.re(r'the bot puts the guild "(?P<name>[^"]+)"'))
@when(parsers.re(r'the bot puts it again as "(?P<name>[^"]+)"'))
def puts(club: Club, name: str) -> None:
    club.answers = [club.put(name)]
    assert club.answer.status_code == 200, club.answer.text


@when(parsers.re(r"the bot puts it with the settings (?P<settings>\{.*\})"))
def puts_settings(club: Club, settings: str) -> None:
    club.answers = [club.put("Comet Club", settings=json.loads(settings))]


@given(parsers.re(r"the bot has put it with the settings (?P<settings>\{.*\})"))
def has_put_settings(club: Club, settings: str) -> None:
    puts_settings(club, settings)
    assert club.answer.status_code == 200, club.answer.text


@when(parsers.parse('the bot puts the guild "{name}" {times:d} times at the same moment'))
def puts_at_once(club: Club, name: str, times: int) -> None:
    club.together(*[partial(club.put, name)] * times)


@when(parsers.parse('the bot puts a guild with the id "{guild_id}"'))
def puts_id(club: Club, guild_id: str) -> None:
    club.answers = [club.bot("PUT", "", {"name": "Comet Club"}, guild_id=guild_id)]


@when(parsers.re(r"the bot (?P<does>[\w ]+) a guild that there is not"))
def asks_for_nothing(club: Club, does: str) -> None:
    method, path, body = DOES[does]
    club.answers = [club.bot(method, path, body)]


@when("the bot leaves the guild")
def leaves(club: Club) -> None:
    assert club.bot("DELETE").status_code == 204


# ---- its members ----


@given(parsers.re(rf"{NAMES} (?:is|are) in it"))
@when(parsers.re(rf"the bot puts {NAMES} into it"))
def puts_people(club: Club, people: str) -> None:
    club.answers = [club.put_people(names(people))]


@when(parsers.re(r"the bot puts (?P<admin>\w+) as an admin, (?P<people>.+) into it"))
def puts_admin(club: Club, admin: str, people: str) -> None:
    club.answers = [club.put_people([admin, *names(people)], admins=[admin])]


@given(parsers.re(r"(?P<admin>\w+) runs it and (?P<person>\w+) is in it"))
def runs_and_is_in(club: Club, admin: str, person: str) -> None:
    assert club.put_people([admin, person], admins=[admin]).status_code == 200


@when(parsers.parse("the bot puts {count:d} people into it"))
def puts_many(club: Club, count: int) -> None:
    club.answers = [club.put_people([f"Extra {number}" for number in range(count)])]


@given(parsers.parse('{count:d} people called "{name}" are in it'))
def called(club: Club, count: int, name: str) -> None:
    assert club.put_people([f"Extra {number}" for number in range(count)], called=name).status_code == 200


@when(parsers.parse("the bot puts {count:d} people into it twice at the same moment, in opposite order"))
def puts_in_opposite_order(club: Club, count: int) -> None:
    people = [f"Extra {number}" for number in range(count)]
    for person in people:
        club.id_of(person)
    club.together(partial(club.put_people, people), partial(club.put_people, people[::-1]))


@when(parsers.re(rf"the bot removes {NAMES} from it"))
def removes(club: Club, people: str) -> None:
    club.answers = [club.bot("POST", "/members/remove", {"user_ids": [club.id_of(who) for who in names(people)]})]


# ---- the people in it ----


@given(parsers.re(rf"{NAMES} can log in"))
def can_log_in(club: Club, people: str) -> None:
    for person in names(people):
        club.log_in(person)


@when(parsers.re(r"(?P<person>\w+) changes the settings to (?P<change>\{.*\})"))
def changes(club: Club, person: str, change: str) -> None:
    club.answers = [club.ask(person, "PATCH", f"/{club.guild_id}/settings", json.loads(change))]


@given(parsers.re(r"(?P<person>\w+) has changed the settings to (?P<change>\{.*\})"))
def has_changed(club: Club, person: str, change: str) -> None:
    changes(club, person, change)
    assert club.answer.status_code == 200, club.answer.text


# ---- what is answered ----


@then(parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)"'), converters={"status": int})
def is_refused(club: Club, status: int, code: str) -> None:
    problem = club.answer.json()
    assert (club.answer.status_code, problem["code"]) == (status, code), club.answer.text
    assert club.answer.headers["content-type"].startswith("application/problem+json")
    assert problem["detail"]


@then(
    parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)", and the answer names "(?P<what>[^"]+)"'),
    converters={"status": int},
)
def is_refused_naming(club: Club, status: int, code: str, what: str) -> None:
    is_refused(club, status, code)
    assert any(error["field"].endswith(what) for error in club.answer.json()["errors"]), club.answer.text


@then(
    parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)", and the answer names (?P<person>[A-Z]\w+)'),
    converters={"status": int},
)
def is_refused_for(club: Club, status: int, code: str, person: str) -> None:
    is_refused(club, status, code)
    assert club.answer.json()["user_id"] == club.id_of(person)
    assert club.id_of(person) in club.answer.json()["detail"]


@then(parsers.parse('the answer says "{why}"'))
def says(club: Club, why: str) -> None:
    assert why in club.answer.json()["detail"]


@then("every answer is 200")
def all_are_200(club: Club) -> None:
    assert {answer.status_code for answer in club.answers} == {200}, [answer.text for answer in club.answers]


@then("they all tell of the same moment at which it was made")
def same_moment(club: Club) -> None:
    assert {answer.json()["created_at"] for answer in club.answers} == {club.guild["created_at"]}


@then(parsers.parse("{added:d} was added, {updated:d} updated and {unchanged:d} left as they were"))
def counts(club: Club, added: int, updated: int, unchanged: int) -> None:
    assert club.answer.json() == {"added": added, "updated": updated, "unchanged": unchanged}, club.answer.text


@then(parsers.parse("{count:d} was removed"))
def removed(club: Club, count: int) -> None:
    assert club.answer.json() == {"removed": count}


# ---- how things stand ----


@then(parsers.parse('the guild is called "{name}"'))
def is_called(club: Club, name: str) -> None:
    assert (club.guild["id"], club.guild["name"]) == (club.guild_id, name)


@then("it was made when it was made first")
def made_first(club: Club) -> None:
    assert len(club.made_at) == 2
    assert {*club.made_at, club.guild["created_at"]} == {club.made_at[0]}


@then("it follows every default")
def follows_defaults(club: Club) -> None:
    assert club.guild["settings"] == DEFAULTS


@then(parsers.re(r"its setting (?P<name>\w+) is (?P<value>.+)"))
def setting_is(club: Club, name: str, value: str) -> None:
    assert club.answer.status_code == 200, club.answer.text
    assert club.guild["settings"][name] == json.loads(value)


@then(parsers.re(r"its rating formula has (?P<known>\{.*\})"))
def formula_has(club: Club, known: str) -> None:
    assert club.answer.status_code == 200, club.answer.text
    formula = club.guild["settings"]["rating_formula"]
    assert json.loads(known).items() <= formula.items()


@then("there is no such guild any more")
def is_gone(club: Club) -> None:
    assert club.bot("GET").json()["code"] == "guild_not_found"


@then("a guild of that id that the bot puts later is empty")
def starts_empty(club: Club) -> None:
    assert club.put("Comet Club").status_code == 200
    assert club.members()["total"] == 0


@then(parsers.re(rf"{NAMES} (?:is|are) in the guild"))
def are_in(club: Club, people: str) -> None:
    assert {member["external_id"] for member in club.members()["items"]} == {club.id_of(who) for who in names(people)}


@then("nobody is in the guild")
def nobody_is_in(club: Club) -> None:
    assert club.members()["total"] == 0


@then(parsers.parse("{count:d} people are in the guild"))
def so_many_are_in(club: Club, count: int) -> None:
    assert club.members()["total"] == count


@then(parsers.parse("{person:w} runs it"))
def runs(club: Club, person: str) -> None:
    assert [member["external_id"] for member in club.members("admin=true")["items"]] == [club.id_of(person)]


@then(parsers.parse('asked for "{name}" in pages of {size:d}, the guild shows {pages} of {total:d}'))
def shows_pages(club: Club, name: str, size: int, pages: str, total: int) -> None:
    expected = [int(count) for count in re.findall(r"\d+", pages)]
    shown = [club.members(f"username={name}&per_page={size}&page={page + 1}") for page in range(len(expected))]
    assert [len(page["items"]) for page in shown] == expected
    assert {page["total"] for page in shown} == {total}
    assert len({member["user_id"] for page in shown for member in page["items"]}) == total


@then(parsers.re(r'(?P<person>\w+) is told that (?:s?he) (?P<place>runs|is in) "(?P<name>[^"]+)"'))
def is_told(club: Club, person: str, place: str, name: str) -> None:
    (mine,) = club.ask(person, "GET").json()["items"]
    assert (mine["id"], mine["name"], mine["admin"]) == (club.guild_id, name, place == "runs")


@then(parsers.parse("{person:w} is told of no guild"))
def told_of_none(club: Club, person: str) -> None:
    assert club.ask(person, "GET").json()["items"] == []


@then(parsers.parse("{person:w} sees the guild, and is refused its members with 403"))
def sees_without_members(club: Club, person: str) -> None:
    assert club.ask(person, "GET", f"/{club.guild_id}").json()["id"] == club.guild_id
    assert club.ask(person, "GET", f"/{club.guild_id}/members").status_code == 403


@then(parsers.parse("{person:w} does not see the guild"))
def does_not_see(club: Club, person: str) -> None:
    for path in ("", "/members"):
        answer = club.ask(person, "GET", f"/{club.guild_id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "guild_not_found")
