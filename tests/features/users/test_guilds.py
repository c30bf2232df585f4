"""features/users/guilds.feature"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.service import Service
from tests.features.users.people import NAMES, People, names, snowflake

scenarios(str(Path(__file__).parents[3] / "features/users/guilds.feature"))

DEFAULTS = {
    "tracker_processing": True,
    "rating_formula": {"kind": "ascendancy", "current_weight": 0.25, "peak_weight": 0.75},
    "notification_channel_id": None,
    "manual_snapshots": "confirmed",
}
DOES: dict[str, tuple[str, str, Any]] = {
    "reads": ("GET", "", None),
    "leaves": ("DELETE", "", None),
    "reads the members of": ("GET", "/members", None),
    "puts members into": ("PUT", "/members", {"members": []}),
    "removes members from": ("POST", "/members/remove", {"user_ids": []}),
}


@dataclass
class Club(People):
    """One scenario's guild and people."""

    guild_id: str = field(default_factory=snowflake)
    made_at: list[str] = field(default_factory=list)

    def tell(self, method: str, path: str = "", body: Any = None, *, guild_id: str | None = None) -> httpx.Response:
        """What the bot tells or asks of the guild."""
        return self.bot(method, f"/internal/guilds/{guild_id or self.guild_id}{path}", body)

    def ask_of(self, person: str, method: str, path: str = "", body: Any = None) -> httpx.Response:
        return self.ask(person, method, f"/api/guilds{path}", body)

    def put(self, name: str, **settings: Any) -> httpx.Response:
        answer = self.tell("PUT", "", {"name": name, **settings})
        if answer.status_code == httpx.codes.OK:
            self.made_at.append(answer.json()["created_at"])
        return answer

    def put_people(self, people: Sequence[str], *, admins: Sequence[str] = (), called: str = "") -> httpx.Response:
        members: list[dict[str, Any]] = [
            {"user_id": self.id_of(person), "admin": person in admins, "user_data": {"username": called or person}}
            for person in people
        ]
        return self.tell("PUT", "/members", {"members": members})

    @property
    def guild(self) -> dict[str, Any]:
        """The guild as it stands."""
        shown: dict[str, Any] = self.service.read(f"/internal/guilds/{self.guild_id}")
        return shown

    def members(self, query: str = "per_page=200") -> dict[str, Any]:
        shown: dict[str, Any] = self.service.read(f"/internal/guilds/{self.guild_id}/members?{query}")
        return shown


@pytest.fixture
def club(service: Service, admin_token: Callable[[], str]) -> Iterator[Club]:
    made = Club(service, admin_token)
    yield made
    made.end()


@pytest.fixture
def people(club: Club) -> People:
    """Whom the shared steps speak of."""
    return club


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
    club.answers = [club.tell("PUT", "", {"name": "Comet Club"}, guild_id=guild_id)]


@when(parsers.re(r"the bot (?P<does>[\w ]+) an unknown guild"))
def asks_for_nothing(club: Club, does: str) -> None:
    method, path, body = DOES[does]
    club.answers = [club.tell(method, path, body)]


@when("the bot leaves the guild")
def leaves(club: Club) -> None:
    assert club.tell("DELETE").status_code == 204


# ---- its members ----


@given(parsers.re(rf"{NAMES} (?:is|are) in it"))
@when(parsers.re(rf"the bot puts {NAMES} into it"))
def puts_people(club: Club, named: str) -> None:
    club.answers = [club.put_people(names(named))]


@when(parsers.re(r"the bot puts (?P<admin>\w+) as an admin, (?P<named>.+) into it"))
def puts_admin(club: Club, admin: str, named: str) -> None:
    club.answers = [club.put_people([admin, *names(named)], admins=[admin])]


@given(parsers.re(r"(?P<admin>\w+) is its admin and (?P<person>\w+) is in it"))
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
def removes(club: Club, named: str) -> None:
    club.answers = [club.tell("POST", "/members/remove", {"user_ids": [club.id_of(who) for who in names(named)]})]


# ---- the people in it ----


@given(parsers.re(rf"{NAMES} can log in"))
def can_log_in(club: Club, named: str) -> None:
    for person in names(named):
        assert club.register(person, claim_code=club.code_for(person)).status_code == httpx.codes.CREATED


@when(parsers.re(r"(?P<person>\w+) changes the settings to (?P<change>\{.*\})"))
def changes(club: Club, person: str, change: str) -> None:
    club.answers = [club.ask_of(person, "PATCH", f"/{club.guild_id}/settings", json.loads(change))]


@given(parsers.re(r"(?P<person>\w+) has changed the settings to (?P<change>\{.*\})"))
def has_changed(club: Club, person: str, change: str) -> None:
    changes(club, person, change)
    assert club.answer.status_code == 200, club.answer.text


