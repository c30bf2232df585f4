"""features/trackers/scraping.feature"""

import signal
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.service import SETTLED, eventually
from tests.features.trackers.story import SOON, TWO_DAYS, Story

scenarios(str(Path(__file__).parents[3] / "features/trackers/scraping.feature"))

LEASE: Final = "3"


# ---- the site and its players ----


@given(parsers.parse('the site answers for "{player}" as it did in 2023'))
def site_answers_as_before(story: Story, player: str) -> None:
    story.service.simulated.games.add_player("epic", story.marked(player), ratings={13: 987}, style="2023")


@given("the site works again")
def site_is_well(story: Story) -> None:
    story.service.simulated.clear_faults()


@given("the site's robots.txt disallows everything")
def robots_disallow(story: Story) -> None:
    story.service.simulated.games.robots("User-agent: *\nDisallow: /\n")


@given(parsers.re(r'"(?P<player>[^"]+)" (?P<how>wins|loses) (?P<matches>\d+) matches in a row in playlist 11'))
def plays_in_a_row(story: Story, player: str, how: str, matches: str) -> None:
    play = partial(story.service.simulated.games.play, "epic", story.marked(player), 11)
    sign = 1 if how == "wins" else -1
    play(rating=-9 * sign)  # ends whatever streak there was
    play(rating=9 * sign * int(matches), matches=int(matches))


@when(parsers.parse("season {number:d} begins"))
def season_begins(story: Story, number: int) -> None:
    story.service.simulated.games.start_season(number)


# ---- the worker ----


@when("the worker runs repeatedly two days later")
def worker_keeps_looking(story: Story) -> None:
    def fetched_at() -> bool:
        story.service.own_worker.burst(later=TWO_DAYS)
        return all(status(story, made.tracker["id"])["status"] == "completed" for made in story.made)

    eventually(fetched_at, within=SOON, what="completed")


@when("the worker starts a run")
def worker_starts(story: Story) -> None:
    story.at_work = story.service.own_worker.in_background()


@when("the worker has finished")
def worker_has_finished(story: Story) -> None:
    assert story.at_work is not None
    story.at_work.join()


@given(parsers.parse("a pace of one request per {delay} seconds, plus or minus {jitter}"))
def pace(story: Story, delay: str, jitter: str) -> None:
    story.pace = {"TRACKERS_GAMES_DELAY": delay, "TRACKERS_GAMES_JITTER": jitter}


@given("a first worker has started to fetch")
def first_worker(story: Story) -> None:
    story.at_work = story.service.own_worker.in_background(story.pace)
    eventually(lambda: bool(story.requests()), within=SOON, what="the first request")


@when("a second worker runs until all trackers are fetched")
def second_worker(story: Story) -> None:
    second = story.service.own_worker.in_background(story.pace)
    second.join()
    worker_has_finished(story)
    story.service.own_worker.burst(story.pace)


@given(parsers.parse('a worker was killed while the tracker of "{player}" was in progress'))
def worker_killed(story: Story, player: str) -> None:
    worker = story.service.own_worker.process({"TRACKERS_SCRAPE_LEASE": LEASE, "TRACKERS_GAMES_TIMEOUT": "45"})
    eventually(lambda: bool(story.requests(player)), within=SOON, what="the request that never ends")
    assert story.tracker(player)["status"] == "in_progress"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert story.tracker(player)["status"] == "in_progress"


@when("the bot requests processing of all pending trackers")
def process_pending(story: Story) -> None:
    story.answered(story.service.bot.answer(lambda bot: bot.trackers.process_pending()))


@when(parsers.parse("the bot requests processing of all pending trackers {times:d} times"))
def process_pending_often(story: Story, times: int) -> None:
    for _ in range(times):
        process_pending(story)
        assert story.answer.status_code == 202, story.answer.text


@when(parsers.re(r'(?P<person>\w+) requests a refresh of "(?P<player>[^"]+)" (?P<times>\d+) times at the same moment'))
def asks_for_look_at_once(story: Story, person: str, player: str, times: str) -> None:
    story.together(*(partial(story.refresh, person, player) for _ in range(int(times))))


@when("somebody requests a refresh of a tracker that does not exist")
def asks_for_look_at_nothing(story: Story) -> None:
    story.answered(story.service.bot.answer(lambda bot: bot.trackers.refresh_tracker(uuid4())))


@when("somebody requests a task that does not exist")
def asks_for_task(story: Story) -> None:
    story.answered(story.service.http.get(f"/api/tasks/{uuid4()}"))


@when("somebody requests a tracker that does not exist")
def asks_for_tracker(story: Story) -> None:
    story.answered(story.service.bot.answer(lambda bot: bot.trackers.get_tracker(uuid4())))


# ---- how it stands ----


