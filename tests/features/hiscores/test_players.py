"""features/hiscores/players.feature"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
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


@when(parsers.re(rf"{WHO} adds {PLAYER} and accepts an unverified player"))
def adds_waiting(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "POST", "/api/players?accept_unverified=true", {"username": cast.own(player)})


@when(parsers.re(rf"{WHO} adds {PLAYER} as (?P<mode>\w+)"))
def adds_as(cast: Cast, who: str, player: str, mode: str) -> None:
    cast.ask(who, "POST", "/api/players", {"username": cast.own(player), "mode": mode})


@then(parsers.re(r"the player is tracked, and the hiscores were asked once(?P<more> more)?"))
def tracked(cast: Cast, more: str | None) -> None:
    assert cast.answer.status_code == httpx.codes.CREATED, cast.answer.text
    player = cast.answer.json()
    assert (player["status"], player["verified"], player["fetches"]) == ("completed", True, 1)
    assert cast.visits(player["username"]) == (2 if more else 1)


@then("the player is tracked, but not verified")
def tracked_unverified(cast: Cast) -> None:
    assert cast.answer.status_code == httpx.codes.CREATED, cast.answer.text
    assert cast.answer.json()["verified"] is False


@then(parsers.re(rf"{PLAYER} is at (?P<kills>\d+) kills of Vorkath"))
def stands_at_kills(cast: Cast, player: str, kills: str) -> None:
    bosses = cast.read("Ada", player, "/stats")["stats"]["bosses"]
    assert [boss["score"] for boss in bosses if boss["metric"] == "vorkath"] == [int(kills)]


@then(parsers.re(rf"{PLAYER} has no stats yet"))
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


@when(parsers.re(rf"{WHO} moves {PLAYER} to the game mode (?P<mode>\w+)"))
def moves(cast: Cast, who: str, player: str, mode: str) -> None:
    cast.ask(who, "PATCH", cast.path(player), {"mode": mode})


@when(parsers.re(rf"{WHO} removes {PLAYER}"))
def removes(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "DELETE", cast.path(player))


@when(parsers.re(rf"{WHO} requests a fetch of {PLAYER}"))
def asks_for_a_look(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "POST", cast.path(player, "/fetch"))


@then("the answer has a task and an estimate")
def has_task(cast: Cast) -> None:
    assert cast.answer.status_code == httpx.codes.ACCEPTED, cast.answer.text
    given_out = cast.answer.json()
    assert given_out["estimated_seconds"] >= 0
    assert given_out["estimated_at"]
    cast.task = given_out["task_id"]


@when("the worker has fetched the players")
def worker_has_looked(cast: Cast) -> None:
    cast.people.service.look([cast.task])


# ---- reading, with a login and without ----


@when(parsers.re(rf"{WHO} lists the players whose names begin with {PLAYER}"))
def lists(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "GET", f"/api/players?{httpx.QueryParams(begins_with=cast.own(player))}")


@then(parsers.re(rf"only {PLAYER} is listed"))
def is_listed(cast: Cast, player: str) -> None:
    assert cast.answer.status_code == httpx.codes.OK, cast.answer.text
    assert [one["display_name"] for one in cast.answer.json()["items"]] == [cast.own(player)]


@when(parsers.re(rf"{WHO} reads {PLAYER}"))
def reads(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "GET", cast.path(player))


@then(parsers.re(rf"{PLAYER} is shown as (?P<status>\w+)"))
def is_shown(cast: Cast, player: str, status: str) -> None:
    assert cast.answer.status_code == httpx.codes.OK, cast.answer.text
    assert (cast.answer.json()["display_name"], cast.answer.json()["status"]) == (cast.own(player), status)


@when(parsers.re(rf"somebody without a login (?P<does>\w+) {PLAYER}"))
def without_login(cast: Cast, does: str, player: str) -> None:
    own = cast.own(player)
    method, path, body = {
        "adds": ("POST", "/api/players", {"username": own}),
        "lists": ("GET", f"/api/players?{httpx.QueryParams(begins_with=own)}", None),
        "reads": ("GET", cast.path(player), None),
        "fetches": ("POST", cast.path(player, "/fetch"), None),
        "removes": ("DELETE", cast.path(player), None),
    }[does]
    cast.answers.append(cast.people.send(method, path, body))


# ---- on schedule ----


@given(parsers.re(rf"{WHO} has deactivated {PLAYER}"))
def has_deactivated(cast: Cast, who: str, player: str) -> None:
    cast.ask(who, "PATCH", cast.path(player), {"active": False})
    assert cast.answer.status_code == httpx.codes.OK, cast.answer.text


@given(parsers.re(rf"{PLAYER} is missing from the hiscores"))
def is_gone(cast: Cast, player: str) -> None:
    cast.site.remove_player(cast.own(player))


@when("the hiscores are up again")
def in_order(cast: Cast) -> None:
    cast.people.service.simulated.clear_faults()


@when(parsers.parse("the worker has run {hours:d} hours later"))
def worker_looks_later(cast: Cast, hours: int) -> None:
    cast.people.service.own_worker.burst(later=timedelta(hours=hours))


@when(parsers.re(r"2 workers fetch with a delay of (?P<delay>[\d.]+) seconds and a jitter of (?P<jitter>[\d.]+)"))
def workers_look(cast: Cast, delay: str, jitter: str) -> None:
    pace = {"TRACKERS_HISCORES_DELAY": delay, "TRACKERS_HISCORES_JITTER": jitter}
    cast.asked = len(cast.site.requests("/m="))
    workers = [cast.people.service.own_worker.in_background(pace) for _ in range(2)]
    for worker in workers:
        worker.join()


@then(parsers.re(r"the requests to the hiscores are at least (?P<seconds>[\d.]+) seconds apart"))
def not_closer(cast: Cast, seconds: str) -> None:
    times = [request.time for request in cast.site.requests("/m=")[cast.asked :]]
    assert len(times) > 1
    assert min(later - earlier for earlier, later in pairwise(times)) >= float(seconds)


@then(parsers.re(rf"the hiscores were asked for {PLAYER} (?P<times>once|twice)"))
def asked_for(cast: Cast, player: str, times: str) -> None:
    assert cast.visits(player) == {"once": 1, "twice": 2}[times]


def wait_of(cast: Cast, player: str) -> timedelta:
    """From the last attempt to the next one."""
    found = cast.read("Ada", player)
    return datetime.fromisoformat(found["next_fetch_at"]) - datetime.fromisoformat(found["last_attempt_at"])


@then(parsers.re(rf"{PLAYER} has failed with (?P<reason>\w+) and has a next attempt"))
def is_failed(cast: Cast, player: str, reason: str) -> None:
    found = cast.read("Ada", player)
    assert (found["status"], found["reason"]) == ("failed", reason)
    cast.wait = wait_of(cast, player)
    assert cast.wait > timedelta(0)


@then(parsers.re(rf"the wait until the next attempt for {PLAYER} is longer than before"))
def is_further_away(cast: Cast, player: str) -> None:
    assert wait_of(cast, player) > cast.wait


@then(parsers.re(rf"{PLAYER} is completed"))
def is_completed(cast: Cast, player: str) -> None:
    assert cast.read("Ada", player)["status"] == "completed"