# ---- what is answered ----


@then(
    parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)", and the answer names "(?P<what>[^"]+)"'),
    converters={"status": int},
)
def is_refused_naming(club: Club, status: int, code: str, what: str) -> None:
    club.refused(status, code)
    assert any(error["field"].endswith(what) for error in club.answer.json()["errors"]), club.answer.text


@then(
    parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)", and the answer names (?P<person>[A-Z]\w+)'),
    converters={"status": int},
)
def is_refused_for(club: Club, status: int, code: str, person: str) -> None:
    club.refused(status, code)
    assert club.answer.json()["user_id"] == club.id_of(person)
    assert club.id_of(person) in club.answer.json()["detail"]


@then("every answer is 200")
def all_are_200(club: Club) -> None:
    assert {answer.status_code for answer in club.answers} == {200}, [answer.text for answer in club.answers]


@then("all answers have the same creation time")
def same_moment(club: Club) -> None:
    assert {answer.json()["created_at"] for answer in club.answers} == {club.guild["created_at"]}


@then(parsers.parse("the answer counts {added:d} added, {updated:d} updated and {unchanged:d} unchanged"))
def counts(club: Club, added: int, updated: int, unchanged: int) -> None:
    assert club.answer.json() == {"added": added, "updated": updated, "unchanged": unchanged}, club.answer.text


@then(parsers.parse("the answer counts {count:d} removed"))
def removed(club: Club, count: int) -> None:
    assert club.answer.json() == {"removed": count}


# ---- how things stand ----


@then(parsers.parse('the guild is called "{name}"'))
def is_called(club: Club, name: str) -> None:
    assert (club.guild["id"], club.guild["name"]) == (club.guild_id, name)


@then("its creation time is unchanged")
def made_first(club: Club) -> None:
    assert len(club.made_at) == 2
    assert {*club.made_at, club.guild["created_at"]} == {club.made_at[0]}


@then("it has the default settings")
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


@then("the guild no longer exists")
def is_gone(club: Club) -> None:
    assert club.tell("GET").json()["code"] == "guild_not_found"


@then("a guild that the bot later puts with the same id has no members")
def starts_empty(club: Club) -> None:
    assert club.put("Comet Club").status_code == 200
    assert club.members()["total"] == 0


@then(parsers.re(rf"{NAMES} (?:is|are) in the guild"))
def are_in(club: Club, named: str) -> None:
    assert {member["external_id"] for member in club.members()["items"]} == {club.id_of(who) for who in names(named)}


@then("nobody is in the guild")
def nobody_is_in(club: Club) -> None:
    assert club.members()["total"] == 0


@then(parsers.parse("{count:d} people are in the guild"))
def so_many_are_in(club: Club, count: int) -> None:
    assert club.members()["total"] == count


@then(parsers.parse("{person:w} is its admin"))
def runs(club: Club, person: str) -> None:
    assert [member["external_id"] for member in club.members("admin=true")["items"]] == [club.id_of(person)]


@then(parsers.parse('a search for "{name}" in pages of {size:d} shows {pages} of {total:d}'))
def shows_pages(club: Club, name: str, size: int, pages: str, total: int) -> None:
    expected = [int(count) for count in re.findall(r"\d+", pages)]
    shown = [club.members(f"username={name}&per_page={size}&page={page + 1}") for page in range(len(expected))]
    assert [len(page["items"]) for page in shown] == expected
    assert {page["total"] for page in shown} == {total}
    assert len({member["user_id"] for page in shown for member in page["items"]}) == total


@then(parsers.re(r'(?P<person>\w+) sees that s?he is (?P<place>an admin|a member) of "(?P<name>[^"]+)"'))
def is_told(club: Club, person: str, place: str, name: str) -> None:
    (mine,) = club.ask_of(person, "GET").json()["items"]
    assert (mine["id"], mine["name"], mine["admin"]) == (club.guild_id, name, place == "an admin")


@then(parsers.parse("{person:w} sees no guilds"))
def told_of_none(club: Club, person: str) -> None:
    assert club.ask_of(person, "GET").json()["items"] == []


@then(parsers.parse("{person:w} sees the guild, but its members are refused with 403"))
def sees_without_members(club: Club, person: str) -> None:
    assert club.ask_of(person, "GET", f"/{club.guild_id}").json()["id"] == club.guild_id
    assert club.ask_of(person, "GET", f"/{club.guild_id}/members").status_code == 403


@then(parsers.parse("{person:w} does not see the guild"))
def does_not_see(club: Club, person: str) -> None:
    for path in ("", "/members"):
        answer = club.ask_of(person, "GET", f"/{club.guild_id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "guild_not_found")