def status(story: Story, tracker_id: str) -> dict[str, Any]:
    found: dict[str, Any] = story.service.read(f"/internal/trackers/{tracker_id}/status")
    return found


@then(parsers.parse('the tracker of "{player}" is in progress'))
def tracker_in_progress(story: Story, player: str) -> None:
    eventually(lambda: story.tracker(player)["status"] == "in_progress", within=SOON, what="in progress")


@then(parsers.parse('the tracker of "{player}" becomes completed'))
def tracker_is_in_the_end(story: Story, player: str) -> None:
    eventually(lambda: story.tracker(player)["status"] in SETTLED, within=SOON, what="taken back and looked at")
    tracker = story.tracker(player)
    assert (tracker["status"], tracker["reason"], tracker["error"]) == ("completed", None, None)


@given(parsers.re(r'the tracker of "(?P<player>[^"]+)" has failed: (?P<reason>\w+)'))
@then(parsers.re(r'the tracker of "(?P<player>[^"]+)" has failed: (?P<reason>\w+)'))
def tracker_has_failed(story: Story, player: str, reason: str) -> None:
    tracker = story.tracker(player)
    assert (tracker["status"], tracker["reason"]) == ("failed", reason), tracker["error"]
    assert tracker["error"]
    assert tracker["last_attempt_at"]


@then("the time of the next attempt is shown")
def next_attempt(story: Story) -> None:
    for made in story.made:
        told = status(story, made.tracker["id"])
        assert told["next_fetch_at"] > told["last_attempt_at"]


@then(parsers.parse('the task of "{player}" is in progress'))
def task_in_progress(story: Story, player: str) -> None:
    task = story.task(player)
    assert (task["status"], task["finished_at"]) == ("in_progress", None)
    assert task["started_at"]


@then(parsers.re(r'the task of "(?P<player>[^"]+)" has failed: (?P<reason>\w+)'))
def task_has_failed(story: Story, player: str, reason: str) -> None:
    task = story.task(player)
    assert (task["status"], task["reason"]) == ("failed", reason)
    assert task["error"]


@then("the trackers of Ada and Ben are completed")
def both_completed(story: Story) -> None:
    assert {made.person for made in story.made} == {"Ada", "Ben"}
    assert [status(story, made.tracker["id"])["status"] for made in story.made] == ["completed", "completed"]


@then(parsers.parse("{count:d} trackers were boosted"))
def put_ahead(story: Story, count: int) -> None:
    assert (story.answer.status_code, story.answer.json()["queued"]) == (202, count)


# ---- what is stored ----


@then(parsers.parse('"{player}" still has a rating of {rating:d} in playlist {playlist:d} in season "{season}"'))
def had_rating(story: Story, player: str, rating: int, playlist: int, season: str) -> None:
    assert story.state(player, playlist, season)["rating"] == rating


@then(parsers.parse('the current season of "{player}" is "{season}"'))
def current_season(story: Story, player: str, season: str) -> None:
    assert story.tracker(player)["current_season"] == season
    assert [shown["key"] for shown in story.seasons(player) if shown["current"]] == [season]


@then(parsers.parse('"{player}" has a streak of {streak:d} in playlist {playlist:d}'))
def has_streak(story: Story, player: str, streak: int, playlist: int) -> None:
    assert story.state(player, playlist)["win_streak"] == streak


@then(parsers.parse('the ranks of "{player}" in playlists 10, 11 and 13 are estimated'))
def ranks_are_estimated(story: Story, player: str) -> None:
    for playlist in (10, 11, 13):
        state = story.state(player, playlist)
        assert (state["estimated"], state["matches_played"]) == (True, 0)


@then(parsers.parse('the rank of "{player}" in playlist {playlist:d} is real'))
def rank_is_real(story: Story, player: str, playlist: int) -> None:
    state = story.state(player, playlist)
    assert state["estimated"] is False
    assert state["tier_name"] not in {None, "Unranked"}


@then(
    parsers.parse(
        'the newest snapshot of "{player}" shows only playlist {playlist:d}, going from {before:d} to {after:d}'
    )
)
def newest_snapshot(story: Story, player: str, playlist: int, before: int, after: int) -> None:
    shown = story.snapshots(player)[0]["playlists"]
    assert [(row["playlist"], row["rating_before"], row["rating"]) for row in shown] == [(str(playlist), before, after)]


# ---- what the site was asked ----


@then(parsers.parse('at least {seconds:d} second passed between the requests for "{player}"'))
def left_alone(story: Story, seconds: int, player: str) -> None:
    first, *others = story.requests(player)
    assert others
    assert others[0].time - first.time >= seconds


@then(parsers.parse("the requests are at least {seconds:g} seconds apart on average"))
def kept_pace(story: Story, seconds: float) -> None:
    requests = story.requests()
    assert len(requests) == len(story.made) == 8
    assert requests[-1].time - requests[0].time >= seconds * (len(requests) - 1)
