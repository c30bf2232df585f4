"""features/hiscores/progress.feature"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.hiscores.cast import Cast
from tests.features.hiscores.conftest import PLAYER
from tests.features.users.people import ADMIN

scenarios(str(Path(__file__).parents[3] / "features/hiscores/progress.feature"))


def gain_of(cast: Cast, player: str, metric: str) -> Any:
    history = cast.read("Ada", player, "/history", period="all")
    (found,) = [one for one in history["gains"] if one["metric"] == metric]
    return found


@given(parsers.re(rf"{PLAYER} (?:decreases to|has) (?P<xp>\d+) experience in Slayer(?: again)?"))
def has_experience(cast: Cast, player: str, xp: str) -> None:
    cast.site.set_values(cast.own(player), xp={"Slayer": int(xp)})


@given(parsers.re(r'the game has a new boss "(?P<boss>[^"]+)" before "(?P<other>[^"]+)"'))
def new_boss(cast: Cast, boss: str, other: str) -> None:
    cast.site.add_activity(boss, before=other)
    cast.bosses.append(boss)


@given(parsers.re(rf'{PLAYER} has killed "(?P<boss>[^"]+)" (?P<times>\d+) times'))
def has_killed(cast: Cast, player: str, boss: str, times: str) -> None:
    cast.site.set_values(cast.own(player), scores={boss: int(times)})


@given(parsers.re(rf'{PLAYER} is now called "(?P<now>[^"]+)"'))
def is_called(cast: Cast, player: str, now: str) -> None:
    cast.site.rename_player(cast.own(player), cast.own(now))


@when(parsers.re(rf'the admin renames {PLAYER} to "(?P<now>[^"]+)"'))
def renames(cast: Cast, player: str, now: str) -> None:
    player_id = cast.read("Ada", player)["id"]
    cast.ask(ADMIN, "POST", f"/api/admin/players/{player_id}/rename", {"username": cast.own(now)})


@when(parsers.re(rf'Ada reads the history of {PLAYER} with "(?P<query>[^"]*)"'))
def asks_what(cast: Cast, player: str, query: str) -> None:
    cast.ask("Ada", "GET", f"{cast.path(player, '/history')}?{query}")


@when(parsers.re(rf"Ada reads {PLAYER}"))
def reads(cast: Cast, player: str) -> None:
    cast.ask("Ada", "GET", cast.path(player))


@then(parsers.re(rf"{PLAYER} has (?P<records>\d+) records? of (?P<fetches>\d+) fetches"))
def has_records(cast: Cast, player: str, records: str, fetches: str) -> None:
    found = cast.read("Ada", player)
    assert (found["records"], found["fetches"]) == (int(records), int(fetches))


@then(parsers.re(rf"{PLAYER} gained (?P<one>\d+) in (?P<metric>\w+)(?: and (?P<two>\d+) in (?P<other>\w+))?"))
def gained(cast: Cast, player: str, one: str, metric: str, two: str | None, other: str | None) -> None:
    assert gain_of(cast, player, metric)["gained"] == int(one)
    if two is not None and other is not None:
        assert gain_of(cast, player, other)["gained"] == int(two)


@then(parsers.re(rf"{PLAYER} went from level (?P<before>\d+) to level (?P<after>\d+) in (?P<metric>\w+)"))
def went_up(cast: Cast, player: str, before: str, after: str, metric: str) -> None:
    found = gain_of(cast, player, metric)
    assert (found["level_start"], found["level_end"]) == (int(before), int(after))


def points_of(cast: Cast, player: str, kind: str, metric: str) -> Any:
    return cast.read("Ada", player, f"/history/{kind}/{metric}", period="all")["points"]


@then(
    parsers.re(
        rf"the timeline of the skill (?P<metric>\w+) of {PLAYER} ends with (?P<xp>\d+) at level (?P<level>\d+)"
        r" and (?P<last_xp>\d+) at level (?P<last_level>\d+)"
    )
)
def timeline_ends(cast: Cast, metric: str, player: str, xp: str, level: str, last_xp: str, last_level: str) -> None:
    points = [(point["value"], point["level"]) for point in points_of(cast, player, "skills", metric)]
    assert points == [(int(xp), int(level)), (int(last_xp), int(last_level))]


@then(parsers.re(rf"the timeline of the boss (?P<metric>\w+) of {PLAYER} has grown by (?P<kills>\d+)"))
def timeline_grew(cast: Cast, metric: str, player: str, kills: str) -> None:
    first, *_, last = points_of(cast, player, "bosses", metric)
    assert last["value"] - first["value"] == int(kills)


def history_between(cast: Cast, player: str, start: timedelta, end: timedelta | None) -> Any:
    """Moments before the player was added, by the service's own clock; None: now."""
    added = datetime.fromisoformat(cast.read("Ada", player)["created_at"])
    until = {} if end is None else {"end": (added - end).isoformat()}
    return cast.read("Ada", player, "/history", start=(added - start).isoformat(), **until)


@then(parsers.re(rf"from an hour before it was added until now {PLAYER} gained (?P<gained>\d+) in (?P<metric>\w+)"))
def gained_between(cast: Cast, player: str, gained: str, metric: str) -> None:
    history = history_between(cast, player, timedelta(hours=1), None)
    assert [one["gained"] for one in history["gains"] if one["metric"] == metric] == [int(gained)]


@then(parsers.re(rf"from two days until one day before it was added {PLAYER} has no gains"))
def nobody_looked(cast: Cast, player: str) -> None:
    history = history_between(cast, player, timedelta(days=2), timedelta(days=1))
    assert history["compared"] is None
    assert not [one for one in history["gains"] if one["gained"]]


@then(parsers.re(r"the task has failed with (?P<reason>\w+)"))
def task_failed(cast: Cast, reason: str) -> None:
    task = cast.people.service.read(f"/api/tasks/{cast.task}")
    assert (task["status"], task["reason"]) == ("failed", reason)


@then(parsers.re(rf"the gain of {PLAYER} in (?P<metric>\w+) is unknown"))
def unknown_gain(cast: Cast, player: str, metric: str) -> None:
    found = gain_of(cast, player, metric)
    assert (found["start"], found["gained"]) == (None, None)
    assert found["end"] is not None


@then(parsers.re(rf"{PLAYER} is (?P<negated>not )?flagged"))
def is_flagged(cast: Cast, player: str, negated: str | None) -> None:
    assert cast.read("Ada", player)["flagged"] is (negated is None)


@then(parsers.re(rf"the history of {PLAYER} begins with a reset"))
def begins_with_reset(cast: Cast, player: str) -> None:
    assert cast.read("Ada", player, "/history", period="all")["compared"]["start_is"] == "reset"


@then(parsers.re(rf'{PLAYER} has reached "(?P<what>[^"]+)" between two fetches'))
def has_reached(cast: Cast, player: str, what: str) -> None:
    reached = {one["what"]: one for one in cast.read("Ada", player, "/achievements")["items"]}
    assert reached[what]["after"] < reached[what]["before"]


@then(parsers.re(rf'the comparison in (?P<metric>\w+) lists {PLAYER} before "(?P<other>[^"]+)"'))
def leads(cast: Cast, metric: str, player: str, other: str) -> None:
    names = f"{cast.own(other)},{cast.own(player)}"
    query = httpx.QueryParams(usernames=names, metric=metric, period="all")
    found = cast.people.read("Ada", f"/api/players/compare?{query}")
    assert [one["display_name"] for one in found["items"]] == [cast.own(player), cast.own(other)]
