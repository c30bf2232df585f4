"""features/trackers/scheduled-processing.feature"""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.service import eventually, machine_time
from tests.features.trackers.story import SOON, Story

scenarios(str(Path(__file__).parents[3] / "features/trackers/scheduled-processing.feature"))


def snowflake() -> str:
    return str(secrets.randbelow(8 * 10**18) + 10**18)


@dataclass
class Club:
    """One scenario's guild, and the schedule that it speaks of."""

    story: Story
    guild_id: str = field(default_factory=snowflake)
    schedule_id: str = ""
    due: float = 0.0

    def tell(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.story.service.http.request(method, path, json=body)

    def told(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.tell(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def schedule(self, **when: str) -> httpx.Response:
        answer = self.tell("POST", "/internal/trackers/schedule", {"guild_id": self.guild_id, **when})
        if answer.status_code == httpx.codes.CREATED:
            self.schedule_id = answer.json()["id"]
        return answer

    def schedule_in(self, seconds: float) -> None:
        """That soon, or later where the service is so busy that the moment was over when it was asked."""
        answer = None
        for longer in range(8):
            seconds *= 2 if longer else 1
            self.due, at = time.monotonic() + seconds, machine_time() + timedelta(seconds=seconds)
            answer = self.schedule(scheduled_at=at.isoformat())
            if answer.status_code == httpx.codes.CREATED:
                return
        assert answer is not None
        pytest.fail(answer.text)

    def wait_until_due(self, *, for_seconds: float = 0.0) -> None:
        """Wait until it is due, and has been for so long."""
        eventually(lambda: time.monotonic() >= self.due + for_seconds, what="its time has come")

    def schedules(self, query: str = "") -> list[dict[str, Any]]:
        shown = self.story.service.read(f"/internal/trackers/schedule/guild/{self.guild_id}?{query}")
        return list(shown["items"])

    @property
    def state(self) -> dict[str, Any]:
        return next(schedule for schedule in self.schedules() if schedule["id"] == self.schedule_id)

    def cancel(self, schedule_id: str) -> httpx.Response:
        return self.tell("POST", f"/internal/trackers/schedule/{schedule_id}/cancel")

    def wait_until_over(self) -> None:
        within = SOON if self.story.service.worker else self.story.service.patience
        eventually(lambda: self.state["status"] != "PENDING", within=within, what="the schedule is over")


@pytest.fixture
def club(story: Story) -> Iterator[Club]:
    made = Club(story)
    yield made
    made.tell("DELETE", f"/internal/guilds/{made.guild_id}")


# ---- the guild ----


@given('the bot has registered the guild "Comet Club" with Ada and Ben')
def has_put(club: Club) -> None:
    club.told("PUT", f"/internal/guilds/{club.guild_id}", {"name": "Comet Club"})
    members = [{"user_id": club.story.id_of(person)} for person in ("Ada", "Ben")]
    club.told("PUT", f"/internal/guilds/{club.guild_id}/members", {"members": members})


@given(parsers.re(r"the guild has switched processing (?P<how>on|off)"))
@when(parsers.re(r"the guild switches processing (?P<how>on|off)"))
def switches(club: Club, how: str) -> None:
    settings = {"tracker_processing": how == "on"}
    club.told("PUT", f"/internal/guilds/{club.guild_id}", {"name": "Comet Club", "settings": settings})


@when("the bot requests processing of the guild")
def processes(club: Club) -> None:
    club.story.answered(club.tell("POST", "/internal/trackers/process", {"guild_id": club.guild_id}))


@when("the bot requests processing of an unknown guild")
def processes_nothing(club: Club) -> None:
    club.story.answered(club.tell("POST", "/internal/trackers/process", {"guild_id": snowflake()}))


@then(parsers.parse("{queued:d} accounts are boosted and {skipped:d} skipped"))
def put_ahead(club: Club, queued: int, skipped: int) -> None:
    answer = club.story.answer
    assert (answer.status_code, answer.json()) == (202, {"queued": queued, "skipped": skipped})


@then(parsers.parse('the tracker of "{player}" is skipped'))
def is_skipped(story: Story, player: str) -> None:
    tracker = story.tracker(player)
    assert (tracker["reason"], tracker["error"], tracker["next_fetch_at"]) == ("skipped", None, None)
    assert tracker["status"] in {"pending", "completed"}


# ---- scheduling ----


@given(parsers.parse("processing is scheduled in {seconds:d} second"))
def scheduled_soon(club: Club, seconds: int) -> None:
    club.schedule_in(seconds)


@when(parsers.parse('processing is scheduled at "{cron}" in "{zone}"'))
def scheduled_again_and_again(club: Club, cron: str, zone: str) -> None:
    club.story.answered(club.schedule(cron=cron, time_zone=zone))
    assert club.story.answer.status_code == 201, club.story.answer.text


@when(parsers.re(r"processing is scheduled with (?P<what>\{.*\})"))
def scheduled_with(club: Club, what: str) -> None:
    club.story.answered(club.schedule(**json.loads(what)))


@given("a schedule that is COMPLETED, one that is CANCELLED and one that is PENDING")
def one_of_each(club: Club) -> None:
    club.schedule_in(0.5)
    time_has_come(club)
    for _ in range(2):
        club.schedule_in(3600)
    cancelled = club.schedules("status=PENDING")[1]
    assert club.cancel(cancelled["id"]).status_code == 200


@given("its time has come")
@when("its time has come")
def time_has_come(club: Club) -> None:
    """Its worker sees to it, one of ours where none runs yet; it is over unless it was cancelled before."""
    if club.story.service.worker is not None:
        club.story.service.own_worker.process()
    club.wait_until_over()
    club.wait_until_due()
    if club.story.service.worker is not None:
        club.story.service.own_worker.by_itself("games.run_schedules")  # what begins now or never


@given("its time has passed without a worker")
def time_has_passed(club: Club) -> None:
    club.wait_until_due(for_seconds=1)
    assert club.state["status"] == "PENDING"


@given("two workers run")
def two_workers(story: Story) -> None:
    for _ in range(2):
        story.service.own_worker.process()


@when("a worker with a short grace period runs")
def strict_worker(story: Story) -> None:
    story.service.own_worker.process({"TRACKERS_GAMES_SCHEDULE_GRACE": "0.5"})


@when("it has started")
def has_begun(club: Club) -> None:
    eventually(lambda: club.state["started_at"] is not None, within=SOON, what="the schedule begins")


@when("the bot cancels it")
def cancels(club: Club) -> None:
    club.story.answered(club.cancel(club.schedule_id))


@when("the bot cancels an unknown schedule")
def cancels_nothing(club: Club) -> None:
    club.story.answered(club.cancel(str(uuid4())))


# ---- how it stands ----


@then(parsers.re(r"the schedule is (?P<status>COMPLETED|FAILED|CANCELLED)(: (?P<reason>\w+))?"))
def schedule_is(club: Club, status: str, reason: str | None) -> None:
    club.wait_until_over()
    assert (club.state["status"], club.state["reason"]) == (status, reason)


@then("the schedule is PENDING")
def schedule_is_pending(club: Club) -> None:
    assert (club.state["status"], club.state["started_at"]) == ("PENDING", None)


@then("the schedule is PENDING and shows its progress")
def schedule_is_under_way(club: Club) -> None:
    assert (club.state["status"], club.state["finished_at"]) == ("PENDING", None)
    assert club.state["progress"] == {"total": 1, "ok": 0, "unchanged": 0, "failed": 0}


@then("it has never started")
def never_began(club: Club) -> None:
    assert (club.state["started_at"], club.state["report"]) == (None, None)


@then(parsers.re(r"its report counts (?P<total>\d+) accounts?, (?P<failed>\d+) of them failed"))
def report_counts(club: Club, total: str, failed: str) -> None:
    report = club.state["report"]
    assert (report["total"], report["failed"], report["skipped"]) == (int(total), int(failed), 0)
    assert report["ok"] + report["unchanged"] == int(total) - int(failed)


@then(parsers.parse("its report counts {skipped:d} account skipped"))
def report_counts_skipped(club: Club, skipped: int) -> None:
    report = club.state["report"]
    assert (report["total"], report["failed"], report["skipped"]) == (0, 0, skipped)


@then(parsers.parse("its report names the failure {reason}"))
def report_names(club: Club, reason: str) -> None:
    assert club.state["report"]["failures"] == {reason: 1}


@then(parsers.parse('its next time is a Monday at 18:00 in "{zone}"'))
def next_time(club: Club, zone: str) -> None:
    at = datetime.fromisoformat(club.state["scheduled_at"]).astimezone(ZoneInfo(zone))
    assert (at.isoweekday(), f"{at:%H:%M}") == (1, "18:00")
    assert at > machine_time()


# ---- reading ----


@when(parsers.re(r'the bot lists the schedules with "(?P<query>[^"]*)"'))
def lists(club: Club, query: str) -> None:
    club.story.answered(club.tell("GET", f"/internal/trackers/schedule/guild/{club.guild_id}?{query}"))


@then(parsers.re(r"it sees (?P<statuses>.+)"))
def sees(club: Club, statuses: str) -> None:
    expected = [] if statuses == "nothing" else statuses.split(", ")
    assert [schedule["status"] for schedule in club.story.answer.json()["items"]] == expected
