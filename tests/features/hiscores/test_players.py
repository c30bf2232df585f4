"""features/hiscores/players.feature"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.hiscores.cast import Cast
from tests.features.hiscores.conftest import PLAYER, WHO

scenarios(str(Path(__file__).parents[3] / "features/hiscores/players.feature"))

SPELT: Final[dict[str, Callable[[str], str]]] = {
    "in small letters": str.lower,
    "with underscores": lambda name: name.replace(" ", "_"),
    "with hyphens": lambda name: name.replace(" ", "-").upper(),
}


@when(parsers.re(rf'{WHO} adds the name "(?P<name>[^"]+)"'))
def adds_name(cast: Cast, who: str, name: str) -> None:
    cast.ask(who, "POST", "/api/players", {"username": name})


@when(parsers.re(rf"{WHO} adds {PLAYER} spelt (?P<how>[a-z ]+)"))
def adds_spelt(cast: Cast, who: str, player: str, how: str) -> None:
    cast.ask(who, "POST", "/api/players", {"username": SPELT[how](cast.own(player))})


@when(parsers.re(rf"{WHO} adds {PLAYER} and lets the player wait"))
def adds_waiting(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "POST", "/api/players?accept_unverified=true", {"username": cast.own(player)})


@when(parsers.re(rf"{WHO} adds {PLAYER} as (?P<mode>\w+)"))
def adds_as(cast: Cast, who: str, player: str, mode: str) -> None:
    cast.ask(who, "POST", "/api/players", {"username": cast.own(player), "mode": mode})


@then(parsers.re(r"the player is tracked, and the hiscores were asked once(?P<more> more)?"))
def tracked(cast: Cast, more: str | None) -> None:
    assert cast.answer.status_code == httpx.codes.CREATED, cast.answer.text
    player = cast.answer.json()
    assert (player["status"], player["verified"], player["looks"]) == ("completed", True, 1)
    assert cast.visits(player["username"]) == (2 if more else 1)


@then("the player is tracked, and nobody knows yet whether there is one")
def tracked_unverified(cast: Cast) -> None:
    assert cast.answer.status_code == httpx.codes.CREATED, cast.answer.text
    assert cast.answer.json()["verified"] is False


@then(parsers.re(rf"{PLAYER} stands at (?P<xp>\d+) experience and level (?P<level>\d+) in Slayer"))
def stands_at(cast: Cast, player: str, xp: str, level: str) -> None:
    skills = cast.read("Ada", player, "/stats")["stats"]["skills"]
    (slayer,) = [skill for skill in skills if skill["skill"] == "slayer"]
    assert (slayer["xp"], slayer["level"]) == (int(xp), int(level))


@then(parsers.re(rf"there are no figures of {PLAYER} yet"))
def no_figures(cast: Cast, player: str) -> None:
    found = cast.read("Ada", player, "/stats")
    assert (found["seen_at"], found["stats"]) == (None, None)


@then("the hiscores were not asked")
def not_asked(cast: Cast) -> None:
    assert len(cast.site.requests("/m=")) == cast.asked


@given(parsers.re(rf"{WHO} has followed {PLAYER}"))
@when(parsers.re(rf"{WHO} follows {PLAYER}"))
def follows(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "PUT", cast.path(player, "/follow"))
    assert cast.answer.status_code == httpx.codes.OK, cast.answer.text


@when(parsers.re(rf"{WHO} takes {PLAYER} off the list"))
def unfollows(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "DELETE", cast.path(player, "/follow"))


@then(parsers.re(rf"{PLAYER} is on (?P<who>\w+)'s list"))
def on_list(cast: Cast, player: str, who: str) -> None:
    found = cast.people.read(who, "/api/players/following")
    assert [one["display_name"] for one in found["items"]] == [cast.own(player)]


@when(parsers.re(rf"{WHO} changes the interval of {PLAYER} to (?P<seconds>\d+)"))
def changes(cast: Cast, who: str, player: str, seconds: str) -> None:
    cast.ask(who, "PATCH", cast.path(player), {"interval": int(seconds)})


@when(parsers.re(rf"{WHO} moves {PLAYER} to the table (?P<mode>\w+)"))
def moves(cast: Cast, who: str, player: str, mode: str) -> None:
    cast.ask(who, "PATCH", cast.path(player), {"mode": mode})


@when(parsers.re(rf"{WHO} removes {PLAYER}"))
def removes(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "DELETE", cast.path(player))


@when(parsers.re(rf"{WHO} asks for a look at {PLAYER}"))
def asks_for_a_look(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "POST", cast.path(player, "/fetch"))


@then("there is a task, and an estimate of when it is done")
def has_task(cast: Cast) -> None:
    assert cast.answer.status_code == httpx.codes.ACCEPTED, cast.answer.text
    given_out = cast.answer.json()
    assert given_out["estimated_seconds"] >= 0
    assert given_out["estimated_at"]
    cast.task = given_out["task_id"]


@when("the worker has looked at the players")
def worker_has_looked(cast: Cast) -> None:
    cast.people.service.look([cast.task])


@then("the task is completed")
def task_completed(cast: Cast) -> None:
    assert cast.people.service.status_of(cast.task) == "completed"
