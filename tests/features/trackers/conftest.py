"""Steps that the features of the trackers share: who registers what, what is answered, how the worker looks."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pytest
from pytest_bdd import given, parsers, then, when
from tests.features.deployment import DEPLOYMENT
from tests.features.receiver import Receiver, receiving
from tests.features.service import Service
from tests.features.trackers.members import VERBS, Members
from tests.features.trackers.story import NOWHERE, TWO_DAYS, Story, link
from tests.features.users.people import ADMIN, NAMES, People
from tests.features.users.people import names as people_in

Table = list[list[str]]
TROUBLES: Final[dict[str, dict[str, Any]]] = {
    "the site says that there is no such player": {"kind": "missing"},
    "a firewall shows its page with status 403": {"kind": "blocked", "status": 403},
    "a firewall shows its page with status 200": {"kind": "blocked", "status": 200, "title": "Access denied"},
    "the site sends us to another host": {"kind": "redirect"},
    "the site sends us into the private network": {"kind": "redirect_private"},
    "the site counts too many requests": {"kind": "throttled", "retry_after": 2},
    "the site asks for a pause of 1 second": {"kind": "throttled", "retry_after": 1},
    "the site answers 503": {"kind": "unavailable"},
    "the site answers 500": {"kind": "status", "status": 500},
    "the site closes the connection": {"kind": "reset"},
    "the site sends half an answer": {"kind": "truncated"},
    "the site sends an empty answer": {"kind": "empty"},
    "the site sends an answer that is not HTTP": {"kind": "bad_status_line"},
    "the site sends 50 megabytes": {"kind": "huge"},
    "the site sends a compression bomb": {"kind": "gzip_bomb"},
    "the site never answers": {"kind": "hang"},
    "the site keeps us waiting": {"kind": "hang"},
    "the site was rebuilt": {"kind": "changed"},
    "the site shows its own page with status 404": {"kind": "status", "status": 404},
    "the site labels its answer as text": {"kind": "content_type", "content_type": "text/html"},
}


@pytest.fixture
def story(service: Service, request: pytest.FixtureRequest) -> Iterator[Story]:
    made = Story(service)
    if DEPLOYMENT is not None and DEPLOYMENT.admin_login:
        people = People(service, request.getfixturevalue("admin_token"))
        made.close_breaker = lambda: people.ask(ADMIN, "POST", "/api/admin/sources/games/close-breaker")
    yield made
    made.end()


@pytest.fixture
def members(story: Story, admin_token: Callable[[], str]) -> Iterator[Members]:
    people = People(story.service, admin_token)
    made = Members(story, people)
    yield made
    made.end()
    people.end()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where webhooks lead; a deployment knows it by RECEIVER_URL."""
    with (
        receiving()
        if DEPLOYMENT is None
        else receiving(address=DEPLOYMENT.receiver_url, port=DEPLOYMENT.port or 0) as made
    ):
        yield made


def names(words: str) -> list[str]:
    """The players in `"Quiet Comet" and "Lintwurm"`."""
    return re.findall(r'"([^"]+)"', words)


# ---- registering and adding ----


@when(parsers.re(r'(?P<person>\w+) registers (?P<players>"[^"]+"(?: and "[^"]+")*)'))
def registers(story: Story, person: str, players: str) -> None:
    story.answered(story.register(person, [link(story.marked(name)) for name in names(players)]))


@given(parsers.re(r'(?P<person>\w+) has registered (?P<players>"[^"]+"(?: and "[^"]+")*)'))
def has_registered(story: Story, person: str, players: str) -> None:
    registers(story, person, players)
    assert story.answer.status_code == 201, story.answer.text


@when(parsers.re(r"(?P<person>\w+) registers (?P<count>\d+) players"), converters={"count": int})
def registers_players(story: Story, person: str, count: int) -> None:
    story.answered(story.register(person, [link(name) for name in story.players(count)]))


@given(parsers.re(r"(?P<person>\w+) has registered (?P<count>\d+) players"), converters={"count": int})
def has_registered_players(story: Story, person: str, count: int) -> None:
    registers_players(story, person, count)
    assert story.answer.status_code == 201, story.answer.text


@when(parsers.re(r'(?P<person>\w+) adds "(?P<player>[^"]+)"'))
def adds(story: Story, person: str, player: str) -> None:
    story.answered(story.add(person, link(story.marked(player))))


@given(parsers.re(r'(?P<person>\w+) has added "(?P<player>[^"]+)"'))
def has_added(story: Story, person: str, player: str) -> None:
    adds(story, person, player)
    assert story.answer.status_code == 201, story.answer.text


@when(parsers.re(r'(?P<person>\w+) adds the link "(?P<pasted>.+)"'))
def adds_link(story: Story, person: str, pasted: str) -> None:
    story.answered(story.add(person, story.marked(pasted)))


