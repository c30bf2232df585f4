"""features/trackers/ratings.feature"""

import asyncio
import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from tests.conftest import container_of
from tests.features.service import ClockAhead, eventually
from tests.features.trackers.conftest import names
from tests.features.trackers.story import SOON, Story, link

scenarios(str(Path(__file__).parents[3] / "features/trackers/ratings.feature"))

BOARD = r"by score|of playlist (?P<playlist>\d+)"
A_MINUTE_OR_TWO = 120.0


def snowflake() -> str:
    return str(secrets.randbelow(8 * 10**18) + 10**18)


@dataclass
class League:
    """One scenario's guild, and who tries formulas for it."""

    story: Story
    guild_id: str = field(default_factory=snowflake)
    members: dict[str, str] = field(default_factory=dict)
    """Their names here -> as they are called in the guild."""
    token: str = ""
    history: list[int] = field(default_factory=list)
    manual: dict[str, Any] = field(default_factory=dict)
    """The manual snapshot that was entered last."""

    def tell(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.story.service.http.request(method, path, json=body)

    def told(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.tell(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def settle(self, formula: str | None = None) -> None:
        settings = {"settings": {"rating_formula": {"kind": "custom", "expression": formula}}} if formula else {}
        self.told("PUT", f"/internal/guilds/{self.guild_id}", {"name": "Comets", **settings})

    def joins(self, person: str, *, admin: bool = False) -> None:
        called = self.members.setdefault(person, f"{person}{self.story.mark}")
        member = {"user_id": self.story.id_of(person), "admin": admin, "user_data": {"global_name": called}}
        self.told("PUT", f"/internal/guilds/{self.guild_id}/members", {"members": [member]})

    def logs_in(self, person: str) -> None:
        """With a login that claims the person whom the bot knows."""
        code = self.told("POST", "/internal/users/claim-codes", {"user_id": self.story.id_of(person)})["code"]
        account = {
            "username": f"{person.lower()}{self.story.mark}",
            "password": secrets.token_urlsafe(16),
            "claim_code": code,
        }
        answer = self.story.service.http.post("/api/auth/register", json=account, headers={"Authorization": ""})
        assert answer.status_code == 201, answer.text
        self.token = answer.json()["access_token"]

    def tries(self, what: str, formula: str) -> httpx.Response:
        body = {"formula": {"kind": "custom", "expression": formula}}
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.story.service.http.post(f"/api/guilds/{self.guild_id}/rating/{what}", json=body, headers=headers)

    def board(self, playlist: str | None) -> list[dict[str, Any]]:
        which = f"guild_id={self.guild_id}" + (f"&playlist={playlist}" if playlist else "")
        return list(self.story.service.read(f"/internal/trackers/leaderboard?{which}")["items"])

    def listed(self, playlist: str | None) -> list[str]:
        """`rank name figure` of everybody."""
        people = {called: person for person, called in self.members.items()}
        what = "rating" if playlist else "score"
        return sorted(f"{row['rank']} {people[row['display_name']]} {row[what]}" for row in self.board(playlist))

    def look_at_boards(self) -> None:
        """What a worker does every minute; a deployment's does it by itself."""
        if self.story.service.worker is not None:
            asyncio.run(_recompute(dict(self.story.service.worker.environ)))


async def _recompute(environ: dict[str, str]) -> None:
    container = container_of(environ, clock=ClockAhead())
    try:
        await container.games.recompute().recompute_outdated()
    finally:
        await container.database().close()


@pytest.fixture
def league(story: Story) -> League:
    made = League(story)
    made.settle()
    return made


# ---- who is there ----


@given(parsers.re(r'(?P<person>\w+) is a member of the guild and follows (?P<players>"[^"]+"(?: and "[^"]+")*)'))
def follows(story: Story, league: League, person: str, players: str) -> None:
    league.joins(person)
    for player in names(players):
        answer = story.add(person, link(story.marked(player)))
        assert answer.status_code == 201, answer.text


@given(parsers.re(r"(?P<person>\w+) runs the guild"))
def runs(league: League, person: str) -> None:
    league.joins(person, admin=True)
    league.logs_in(person)


@given(parsers.re(r"(?P<person>\w+) is a member of the guild who has logged in"))
def has_logged_in(league: League, person: str) -> None:
    league.joins(person)
    league.logs_in(person)


@when(parsers.re(r"(?P<person>\w+) becomes a member of the guild"))
def becomes_member(league: League, person: str) -> None:
    league.joins(person)


@when(parsers.re(r"(?P<person>\w+) leaves the guild"))
def leaves(league: League, person: str) -> None:
    path = f"/internal/guilds/{league.guild_id}/members/remove"
    assert league.told("POST", path, {"user_ids": [league.story.id_of(person)]}) == {"removed": 1}


@when(parsers.re(r"(?P<person>\w+) opts out of the guild's leaderboards"))
def opts_out(league: League, person: str) -> None:
    assert person in league.members
    answer = league.story.service.http.put(
        "/api/users/me/leaderboards",
        json={"hidden_in": [league.guild_id]},
        headers={"Authorization": f"Bearer {league.token}"},
    )
    assert answer.status_code == 200, answer.text


@when(parsers.parse('the tracker of "{player}" is removed'))
def is_removed(story: Story, league: League, player: str) -> None:
    league.told("DELETE", f"/internal/trackers/{story.of(player)[-1].tracker['id']}")


# ---- the site ----


@given(parsers.parse('the worker has run after each of these changes of "{player}" in playlist {playlist:d}: {moves}'))
def has_moved(story: Story, player: str, playlist: int, moves: str) -> None:
    for day, move in enumerate(moves.split(", "), start=1):
        story.service.simulated.games.play("epic", story.marked(player), playlist, rating=int(move))
        story.service.own_worker.burst(later=timedelta(days=3 * day))


# ---- boards ----


@given(parsers.parse('the guild rates by its own formula "{formula}"'))
@when(parsers.parse('the guild rates by its own formula "{formula}"'))
def rates_by(league: League, formula: str) -> None:
    league.settle(formula)


@then(parsers.re(rf"(?P<soon>soon )?the leaderboard (?:{BOARD}) is: (?P<rows>.+)"))
def board_is(league: League, soon: str | None, playlist: str | None, rows: str) -> None:
    wanted = sorted(rows.split(", "))
    if soon:
        league.look_at_boards()
        within = SOON if league.story.service.worker else A_MINUTE_OR_TWO
        eventually(lambda: league.listed(playlist) == wanted, within=within, what=f"the board is {rows}")
    assert league.listed(playlist) == wanted


@then(parsers.re(rf"nobody is on the leaderboard (?:{BOARD})"))
def board_is_empty(league: League, playlist: str | None) -> None:
    assert league.board(playlist) == []


@then(parsers.re(r"(?P<person>\w+) is listed by score, with a salary to the nearest 25"))
def is_listed(league: League, person: str) -> None:
    (row,) = league.board(None)
    assert row["display_name"] == league.members[person]
    assert row["score"] > 0
    assert row["salary"] % 25 == 0
    assert abs(row["salary"] - row["score"]) <= 12


@when("somebody requests the leaderboard of an unknown guild")
def asks_for_nothing(story: Story, league: League) -> None:
    story.answered(league.tell("GET", f"/internal/trackers/leaderboard?guild_id={snowflake()}"))


# ---- trying ----


@when(parsers.re(r'(?:she|he) (?P<what>tries|previews) the formula "(?P<formula>[^"]*)"'))
def tries(story: Story, league: League, what: str, formula: str) -> None:
    story.answered(league.tries("validate" if what == "tries" else "preview", formula))


@then(parsers.parse("the formula is invalid at position {position:d}"))
def is_no_formula(story: Story, position: int) -> None:
    assert story.answer.status_code == 200, story.answer.text
    verdict = story.answer.json()
    assert (verdict["ok"], verdict["trial"]) == (False, None)
    assert [problem["position"] for problem in verdict["errors"]] == [position]
    assert all(re.search(r"\w", problem["message"]) for problem in verdict["errors"])


@then(
    parsers.re(r"(?P<person>\w+) would have a score of (?P<score>\d+) next to the current score"),
    converters={"score": int},
)
def would_have(story: Story, league: League, person: str, score: int) -> None:
    assert story.answer.status_code == 200, story.answer.text
    (row,) = story.answer.json()["items"]
    (today,) = league.board(None)
    assert (row["display_name"], row["score"]) == (league.members[person], score)
    assert (row["score_today"], row["rank_today"]) == (today["score"], today["rank"])


# ---- history ----


@when(parsers.parse('the history of "{player}" in playlist {playlist:d} is read with {points:d} points'))
def reads_history(story: Story, league: League, player: str, playlist: int, points: int) -> None:
    tracker_id = story.of(player)[-1].tracker["id"]
    path = f"/internal/trackers/{tracker_id}/history?playlist={playlist}&points={points}"
    (series,) = story.service.read(path)["items"]
    league.history = [point["rating"] for point in series["points"]]


@then(parsers.parse("the history is {ratings}"))
def goes(league: League, ratings: str) -> None:
    assert league.history == [int(rating) for rating in ratings.split(", ")]


# ---- manual snapshots ----


@given(parsers.re(r"the guild counts (?P<which>all|no) manual snapshots"))
def counts_manual(league: League, which: str) -> None:
    settings = {"manual_snapshots": {"all": "all", "no": "none"}[which]}
    league.told("PUT", f"/internal/guilds/{league.guild_id}", {"name": "Comets", "settings": settings})


@when(
    parsers.re(
        r'the bot enters that "(?P<player>[^"]+)" has (?P<rating>\d+) in playlist (?P<playlist>\d+)'
        r' in season "(?P<season>\d+)"'
    )
)
def bot_enters(story: Story, league: League, player: str, rating: str, playlist: str, season: str) -> None:
    (made,) = story.of(player)
    body = {
        "playlists": [{"playlist": playlist, "rating": int(rating), "matches_played": 40}],
        "note": "read on the console",
        "season": season,
    }
    league.manual = league.told("POST", f"/internal/trackers/{made.tracker['id']}/snapshots", body)


@then("the snapshot waits for review")
def waits_for_staff(league: League) -> None:
    waiting = league.told("GET", f"/internal/guilds/{league.guild_id}/manual-snapshots?status=waiting")["items"]
    assert [one["id"] for one in waiting] == [league.manual["id"]]


@when(parsers.re(r"the guild's staff (?P<verb>confirm|reject) it"))
def staff_review(story: Story, league: League, verb: str) -> None:
    body = {"entered_at": league.manual["entered_at"]} if verb == "confirm" else None
    path = f"/internal/guilds/{league.guild_id}/manual-snapshots/{league.manual['id']}/{verb}"
    story.answered(league.tell("POST", path, body))


@then(parsers.re(r"the first on the leaderboard of playlist (?P<playlist>\d+) is marked as manual"))
def is_marked(league: League, playlist: str) -> None:
    assert league.board(playlist)[0]["manual"]
