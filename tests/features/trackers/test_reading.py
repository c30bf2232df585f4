"""features/trackers/reading.feature"""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import httpx
from pytest_bdd import parsers, scenarios, then, when
from tests.features.service import machine_time
from tests.features.trackers.conftest import names
from tests.features.trackers.members import Members
from tests.features.trackers.story import Story

scenarios(str(Path(__file__).parents[3] / "features/trackers/reading.feature"))

PARTS: Final = {
    "all": "",
    "the detail": "/detail",
    "the status": "/status",
    "the seasons": "/seasons",
    "the snapshots": "/snapshots",
    "the history": "/history",
}


def an_hour_ago() -> str:
    return quote((machine_time() - timedelta(hours=1)).isoformat())


def found(story: Story) -> Any:
    assert story.answer.status_code == httpx.codes.OK, story.answer.text
    return story.answer.json()


# ---- asking ----


@when(parsers.re(r"(?P<who>[A-Z]\w+) reads (?:her|his) trackers"))
def reads_own(members: Members, who: str) -> None:
    members.ask(who, "GET", "/api/trackers/me")


@when(parsers.re(r'(?P<who>[A-Z]\w+) reads (?P<part>the (?:detail|status)) of "(?P<player>[^"]+)"'))
def reads_part(members: Members, who: str, part: str, player: str) -> None:
    members.ask(who, "GET", members.path(player, who) + PARTS[part])


@when(parsers.re(r'(?P<who>[A-Z]\w+) asks for (?P<part>all|the \w+) of (?P<whose>\w+)\'s "(?P<player>[^"]+)"'))
def asks_for_others(members: Members, who: str, part: str, whose: str, player: str) -> None:
    members.ask(who, "GET", members.path(player, whose) + PARTS[part])


@when(parsers.re(r'(?P<who>[A-Z]\w+|the admin) lists with "(?P<query>[^"]*)"'))
def lists(members: Members, who: str, query: str) -> None:
    members.ask(who, "GET", f"/api/trackers?{query.replace('GUILD', members.guild_id)}")


@when(parsers.re(r'the bot lists with "(?P<query>[^"]*)"'))
def bot_lists(members: Members, query: str) -> None:
    path = f"/internal/trackers?{query.replace('GUILD', members.guild_id)}"
    members.story.answered(members.people.bot("GET", path))


@when(parsers.re(r'a bot that has a key for this guild only (?P<what>lists with ""|reads ".+")'))
def guild_bot_asks(members: Members, what: str) -> None:
    where = "".join(f"/{members.tracker_of(player)}" for player in names(what))
    key = members.key("trackers:read", for_guild=True)
    members.story.answered(members.people.bot("GET", f"/internal/trackers{where}", key=key))


@when("somebody without a login lists trackers")
def nobody_lists(members: Members) -> None:
    members.story.answered(members.people.send("GET", "/api/trackers"))


@when(parsers.parse('{who} reads the snapshots of "{player}" one at a time'))
def reads_one_at_a_time(members: Members, who: str, player: str) -> None:
    path = f"{members.path(player, who)}/snapshots?limit=1"
    answers = [members.ask(who, "GET", path)]
    while (before := answers[-1].json()["next_before"]) is not None:
        answers.append(members.ask(who, "GET", f"{path}&before={before}"))
    members.story.answers = answers


@when(parsers.re(r'(?P<who>[A-Z]\w+) reads the snapshots of "(?P<player>[^"]+)" (?P<which>of .+|since .+|until .+)'))
def reads_some_snapshots(members: Members, who: str, player: str, which: str) -> None:
    queries = {
        "of the current season": f"season={members.story.tracker(player)['current_season']}",
        'of season "1"': "season=1",
        "since an hour ago": f"since={an_hour_ago()}",
        "until an hour ago": f"until={an_hour_ago()}",
    }
    members.ask(who, "GET", f"{members.path(player, who)}/snapshots?{queries[which]}")


@when(parsers.parse('{who} reads the snapshots of "{player}" before an unknown snapshot'))
def reads_before_nothing(members: Members, who: str, player: str) -> None:
    members.ask(who, "GET", f"{members.path(player, who)}/snapshots?before={uuid4()}")


# ---- what is read ----


@then(parsers.re(r'(?:she|he|it) sees (?P<players>"[^"]+"(?: and "[^"]+")*|nothing)'))
def sees(members: Members, players: str) -> None:
    assert members.shown(found(members.story)["items"]) == names(players)


@then(parsers.parse('she sees "{first}" as {status} and "{second}" as failed: {reason}'))
def sees_standing(members: Members, first: str, status: str, second: str, reason: str) -> None:
    items = found(members.story)["items"]
    assert members.shown(items) == [first, second]
    assert [(one["status"], one["reason"]) for one in items] == [(status, None), ("failed", reason)]


@then(parsers.parse('it shows the account "{player}" on {platform:w}, its link and its next fetch'))
def tells_account(story: Story, player: str, platform: str) -> None:
    tracker = found(story)
    assert (tracker["display"], tracker["platform"]) == (story.marked(player), platform)
    assert tracker["url"].startswith("https://rocketleague.tracker.network/")
    assert tracker["last_success_at"] < tracker["next_fetch_at"]


@then(parsers.parse("it shows failed: {reason:w}, with its error and its last attempt"))
def says_failed(story: Story, reason: str) -> None:
    status = found(story)
    assert (status["status"], status["reason"]) == ("failed", reason)
    assert status["error"]
    assert status["last_attempt_at"] < status["next_fetch_at"]


@then(parsers.parse("its current season shows {rating:d} in playlist {playlist:d}"))
def season_shows(story: Story, rating: int, playlist: int) -> None:
    (season,) = (one for one in found(story)["seasons"] if one["current"])
    assert [row["rating"] for row in season["playlists"] if row["playlist"] == str(playlist)] == [rating]


@then("the detail shows the same seasons")
def told_alike(members: Members) -> None:
    detail = found(members.story)
    path = f"/api/trackers/{detail['tracker']['id']}"
    assert members.people.read("Ada", f"{path}/seasons")["items"] == detail["seasons"]
    assert members.people.read("Ada", path) == detail["tracker"]


@then(parsers.re(r"playlist (?P<playlist>\d+) shows (?P<ratings>[\d, ]+)"))
def playlist_shows(story: Story, playlist: str, ratings: str) -> None:
    pages = [answer.json()["items"] for answer in story.answers]
    assert {len(page) for page in pages[:-1]} == {1}
    rows = [row for page in pages for snapshot in page for row in snapshot["playlists"] if row["playlist"] == playlist]
    assert [row["rating"] for row in rows] == [int(rating) for rating in ratings.split(", ")]


@then(parsers.parse("the number of snapshots is {count:d}"))
def there_are(story: Story, count: int) -> None:
    assert len(found(story)["items"]) == count


@then("it is shown")
def is_there(story: Story) -> None:
    assert found(story)


@then(parsers.parse("{shown:d} of {total:d} is shown"))
def is_shown(story: Story, shown: int, total: int) -> None:
    page = found(story)
    assert (len(page["items"]), page["total"]) == (shown, total)
