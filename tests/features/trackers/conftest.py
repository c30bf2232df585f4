"""Steps that the features of the trackers share: who registers what, what is answered, how the worker looks."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from pytest_bdd import given, parsers, then, when
from tests.features.service import Service
from tests.features.trackers.story import NOWHERE, TWO_DAYS, Story, link

Table = list[list[str]]
TROUBLES: Final[dict[str, dict[str, Any]]] = {
    "the site says that there is no such player": {"kind": "missing"},
    "a firewall shows its page with status 403": {"kind": "blocked", "status": 403},
    "a firewall shows its page with status 200": {"kind": "blocked", "status": 200, "title": "Access denied"},
    "the site sends us to another host": {"kind": "redirect"},
    "the site sends us into the private network": {"kind": "redirect_private"},
    "the site counts too many requests": {"kind": "throttled", "retry_after": 2},
    "the site asks us to come back in 1 second": {"kind": "throttled", "retry_after": 1},
    "the site answers 503": {"kind": "unavailable"},
    "the site answers 500": {"kind": "status", "status": 500},
    "the site hangs up": {"kind": "reset"},
    "the site stops in the middle of its answer": {"kind": "truncated"},
    "the site sends an empty answer": {"kind": "empty"},
    "the site sends something that is no HTTP": {"kind": "bad_status_line"},
    "the site sends 50 megabytes": {"kind": "huge"},
    "the site sends a bomb": {"kind": "gzip_bomb"},
    "the site never answers": {"kind": "hang"},
    "the site keeps us waiting": {"kind": "hang"},
    "nothing is where it was": {"kind": "changed"},
    "the site shows its own page with status 404": {"kind": "status", "status": 404},
    "the site calls its answer text": {"kind": "content_type", "content_type": "text/html"},
}


@pytest.fixture
def story(service: Service) -> Iterator[Story]:
    made = Story(service)
    yield made
    made.end()


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


@then(parsers.parse("every tracker is waiting to be looked at, and has a task that tells how that goes"))
def all_wait(story: Story) -> None:
    waiting = {"pending"} if story.service.worker else {"pending", "in_progress", "completed", "failed"}
    assert story.new_trackers
    assert len({tracker["task_id"] for tracker in story.new_trackers}) == len(story.new_trackers)
    for tracker in story.new_trackers:
        status = story.service.read(f"/internal/trackers/{tracker['id']}/status")
        assert status["status"] in waiting
        assert story.service.read(f"/api/tasks/{tracker['task_id']}")["status"] in waiting


@given("the worker has looked")
@when("the worker has looked")
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


# ---- the worker, and how a tracker stands ----


@when("the worker has looked two days later")
def worker_looks_later(story: Story) -> None:
    story.service.own_worker.burst(later=TWO_DAYS)


@given("another worker runs")
@when("another worker runs")
def another_worker(story: Story) -> None:
    story.service.own_worker.process()


@then(parsers.re(r'the tracker of "(?P<player>[^"]+)" is (?P<word>pending|completed)'))
def tracker_is(story: Story, player: str, word: str) -> None:
    tracker = story.tracker(player)
    assert (tracker["status"], tracker["reason"], tracker["error"]) == (word, None, None)
