"""features/trackers/registration.feature"""

from functools import partial
from pathlib import Path

from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.trackers.conftest import Table, names
from tests.features.trackers.story import NOWHERE, Story, link

scenarios(str(Path(__file__).parents[3] / "features/trackers/registration.feature"))


# ---- people and links ----


@given(parsers.parse('Ada was refused when she registered "{player}" beside a link to nowhere'))
def was_refused_beside(story: Story, player: str) -> None:
    assert story.register("Ada", [link(story.marked(player)), NOWHERE]).status_code == 422


@given(parsers.re("the bot shows (?P<key>no key|a key that was made up)"))
def shows(story: Story, key: str) -> None:
    story.key = "" if key == "no key" else f"trk_madeupkey0_{'A' * 43}"


@when(parsers.parse("{person} registers the links"))
def registers_links(story: Story, person: str, datatable: Table) -> None:
    story.answered(story.register(person, [story.marked(row[0]) for row in datatable]))


@when(parsers.re(r'somebody registers with the id "(?P<user_id>[^"]*)"'))
def registers_with_id(story: Story, user_id: str) -> None:
    body = {"user_id": user_id, "urls": [link(name) for name in story.players(1)]}
    story.answered(story.service.http.post("/internal/trackers/register-multiple", json=body))


@when(parsers.re(r'(?P<person>\w+) adds the link "(?P<pasted>.+)"'))
def adds_link(story: Story, person: str, pasted: str) -> None:
    story.answered(story.add(person, story.marked(pasted)))


@given(parsers.re(r'(?P<person>\w+) has added the link "(?P<pasted>.+)"'))
def has_added_link(story: Story, person: str, pasted: str) -> None:
    adds_link(story, person, pasted)
    assert story.answer.status_code == 201, story.answer.text


@when(parsers.parse("{person} adds a link that is {length:d} characters long"))
def adds_long_link(story: Story, person: str, length: int) -> None:
    story.answered(story.add(person, link("a").ljust(length, "a")))


@when(parsers.re(r'the bot asks what "(?P<pasted>.+)" means'))
def asks_what_it_means(story: Story, pasted: str) -> None:
    story.answered(story.service.http.post("/internal/trackers/parse", json={"url": story.marked(pasted)}))


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


@when(parsers.re(r'(?P<person>\w+) adds "(?P<player>[^"]+)" (?P<times>\d+) times at the same moment'))
def adds_same_at_once(story: Story, person: str, player: str, times: str) -> None:
    story.together(*(partial(story.add, person, link(story.marked(player))) for _ in range(int(times))))


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


@then(parsers.parse("at most {count:d} trackers came of it"))
def at_most(story: Story, count: int) -> None:
    made = [answer for answer in story.answers if answer.status_code == 201]
    assert {answer.status_code for answer in story.answers} <= {201, 400, 409}
    assert made
    assert len(story.new_trackers) <= count


@then(parsers.parse('the tracker follows "{player}" on {platform:w}'))
def follows(story: Story, player: str, platform: str) -> None:
    (made,) = story.new_trackers
    tracker = story.service.read(f"/internal/trackers/{made['id']}")
    expected = ("rocket-league", platform, story.marked(player), story.marked(player).casefold())
    assert (tracker["game"], tracker["platform"], tracker["display"], tracker["identifier"]) == expected


@then("the tracker remembers the link as it was pasted")
def remembers(story: Story) -> None:
    (made,) = story.new_trackers
    tracker = story.service.read(f"/internal/trackers/{made['id']}")
    assert tracker["url"] == story.pasted
    assert tracker["profile_url"].startswith("https://rocketleague.tracker.network/rocket-league/profile/")


@then(parsers.parse("the answer points at link {position:d}, counted from 0"))
def points_at(story: Story, position: int) -> None:
    assert story.answer.json()["position"] == position


@then("the answer says what to paste instead")
def says_what_to_paste(story: Story) -> None:
    assert len(story.answer.json()["detail"]) > 20


@then("Ada and Ben have different trackers")
def different_trackers(story: Story) -> None:
    assert len({made.tracker["id"] for made in story.made}) == len(story.made) == 2


@then(parsers.parse('it means "{player}" on {platform:w}'))
def means(story: Story, player: str, platform: str) -> None:
    parsed = story.answer.json()
    assert (story.answer.status_code, parsed["display"], parsed["platform"]) == (200, story.marked(player), platform)
