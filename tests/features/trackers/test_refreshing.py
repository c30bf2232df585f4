"""features/trackers/refreshing.feature"""

from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.trackers.members import Members
from tests.features.trackers.story import Story

scenarios(str(Path(__file__).parents[3] / "features/trackers/refreshing.feature"))

COOLDOWN = 600


@when(parsers.re(r'(?P<who>[A-Z]\w+) refreshes "(?P<player>[^"]+)" (?P<times>\d+) times at the same moment'))
def refreshes_at_once(members: Members, who: str, player: str, times: str) -> None:
    ask = partial(members.people.ask, who, "POST", f"{members.path(player, who)}/refresh")
    members.story.together(*(ask for _ in range(int(times))))


@given(parsers.re(r'the bot has refreshed "(?P<player>[^"]+)" for (?P<staff>staff)'))
@when(parsers.re(r'the bot refreshes "(?P<player>[^"]+)"(?: for (?P<staff>staff))?'))
def bot_refreshes(story: Story, player: str, staff: str | None) -> None:
    if staff:
        story.answered(story.refresh(story.of(player)[-1].person, player))
        assert story.answer.status_code == httpx.codes.ACCEPTED, story.answer.text
        return
    tracker_id = UUID(story.of(player)[-1].tracker["id"])
    story.answered(story.service.bot.answer(lambda bot: bot.trackers.refresh_tracker(tracker_id)))


@when(parsers.parse("{who} refreshes a tracker that does not exist"))
def refreshes_nothing(members: Members, who: str) -> None:
    members.ask(who, "POST", f"/api/trackers/{uuid4()}/refresh")


@when(parsers.parse('somebody without a login refreshes "{player}"'))
def nobody_refreshes(members: Members, player: str) -> None:
    members.story.answered(members.people.send("POST", f"{members.path(player)}/refresh"))


@then("the answer says to try again within 10 minutes")
def tells_when(story: Story) -> None:
    assert 0 < int(story.answer.headers["retry-after"]) <= COOLDOWN


@then("Ada gets the task of the bot's refresh")
def is_one_look(story: Story) -> None:
    (_, first), (_, bots), (_, hers) = story.given
    assert first != bots == hers


@then("the refresh is accepted")
def is_under_way(story: Story) -> None:
    assert story.answer.status_code == httpx.codes.ACCEPTED, story.answer.text
    assert story.service.status_of(story.answer.json()["task_id"])
