"""features/trackers/updating.feature"""

from functools import partial
from pathlib import Path
from typing import Any

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.service import SETTLED, eventually
from tests.features.trackers.conftest import names
from tests.features.trackers.members import VERBS, Members
from tests.features.trackers.story import NOWHERE, Story, link

scenarios(str(Path(__file__).parents[3] / "features/trackers/updating.feature"))


def changes(members: Members, who: str, player: str, body: dict[str, Any], *, whose: str | None = None) -> None:
    members.ask(who, "PUT", members.path(player, whose or who), body)


# ---- pointing at another account ----


@when(parsers.re(r'(?P<who>[A-Z]\w+) points (?:(?P<whose>\w+)\'s )?"(?P<player>[^"]+)" at "(?P<other>[^"]+)"'))
def points_at_another(members: Members, who: str, whose: str | None, player: str, other: str) -> None:
    changes(members, who, player, {"url": link(members.story.marked(other))}, whose=whose)


@when(parsers.parse('{who} points "{player}" at a link to nowhere'))
def points_at_nothing(members: Members, who: str, player: str) -> None:
    changes(members, who, player, {"url": NOWHERE})


@when(parsers.parse('{who} changes nothing of "{player}"'))
def changes_nothing(members: Members, who: str, player: str) -> None:
    changes(members, who, player, {})


@when(parsers.parse('{who} changes the owner of "{player}"'))
def changes_owner(members: Members, who: str, player: str) -> None:
    changes(members, who, player, {"user_id": members.people.logins[who].user_id})


@when(parsers.parse("the worker has fetched everything that {person} follows"))
def has_looked_at_all(members: Members, person: str) -> None:
    service = members.story.service
    service.work()
    eventually(
        lambda: all(one["status"] in SETTLED for one in members.mine(person)), within=service.patience, what="settled"
    )


@then(parsers.re(r"it is the same tracker(?P<active>, and active)?"))
def is_the_same(story: Story, active: str | None) -> None:
    assert story.answer.status_code == 200, story.answer.text
    assert story.answer.json()["id"] in {made.tracker["id"] for made in story.made}
    assert story.answer.json()["active"] is True


@then(parsers.parse('{person} reads that the tracker of "{player}" is completed'))
def reads_completed(members: Members, person: str, player: str) -> None:
    (tracker,) = members.mine(person)
    assert members.shown([tracker]) == [player]
    assert tracker["status"] == "completed"


@then(parsers.re(r'the site was asked for "(?P<player>[^"]+)"'))
def asked_for(story: Story, player: str) -> None:
    assert story.requests(player)


# ---- the bot, and who may not ----


@when(parsers.re(rf'the bot (?P<verb>{"|".join(VERBS)}) "(?P<player>[^"]+)"'))
def bot_does(members: Members, verb: str, player: str) -> None:
    method, where, body = VERBS[verb]
    members.told_by_bot(method, f"/internal/trackers/{members.tracker_of(player)}{where}", body)


@when(parsers.parse('a bot that has a key for this guild only removes "{player}"'))
def other_bot_removes(members: Members, player: str) -> None:
    key = members.key("trackers", for_guild=True)
    path = f"/internal/trackers/{members.tracker_of(player)}"
    members.story.answered(members.people.bot("DELETE", path, key=key))


@when(parsers.parse('somebody without a login removes "{player}"'))
def nobody_removes(members: Members, player: str) -> None:
    members.story.answered(members.people.send("DELETE", members.path(player)))


# ---- deactivating ----


@given(parsers.parse("{person} has deactivated all of them"))
def has_deactivated_all(members: Members, person: str) -> None:
    for tracker in members.mine(person):
        answer = members.ask(person, "PUT", f"/api/trackers/{tracker['id']}", {"active": False})
        assert answer.status_code == 200, answer.text


@when(parsers.parse("{person} activates all of them and adds {count:d} others at the same moment"))
def activates_all_at_once(members: Members, person: str, count: int) -> None:
    ask = partial(members.people.ask, person)
    asks = [
        partial(ask, "PUT", f"/api/trackers/{tracker['id']}", {"active": True}) for tracker in members.mine(person)
    ] + [partial(ask, "POST", "/api/trackers/add", {"url": link(name)}) for name in members.story.players(count)]
    members.story.together(*asks)
    refused = [answer for answer in members.story.answers if not answer.is_success]
    assert {answer.json()["code"] for answer in refused} == {"tracker_limit_reached"}


@then(parsers.parse("{person} has {count:d} active trackers"))
def has_active(members: Members, person: str, count: int) -> None:
    assert sum(tracker["active"] for tracker in members.mine(person)) == count


@then(parsers.parse('{person} follows nobody but, deactivated, "{player}"'))
def follows_but(members: Members, person: str, player: str) -> None:
    (tracker,) = members.mine(person)
    assert (members.shown([tracker]), tracker["active"]) == ([player], False)


@then(parsers.parse('the answer says "{why}"'))
def says(story: Story, why: str) -> None:
    assert why in story.answer.json()["detail"], story.answer.text


# ---- registering again ----


@when(parsers.parse('{person} registers and removes "{player}" {times:d} times'))
def registers_and_removes(members: Members, person: str, player: str, times: int) -> None:
    for _ in range(times):
        assert members.register(person, [player]).status_code == httpx.codes.CREATED
        assert members.does(person, "removes", player).status_code == httpx.codes.NO_CONTENT


@then("it is a different tracker")
def is_another(story: Story) -> None:
    before, now = (made.tracker["id"] for made in story.made)
    assert before != now


# ---- staff ----


@when(parsers.re(r'(?P<who>\w+) registers (?P<players>"[^"]+"(?: and "[^"]+")*) for (?P<member>\w+)'))
def registers_for_member(members: Members, who: str, players: str, member: str) -> None:
    story = members.story
    body = {
        "guild_id": members.guild_id,
        "staff_id": story.id_of(who),
        "user_id": story.id_of(member),
        "urls": [link(story.marked(player)) for player in names(players)],
    }
    answer = members.people.bot("POST", "/internal/trackers/register-by-staff", body)
    story.answered(story.kept(member, answer))
