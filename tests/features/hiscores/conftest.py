"""Steps that the features of the hiscores share."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from pytest_bdd import given, parsers, then, when
from tests.features.hiscores.cast import Cast
from tests.features.service import Service
from tests.features.users.people import ADMIN, People
from tests.features.users.people import names as people_in

PLAYER = r'"(?P<player>[^"]+)"'
WHO = r"(?P<who>Ada|Ben|Cleo)"


@pytest.fixture
def cast(service: Service, admin_token: Callable[[], str]) -> Iterator[Cast]:
    if service.worker is not None:
        service.worker.rest()
    people = People(service, admin_token)
    made = Cast(people)
    if service.sites is not None:
        made.asked = len(made.site.requests("/m="))
    yield made
    if service.sites is not None:
        service.sites.clear_faults()
    for boss in made.bosses:  # the list is as long again as others know it
        made.site.remove_activity(boss)
        people.ask(ADMIN, "POST", "/api/admin/players/tables/regular/accept")
    people.end()


# ---- the site ----


@given(
    parsers.re(
        rf"the hiscores list {PLAYER}(?: with (?P<xp>\d+) experience in Slayer"
        r"(?: and (?P<kills>\d+) kills of Vorkath)?)?(?: as (?P<mode>\w+))?$"
    )
)
def site_knows(cast: Cast, player: str, xp: str | None, kills: str | None, mode: str | None) -> None:
    skills = {"Slayer": int(xp)} if xp else {}
    scores = {"Vorkath": int(kills)} if kills else {}
    cast.site.add_player(cast.own(player), mode=mode or "regular", xp=skills, scores=scores)


@given("the hiscores are down")
def out_of_order(cast: Cast) -> None:
    cast.site.fault("/m=*", "unavailable")


@given("the hiscores answer with an unreadable body")
def answer_with_something_else(cast: Cast) -> None:
    cast.site.fault("/m=*", "changed")


@given(parsers.re(rf"{PLAYER} gains (?P<xp>\d+) experience in Slayer and (?P<kills>\d+) kills? of Vorkath"))
@when(parsers.re(rf"{PLAYER} gains (?P<xp>\d+) experience in Slayer and (?P<kills>\d+) kills? of Vorkath"))
def plays(cast: Cast, player: str, xp: str, kills: str) -> None:
    cast.site.play(cast.own(player), xp={"Slayer": int(xp)}, scores={"Vorkath": int(kills)})


# ---- people ----


@given(parsers.re(r"(?P<named>\w+(?: and \w+)?) ha(?:s a login|ve logins)"))
def have_logins(cast: Cast, named: str) -> None:
    for person in people_in(named):
        assert cast.people.register(person).status_code == httpx.codes.CREATED


@when(parsers.re(rf"{WHO} adds {PLAYER}"))
def adds(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "POST", "/api/players", {"username": cast.own(player)})


@given(parsers.re(rf"{WHO} has added {PLAYER}"))
def has_added(cast: Cast, who: str, player: str) -> None:
    adds(cast, who, player)
    assert cast.answer.status_code == httpx.codes.CREATED, cast.answer.text


# ---- fetches ----


@given(parsers.re(rf"the worker has fetched {PLAYER} again"))
@when(parsers.re(rf"the worker has fetched {PLAYER} again"))
def looked_again(cast: Cast, player: str) -> None:
    asked = cast.people.ask("Ada", "POST", cast.path(player, "/fetch"))
    assert asked.status_code == httpx.codes.ACCEPTED, asked.text
    cast.task = asked.json()["task_id"]
    cast.people.service.look([cast.task])


# ---- what was answered ----


@then(parsers.re(r"the request is refused with (?P<status>\d{3}) (?P<code>\w+)"))
def refused(cast: Cast, status: str, code: str) -> None:
    assert cast.answer.status_code == int(status), cast.answer.text
    assert cast.answer.headers["content-type"] == "application/problem+json"
    assert cast.answer.json()["code"] == code


@then("the task is completed")
def task_completed(cast: Cast) -> None:
    assert cast.people.service.status_of(cast.task) == "completed"


@then(parsers.re(rf"{PLAYER} is at (?P<xp>\d+) experience and level (?P<level>\d+) in Slayer"))
def stands_at(cast: Cast, player: str, xp: str, level: str) -> None:
    skills = cast.read("Ada", player, "/stats")["stats"]["skills"]
    (slayer,) = [skill for skill in skills if skill["skill"] == "slayer"]
    assert (slayer["xp"], slayer["level"]) == (int(xp), int(level))


@then("the request succeeds")
def done(cast: Cast) -> None:
    assert cast.answer.status_code < httpx.codes.BAD_REQUEST, cast.answer.text


@then(parsers.re(rf"{PLAYER} is not tracked"))
def not_tracked(cast: Cast, player: str) -> None:
    answer = cast.people.ask("Ada", "GET", cast.path(player))
    assert (answer.status_code, answer.json()["code"]) == (404, "player_not_found")
