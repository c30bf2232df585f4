"""features/trackers/registration.feature"""

import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.service import machine_time
from tests.features.trackers.conftest import Table, names
from tests.features.trackers.members import Members
from tests.features.trackers.story import NOWHERE, Story, link

from trackers_client.models import ParseLink, RegisterTrackers

scenarios(str(Path(__file__).parents[3] / "features/trackers/registration.feature"))

NOTE: Final = "read off the screen"

# ---- people and links ----


@given(parsers.parse('Ada\'s registration of "{player}" and a link to nowhere was refused'))
def was_refused_beside(story: Story, player: str) -> None:
    assert story.register("Ada", [link(story.marked(player)), NOWHERE]).status_code == 422


@given(parsers.re("the bot sends (?P<key>no key|a made-up key)"))
def shows(story: Story, key: str) -> None:
    story.key = "" if key == "no key" else f"trk_madeupkey0_{'A' * 43}"


@when(parsers.parse("{person} registers the links"))
def registers_links(story: Story, person: str, datatable: Table) -> None:
    story.answered(story.register(person, [story.marked(row[0]) for row in datatable]))


@when(parsers.re(r'somebody registers with the id "(?P<user_id>[^"]*)"'))
def registers_with_id(story: Story, user_id: str) -> None:
    body = RegisterTrackers(user_id=user_id, urls=[link(name) for name in story.players(1)])
    story.answered(story.service.bot.answer(lambda bot: bot.trackers.register_trackers(body)))


@when(parsers.parse("{person} adds a link that is {length:d} characters long"))
def adds_long_link(story: Story, person: str, length: int) -> None:
    story.answered(story.add(person, link("a").ljust(length, "a")))


@when(parsers.re(r'the bot parses "(?P<pasted>.+)"'))
def asks_what_it_means(story: Story, pasted: str) -> None:
    story.answered(story.service.bot.answer(lambda bot: bot.trackers.parse_link(ParseLink(url=story.marked(pasted)))))


# ---- many at the same moment ----


@when(parsers.parse("{person} registers two players {times:d} times at the same moment"))
def registers_at_once(story: Story, person: str, times: int) -> None:
    pairs = [[link(name) for name in story.players(2)] for _ in range(times)]
    story.together(*(partial(story.register, person, pair) for pair in pairs))


@when(parsers.re(r'(?P<person>\w+) registers (?P<players>".+") (?P<times>\d+) times at the same moment'))
def registers_same_at_once(story: Story, person: str, players: str, times: str) -> None:
    urls = [link(story.marked(name)) for name in names(players)]
    story.together(*(partial(story.register, person, urls) for _ in range(int(times))))


@when("Ada and Ben register the same four players in opposite order at the same moment")
def register_in_opposite_order(story: Story) -> None:
    urls = [link(name) for name in story.players(4)]
    story.together(partial(story.register, "Ada", urls), partial(story.register, "Ben", urls[::-1]))


@when(parsers.parse("{person} adds {count:d} different players at the same moment"))
def adds_at_once(story: Story, person: str, count: int) -> None:
    story.together(*(partial(story.add, person, link(name)) for name in story.players(count)))


@when(parsers.parse("{person} registers four players and adds {count:d} others at the same moment"))
def registers_and_adds_at_once(story: Story, person: str, count: int) -> None:
    first = partial(story.register, person, [link(name) for name in story.players(4)])
    story.together(first, *(partial(story.add, person, link(name)) for name in story.players(count)))


# ---- what is answered ----


@then(parsers.parse("{count:d} of the answers are {status:d}"))
@then(parsers.parse("{count:d} of the answers is {status:d}"))
def some_answers_are(story: Story, count: int, status: int) -> None:
    statuses = [answer.status_code for answer in story.answers]
    assert statuses.count(status) == count, statuses


@then(parsers.parse('the other {count:d} are {status:d} "{code}"'))
def other_answers_are(story: Story, count: int, status: int, code: str) -> None:
    others = [answer for answer in story.answers if answer.status_code != 201]
    assert [(answer.status_code, answer.json()["code"]) for answer in others] == [(status, code)] * count


@then(parsers.parse("at most {count:d} trackers were registered"))
def at_most(story: Story, count: int) -> None:
    made = [answer for answer in story.answers if answer.status_code == 201]
    assert {answer.status_code for answer in story.answers} <= {201, 400, 409}
    assert made
    assert len(story.new_trackers) <= count


@then(parsers.parse('the tracker follows "{player}" on {platform:w}'))
def follows(story: Story, player: str, platform: str) -> None:
    (made,) = story.new_trackers
    tracker = story.service.bot.read(lambda bot: bot.trackers.get_tracker(UUID(made["id"])))
    expected = ("rocket-league", platform, story.marked(player), story.marked(player).casefold())
    assert (tracker["game"], tracker["platform"], tracker["display"], tracker["identifier"]) == expected


@then("the tracker has the link as it was pasted")
def remembers(story: Story) -> None:
    (made,) = story.new_trackers
    tracker = story.service.bot.read(lambda bot: bot.trackers.get_tracker(UUID(made["id"])))
    assert tracker["url"] == story.pasted
    assert tracker["profile_url"].startswith("https://rocketleague.tracker.network/rocket-league/profile/")


@then(parsers.parse("the answer names link {position:d}, counted from 0"))
def points_at(story: Story, position: int) -> None:
    assert story.answer.json()["position"] == position