@given(parsers.re(r'(?P<person>\w+) has added the link "(?P<pasted>.+)"'))
def has_added_link(story: Story, person: str, pasted: str) -> None:
    adds_link(story, person, pasted)
    assert story.answer.status_code == 201, story.answer.text


@when(parsers.re(r'(?P<person>\w+) adds "(?P<player>[^"]+)" (?P<times>\d+) times at the same moment'))
def adds_same_at_once(story: Story, person: str, player: str, times: str) -> None:
    story.together(*(partial(story.add, person, link(story.marked(player))) for _ in range(int(times))))


# ---- people who look after their trackers by themselves ----


@given(parsers.re(rf"{NAMES} (?:has a login|have logins)"))
def have_logins(members: Members, named: str) -> None:
    for person in people_in(named):
        members.log_in(person)


@given(parsers.re(rf"{NAMES} (?:is|are) in the guild(?:, which (?P<admin>[A-Z]\w+) runs)?"))
def are_in_guild(members: Members, named: str, admin: str | None) -> None:
    members.put_guild(people_in(named), run_by=admin)


@when(parsers.re(r'(?P<person>\w+) (?:herself|himself) registers (?P<players>"[^"]+"(?: and "[^"]+")*)'))
def registers_by_oneself(members: Members, person: str, players: str) -> None:
    members.register(person, names(players))


@when(parsers.re(r'(?P<person>\w+) (?:herself|himself) adds "(?P<player>[^"]+)"'))
def adds_by_oneself(members: Members, person: str, player: str) -> None:
    members.add(person, link(members.story.marked(player)))


@when(parsers.re(rf'(?P<who>[A-Z]\w+|the admin) (?P<verb>{"|".join(VERBS)}) "(?P<player>[^"]+)"'))
def does(members: Members, who: str, verb: str, player: str) -> None:
    members.does(who, verb, player)


@given(parsers.re(r'(?P<person>[A-Z]\w+) has (?P<done>refreshed|deactivated|activated|removed) "(?P<player>[^"]+)"'))
def has_done(members: Members, person: str, done: str, player: str) -> None:
    answer = members.does(person, {"refreshed": "refreshes"}.get(done, f"{done[:-1]}s"), player)
    assert answer.is_success, answer.text


@when(parsers.re(rf"""(?P<who>[A-Z]\w+|the admin) (?P<verb>{"|".join(VERBS)}) (?P<whose>\w+)'s "(?P<player>[^"]+)\""""))
def does_to_others(members: Members, who: str, verb: str, whose: str, player: str) -> None:
    members.does(who, verb, player, whose=whose)


@then(parsers.re(r"(?P<person>\w+) follows (?P<players>.+)"))
def sees_trackers(members: Members, person: str, players: str) -> None:
    """`"Quiet Comet" and, deactivated, "Lintwurm"`; or nobody."""
    active, _, inactive = players.partition("deactivated,")
    mine = members.mine(person)
    assert sorted(members.shown([one for one in mine if one["active"]])) == sorted(names(active))
    assert sorted(members.shown([one for one in mine if not one["active"]])) == sorted(names(inactive))


# ---- what is answered ----


@then(parsers.re(r"(?P<person>\w+) has (?P<count>\d+) new trackers?"), converters={"count": int})
def has_new_trackers(story: Story, person: str, count: int) -> None:
    assert story.answer.status_code == 201, story.answer.text
    assert len(story.new_trackers) == count
    mine = {made.tracker["id"] for made in story.made if made.person == person}
    assert {tracker["id"] for tracker in story.new_trackers} <= mine


@then(parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)"'), converters={"status": int})
def is_refused(story: Story, status: int, code: str) -> None:
    problem = story.answer.json()
    assert (story.answer.status_code, problem["code"]) == (status, code), story.answer.text
    assert story.answer.headers["content-type"].startswith("application/problem+json")
    assert problem["detail"]
    assert problem["request_id"]


@then(parsers.parse("every new tracker is waiting for its first run and has a task"))
def all_wait(story: Story) -> None:
    waiting = {"pending"} if story.service.worker else {"pending", "in_progress", "completed", "failed"}
    assert story.new_trackers
    assert len({tracker["task_id"] for tracker in story.new_trackers}) == len(story.new_trackers)
    for tracker in story.new_trackers:
        status = story.service.read(f"/internal/trackers/{tracker['id']}/status")
        assert status["status"] in waiting
        assert story.service.read(f"/api/tasks/{tracker['task_id']}")["status"] in waiting


@given("the worker has run")
@when("the worker has run")
def worker_has_looked(story: Story) -> None:
    story.service.look(story.tasks)


@then(parsers.re(r"(?P<person>\w+) can still register her first trackers"))
def can_still_register(story: Story, person: str) -> None:
    answer = story.register(person, [link(name) for name in story.players(4)])
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["trackers"]) == 4


@given(parsers.re(r"(?P<person>\w+) was refused (?P<count>\d+) links to nowhere"), converters={"count": int})
def was_refused(story: Story, person: str, count: int) -> None:
    assert [story.add(person, NOWHERE).status_code for _ in range(count)] == [422] * count


