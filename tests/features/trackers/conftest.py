"""Steps that the features of the trackers share: who registers what, what is answered, how the worker looks."""

import re
from collections.abc import Iterator

import pytest
from pytest_bdd import given, parsers, then, when
from tests.features.service import Service
from tests.features.trackers.story import NOWHERE, Story, link

Table = list[list[str]]


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