@then("the answer says what to paste instead")
def says_what_to_paste(story: Story) -> None:
    assert len(story.answer.json()["detail"]) > 20


@then("Ada and Ben have different trackers")
def different_trackers(story: Story) -> None:
    assert len({made.tracker["id"] for made in story.made}) == len(story.made) == 2


@then(parsers.parse('the account is "{player}" on {platform:w}'))
def means(story: Story, player: str, platform: str) -> None:
    parsed = story.answer.json()
    assert (story.answer.status_code, parsed["display"], parsed["platform"]) == (200, story.marked(player), platform)


# ---- by oneself ----


@when(parsers.parse("{person} herself registers nothing"))
def registers_nothing(members: Members, person: str) -> None:
    members.register(person, [])


@when(parsers.parse('{person} herself registers "{player}" and then a link to nowhere'))
def registers_beside_nothing(members: Members, person: str, player: str) -> None:
    urls = [link(members.story.marked(player)), NOWHERE]
    members.ask(person, "POST", "/api/trackers/register", {"urls": urls})


@when(parsers.parse('{person} herself registers "{player}" in {other}\'s name'))
def registers_for_another(members: Members, person: str, player: str, other: str) -> None:
    body = {"user_id": members.people.logins[other].user_id, "urls": [link(members.story.marked(player))]}
    members.ask(person, "POST", "/api/trackers/register", body)


@when(parsers.parse('somebody without a login registers "{player}"'))
def nobody_registers(members: Members, player: str) -> None:
    urls = [link(members.story.marked(player))]
    members.story.answered(members.people.send("POST", "/api/trackers/register", {"urls": urls}))


@when(parsers.parse("{person} herself and the bot add {count:d} players each at the same moment"))
def both_add_at_once(members: Members, person: str, count: int) -> None:
    story = members.story
    story.together(
        *(
            partial(members.people.ask, person, "POST", "/api/trackers/add", {"url": link(name)})
            for name in story.players(count)
        ),
        *(partial(story.add, person, link(name)) for name in story.players(count)),
    )


# ---- typing in ----


def enter(members: Members, who: str, tracker_id: str, **given: Any) -> None:
    body = {
        "playlists": [{"playlist": "11", "rating": 912, "matches_played": 40}],
        "note": NOTE,
        "season": "34",
        **given,
    }
    members.ask(who, "POST", f"/api/trackers/{tracker_id}/snapshots", body)


@when(
    parsers.re(
        r'(?P<who>[A-Z]\w+) enters that (?:(?P<whose>\w+)\'s )?"(?P<player>[^"]+)" ha[sd] (?P<rating>\d+) in playlist'
        r' (?P<playlist>\d+)(?: in season "(?P<season>\w+)")?(?P<ago> a month ago)?'
    )
)
def enters(
    members: Members,
    who: str,
    whose: str | None,
    player: str,
    rating: str,
    playlist: str,
    season: str | None,
    ago: str | None,
) -> None:
    then = {"captured_at": (machine_time() - timedelta(days=30)).isoformat()} if ago else {}
    rows = [{"playlist": playlist, "rating": int(rating), "matches_played": 40}]
    enter(members, who, members.tracker_of(player, whose or who), playlists=rows, season=season, **then)


@when(parsers.re(r"(?P<who>[A-Z]\w+) enters with (?P<what>\{.*\})"))
def enters_with(members: Members, who: str, what: str) -> None:
    enter(members, who, members.story.made[-1].tracker["id"], **json.loads(what))


@then("the snapshot is stored")
def is_entered(story: Story) -> None:
    assert story.answer.status_code == 201, story.answer.text


@then(parsers.parse('one snapshot of "{player}" is manual, with Ada\'s note'))
def one_is_manual(story: Story, player: str) -> None:
    (manual,) = [snapshot for snapshot in story.snapshots(player) if snapshot["manual"]]
    assert manual["note"] == NOTE


@then(parsers.parse('no snapshot of "{player}" is manual'))
def none_is_manual(story: Story, player: str) -> None:
    assert not [snapshot for snapshot in story.snapshots(player) if snapshot["manual"]]


@then(parsers.re(r"(?P<who>[A-Z]\w+)'s own tracker shows no manual snapshot"))
def shows_no_manual(members: Members, who: str) -> None:
    (tracker,) = members.mine(who)
    for what in ("snapshots", "seasons", "history"):
        answer = members.ask(who, "GET", f"/api/trackers/{tracker['id']}/{what}")
        assert answer.status_code == 200, answer.text
        assert '"manual":true' not in answer.text


@when(parsers.re(r"(?P<who>[A-Z]\w+) corrects it to (?P<rating>\d+)"))
def corrects(members: Members, who: str, rating: str) -> None:
    entered = members.story.answer.json()
    rows = [{"playlist": entered["playlists"][0]["playlist"], "rating": int(rating), "matches_played": 41}]
    answer = members.ask(who, "PATCH", f"/api/trackers/manual-snapshots/{entered['id']}", {"playlists": rows})
    assert answer.status_code == 200, answer.text


@when(parsers.re(r"(?P<who>[A-Z]\w+) removes it"))
def removes_it(members: Members, who: str) -> None:
    entered = members.story.answer.json()
    answer = members.ask(who, "DELETE", f"/api/trackers/manual-snapshots/{entered['id']}")
    assert answer.status_code == 204, answer.text