# ---- the site, and what it was asked ----


@given(parsers.parse('the site knows the player "{player}" with a rating of {rating:d} in playlist {playlist:d}'))
def site_knows(story: Story, player: str, rating: int, playlist: int) -> None:
    story.service.simulated.games.add_player("epic", story.marked(player), ratings={playlist: rating})


@given(parsers.parse('the site knows the player "{player}", who has not played this season'))
def site_knows_unplayed(story: Story, player: str) -> None:
    story.service.simulated.games.add_player("epic", story.marked(player), unplayed=True)


@when(parsers.re(r'"(?P<player>[^"]+)" (?P<how>wins|loses) (?P<points>\d+) points in playlist (?P<playlist>\d+)'))
@given(parsers.re(r'"(?P<player>[^"]+)" (?P<how>wins|loses) (?P<points>\d+) points in playlist (?P<playlist>\d+)'))
def moves_points(story: Story, player: str, how: str, points: str, playlist: str) -> None:
    change = int(points) if how == "wins" else -int(points)
    story.service.simulated.games.play("epic", story.marked(player), int(playlist), rating=change)


@given(parsers.parse('the site says that the profile is private when asked for "{player}"'))
def profile_is_private(story: Story, player: str) -> None:
    story.service.simulated.games.add_player("epic", story.marked(player), private=True)


@given(parsers.re(rf'(?P<trouble>{"|".join(TROUBLES)})(?P<once>, once,)? when asked for "(?P<player>[^"]+)"'))
def trouble_with(story: Story, trouble: str, player: str, once: str | None) -> None:
    story.troubled = True
    how = dict(TROUBLES[trouble])
    story.service.simulated.games.fault(story.path_of(player), how.pop("kind"), count=1 if once else None, **how)


@then(parsers.re(r'the site was asked for "(?P<player>[^"]+)" (?P<times>once|twice)'))
def asked(story: Story, player: str, times: str) -> None:
    assert len(story.requests(player)) == {"once": 1, "twice": 2}[times]


@then(parsers.parse('the site was not asked for "{player}"'))
def not_asked(story: Story, player: str) -> None:
    assert story.requests(player) == []


# ---- the worker, and how a tracker stands ----


@when("the worker has run two days later")
def worker_looks_later(story: Story) -> None:
    story.service.own_worker.burst(later=TWO_DAYS)


@given(parsers.re(r'(?P<person>\w+) has requested a refresh of "(?P<player>[^"]+)"'))
@when(parsers.re(r'(?P<person>\w+) requests a refresh of "(?P<player>[^"]+)"'))
def asks_for_look(story: Story, person: str, player: str) -> None:
    story.answered(story.refresh(person, player))
    assert story.answer.status_code == 202, story.answer.text


@given("another worker runs")
@when("another worker runs")
def another_worker(story: Story) -> None:
    story.service.own_worker.process()


@given("another worker runs and waits for the site")
def patient_worker(story: Story) -> None:
    story.service.own_worker.process({"TRACKERS_GAMES_TIMEOUT": "45"})


@then(parsers.re(r'the tracker of "(?P<player>[^"]+)" is (?P<word>pending|completed)'))
def tracker_is(story: Story, player: str, word: str) -> None:
    tracker = story.tracker(player)
    assert (tracker["status"], tracker["reason"], tracker["error"]) == (word, None, None)


@then(parsers.re(r'the task of "(?P<player>[^"]+)" is completed and found (?P<what>something|nothing) new'))
def task_completed(story: Story, player: str, what: str) -> None:
    task = story.task(player)
    assert (task["status"], task["changed"], task["http_status"]) == ("completed", what == "something", 200)
    assert task["requested_at"] <= task["started_at"] <= task["finished_at"]


@then("all requests got the same task")
def same_task(story: Story) -> None:
    assert len(story.given) > 1
    assert len(story.tasks) == 1


@then(parsers.parse("the {count:d} answers have the same task"))
def answers_name_one_task(story: Story, count: int) -> None:
    assert [answer.status_code for answer in story.answers] == [202] * count
    assert len({answer.json()["task_id"] for answer in story.answers}) == 1


@then(parsers.parse('"{player}" has a rating of {rating:d} in playlist {playlist:d}'))
def has_rating(story: Story, player: str, rating: int, playlist: int) -> None:
    assert story.state(player, playlist)["rating"] == rating


@then(parsers.re(r'"(?P<player>[^"]+)" has (?P<count>\d+) snapshots?'))
def has_snapshots(story: Story, player: str, count: str) -> None:
    assert len(story.snapshots(player)) == int(count)


@then(parsers.parse('"{player}" has a rating of {rating:d} in playlist {playlist:d} in season "{season}"'))
def has_rating_in_season(story: Story, player: str, rating: int, playlist: int, season: str) -> None:
    assert story.state(player, playlist, season)["rating"] == rating
