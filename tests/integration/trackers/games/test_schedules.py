"""Rules 6 and 7 of the contract: a guild's trackers, processed now or at a time."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.integration.trackers.games.club import ADA, BEN, CLEO, GUILD, OTHER_GUILD, Club
from tests.upstreams.client import SimulatedSites

HOUR = timedelta(hours=1)
NOWHERE = "01900000-0000-7000-8000-000000000000"


async def test_processing_a_guild_puts_what_its_members_follow_ahead(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild()
    await club.join(ADA, BEN)
    await club.follow(ADA, "Lintwurm", "Mondkalb")
    await club.follow(BEN, "Lintwurm")
    await club.follow(CLEO, "Elsewhere")
    await club.work()
    answer = await club.ask("POST", "/internal/trackers/process", {"guild_id": GUILD})
    assert (answer.status_code, answer.json()) == (202, {"queued": 2, "skipped": 0})
    await club.work()
    asked = [club.asked_for(player, sites) for player in ("Lintwurm", "Mondkalb", "Elsewhere")]
    assert asked == [2, 2, 1]


async def test_a_schedule_waits_for_its_time_and_tells_what_came_of_it(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm", "Mondkalb")
    made = await club.schedule(metadata={"channel": "general"})
    assert (made["status"], made["metadata"], made["progress"]) == ("PENDING", {"channel": "general"}, None)
    assert await club.tick() == 0

    await club.pass_by(HOUR)
    assert await club.tick() == 1
    (under_way,) = await club.schedules()
    assert (under_way["status"], under_way["finished_at"]) == ("PENDING", None)
    assert under_way["progress"] == {"total": 2, "ok": 0, "unchanged": 0, "failed": 0}

    await club.work()
    (done,) = await club.schedules()
    assert done["progress"]["ok"] == 2
    assert await club.tick() == 1
    (over,) = await club.schedules()
    assert (over["status"], over["reason"], over["progress"]) == ("COMPLETED", None, None)
    assert over["report"] == {"total": 2, "ok": 2, "unchanged": 0, "failed": 0, "skipped": 0, "failures": {}}
    assert over["planned_for"] == made["scheduled_at"] <= over["started_at"] <= over["finished_at"]
    assert await club.tick() == 0
    (told,) = await club.finished()
    assert (told["schedule_id"], told["status"], told["report"]) == (made["id"], "COMPLETED", over["report"])
    assert told["metadata"] == {"channel": "general"}


async def test_what_fails_in_it_is_told_in_the_report(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm", "Mondkalb", "Gone")
    await club.work()
    sites.games.fault("*/profile/*/Gone*", "missing")
    sites.games.play("epic", "Lintwurm", 11, rating=9)
    await club.schedule()
    await club.pass_by(HOUR)
    await club.tick()
    await club.work()
    await club.tick()
    (over,) = await club.schedules()
    assert over["status"] == "COMPLETED"
    assert over["report"] == {
        "total": 3, "ok": 1, "unchanged": 1, "failed": 1, "skipped": 0, "failures": {"not_found": 1},
    }  # fmt: skip


async def test_a_guild_that_follows_nothing_is_done_at_once(club: Club) -> None:
    await club.put_guild()
    await club.schedule()
    await club.pass_by(HOUR)
    await club.tick()
    (over,) = await club.schedules()
    assert (over["status"], over["report"]["total"]) == ("COMPLETED", 0)


async def test_one_that_no_worker_began_in_time_begins_late(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    made = await club.schedule()
    await club.pass_by(6 * HOUR)
    await club.tick()
    await club.work()
    await club.tick()
    (over,) = await club.schedules()
    assert (over["status"], over["report"]["ok"], over["planned_for"]) == ("COMPLETED", 1, made["scheduled_at"])


async def test_past_the_grace_it_was_missed(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    await club.schedule()
    await club.pass_by(8 * HOUR)
    await club.tick()
    (over,) = await club.schedules()
    assert (over["status"], over["reason"], over["started_at"]) == ("FAILED", "missed", None)
    assert [(told["status"], told["reason"]) for told in await club.finished()] == [("FAILED", "missed")]
    assert await club.rows("SELECT 1 FROM game_schedule_runs") == []


async def test_of_a_guild_that_switched_processing_off_everything_is_skipped(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm", "Mondkalb")
    await club.schedule()
    await club.switch(on=False)
    answer = await club.told("POST", "/internal/trackers/process", {"guild_id": GUILD})
    assert answer == {"queued": 0, "skipped": 2}
    await club.pass_by(HOUR)
    await club.tick()
    await club.work()
    (over,) = await club.schedules()
    assert (over["status"], over["reason"]) == ("COMPLETED", "processing_off")
    assert (over["report"]["total"], over["report"]["skipped"], over["report"]["failed"]) == (0, 2, 0)
    assert club.asked_for("Lintwurm", sites) == 0


async def test_what_takes_longer_than_a_day_is_ended_with_what_there_is(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm", "Mondkalb")
    await club.schedule()
    await club.pass_by(HOUR)
    await club.tick()
    await club.pass_by(25 * HOUR)
    await club.tick()
    (over,) = await club.schedules()
    assert (over["status"], over["reason"]) == ("COMPLETED", "unfinished")
    assert over["report"]["failures"] == {"unfinished": 2}


async def test_runs_that_are_gone_hold_nothing_up(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    await club.schedule()
    await club.pass_by(HOUR)
    await club.tick()
    async with club.container.database().unit_of_work() as session:
        await session.execute(text("DELETE FROM scrape_runs"))
    await club.tick()
    (over,) = await club.schedules()
    assert over["report"]["failures"] == {"gone": 1}


# ---- cancelling ----


async def test_what_has_not_begun_can_be_cancelled_and_never_begins(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    made = await club.schedule()
    answer = await club.cancel(made["id"])
    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    assert answer.json()["cancelled_at"]
    await club.pass_by(2 * HOUR)
    assert await club.tick() == 0
    again = await club.cancel(made["id"])
    assert (again.status_code, again.json()["code"]) == (409, "schedule_over")


async def test_what_began_or_is_over_cannot_be_cancelled(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    made = await club.schedule()
    await club.pass_by(HOUR)
    await club.tick()
    answer = await club.cancel(made["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "schedule_began")
    await club.work()
    await club.tick()
    answer = await club.cancel(made["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "schedule_over")


async def test_workers_that_begin_together_begin_each_schedule_once(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    for _ in range(20):
        await club.schedule()
    await club.pass_by(HOUR)
    assert await club.tick(workers=5) == 20
    await club.work()
    assert await club.tick(workers=5) == 20
    assert [schedule["status"] for schedule in await club.schedules()] == ["COMPLETED"] * 20
    assert len({told["schedule_id"] for told in await club.finished()}) == len(await club.finished()) == 20


async def test_a_cancellation_at_the_moment_of_the_start_wins_or_loses_wholly(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    made = [(await club.schedule())["id"] for _ in range(20)]
    await club.pass_by(HOUR)
    beginning = asyncio.create_task(club.tick(workers=2))
    answers = await asyncio.gather(*(club.cancel(schedule) for schedule in made))
    await beginning
    await club.work()
    await club.tick()
    stands = {schedule["id"]: schedule for schedule in await club.schedules()}
    for schedule, answer in zip(made, answers, strict=True):
        ended, began = stands[schedule]["status"], stands[schedule]["started_at"] is not None
        assert (answer.status_code, ended, began) in {(200, "CANCELLED", False), (409, "COMPLETED", True)}


# ---- again and again ----


async def test_a_recurring_schedule_comes_round_until_it_is_cancelled(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    made = await club.schedule(cron="0 * * * *", time_zone="Europe/Berlin")
    assert (made["cron"], made["time_zone"], made["status"]) == ("0 * * * *", "Europe/Berlin", "PENDING")
    for _ in range(2):
        await club.pass_by(HOUR)
        assert await club.tick() == 1
        await club.work()
        assert await club.tick() == 1
        (stands,) = await club.schedules()
        assert (stands["status"], stands["report"]["total"]) == ("PENDING", 1)
        assert stands["scheduled_at"] > stands["planned_for"]
    assert (await club.cancel(made["id"])).status_code == 200
    await club.pass_by(HOUR)
    assert await club.tick() == 0
    assert len({told["planned_for"] for told in await club.finished()}) == 2


async def test_cancelled_under_way_it_is_brought_to_its_end_and_stays_cancelled(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    made = await club.schedule(cron="0 * * * *")
    await club.pass_by(HOUR)
    await club.tick()
    assert (await club.cancel(made["id"])).json()["status"] == "CANCELLED"
    await club.work()
    await club.tick()
    (over,) = await club.schedules()
    assert (over["status"], over["report"]["ok"]) == ("CANCELLED", 1)


async def test_times_that_came_and_went_without_a_worker_are_one(club: Club) -> None:
    await club.put_guild()
    await club.schedule(cron="*/10 * * * *")
    await club.pass_by(3 * HOUR)
    assert await club.tick() == 1
    (stands,) = await club.schedules()
    assert (stands["status"], stands["reason"]) == ("PENDING", None)
    assert stands["scheduled_at"] > f"{club.clock.now():%Y-%m-%dT%H:%M:%S}"


async def test_a_recurring_schedule_that_was_missed_goes_on(club: Club) -> None:
    await club.put_guild()
    await club.schedule(cron="*/10 * * * *")
    await club.pass_by(9 * HOUR)
    assert await club.tick() == 1
    (missed,) = await club.schedules()
    assert (missed["status"], missed["reason"]) == ("PENDING", "missed")
    await club.pass_by(timedelta(minutes=11))
    await club.tick()
    (stands,) = await club.schedules()
    assert (stands["status"], stands["reason"]) == ("PENDING", None)


# ---- what is refused, and who may ----


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"scheduled_at": "2020-01-01T00:00:00Z"},
        {"scheduled_at": "2099-01-01T00:00:00Z"},
        {"scheduled_at": "9999-12-31T23:59:59-12:00"},
        {"scheduled_at": "0001-01-01T00:00:00+12:00"},
        {"scheduled_at": "2026-12-24T18:00:00"},
        {"scheduled_at": "tomorrow"},
        {"cron": "every day"},
        {"cron": "0 0 31 2 *"},
        {"cron": "* * * * * *"},
        {"cron": "0 18 * * *", "time_zone": "Europe/Atlantis"},
        {"cron": "0 18 * * *", "scheduled_at": "LATER"},
        {"scheduled_at": "LATER", "time_zone": "Europe/Berlin"},
        {"scheduled_at": "LATER", "metadata": {"text": "x" * 5000}},
        {"scheduled_at": "LATER", "metadata": {"text": "a\0b"}},
        {"scheduled_at": "LATER", "metadata": ["no object"]},
        {"scheduled_at": "LATER", "guild_id": "comets"},
        {"scheduled_at": "LATER", "more": 1},
    ],
    ids=str,
)
async def test_what_cannot_be_scheduled_is_refused(club: Club, given: dict[str, Any]) -> None:
    await club.put_guild()
    later = (club.clock.now() + HOUR).isoformat()
    body = {"guild_id": GUILD} | {name: later if value == "LATER" else value for name, value in given.items()}
    answer = await club.ask("POST", "/internal/trackers/schedule", body)
    assert answer.status_code == 422, answer.text
    assert await club.schedules() == []


async def test_offsets_and_odd_metadata_come_back_as_they_were_meant(club: Club) -> None:
    await club.put_guild()
    metadata = {"text": "Grüße 🚀", "deep": {"list": [1, 2.5, None, True, 10**30]}}
    later = (club.clock.now() + HOUR).replace(microsecond=0)
    body = {"guild_id": GUILD, "scheduled_at": f"{later + 2 * HOUR:%Y-%m-%dT%H:%M:%S}+02:00", "metadata": metadata}
    made = await club.told("POST", "/internal/trackers/schedule", body)
    assert made["scheduled_at"] == f"{later:%Y-%m-%dT%H:%M:%S}Z"
    assert (await club.schedules())[0]["metadata"] == made["metadata"] == metadata


async def test_of_a_guild_that_there_is_not_or_that_the_key_is_not_for_nothing_is_known(club: Club) -> None:
    await club.put_guild()
    await club.put_guild(OTHER_GUILD)
    made = await club.schedule()
    async with club.container.database().unit_of_work():
        keys = club.container.users.keys()
        elsewhere = str((await keys.create("its bot", ["trackers"], guild_ids=[OTHER_GUILD])).text)
    nowhere = "999999999999999999"
    later = (club.clock.now() + HOUR).isoformat()
    for guild, key in ((nowhere, None), (GUILD, elsewhere)):
        asked = [
            await club.ask("POST", "/internal/trackers/process", {"guild_id": guild}, key=key),
            await club.ask("POST", "/internal/trackers/schedule", {"guild_id": guild, "scheduled_at": later}, key=key),
            await club.ask("GET", f"/internal/trackers/schedule/guild/{guild}", key=key),
        ]
        assert [(answer.status_code, answer.json()["code"]) for answer in asked] == [(404, "guild_not_found")] * 3
    for schedule, key in ((NOWHERE, None), (made["id"], elsewhere)):
        answer = await club.ask("POST", f"/internal/trackers/schedule/{schedule}/cancel", key=key)
        assert (answer.status_code, answer.json()["code"]) == (404, "schedule_not_found")
    assert [schedule["status"] for schedule in await club.schedules()] == ["PENDING"]


async def test_a_guild_that_is_forgotten_takes_its_schedules_along(club: Club) -> None:
    await club.put_guild()
    await club.schedule()
    await club.told("DELETE", f"/internal/guilds/{GUILD}")
    await club.pass_by(HOUR)
    assert await club.tick() == 0
    await club.put_guild()
    assert await club.schedules() == []


# ---- reading ----


@pytest.fixture
async def one_of_each(club: Club) -> Club:
    """A guild with a schedule of every status, made in the order COMPLETED, FAILED, CANCELLED, PENDING."""
    await club.put_guild()
    await club.schedule(after=timedelta(minutes=1))
    await club.pass_by(HOUR)
    await club.tick()
    await club.schedule(after=timedelta(minutes=1))
    await club.pass_by(8 * HOUR)
    await club.tick()
    await club.cancel((await club.schedule())["id"])
    await club.schedule()
    return club


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["PENDING", "CANCELLED", "FAILED", "COMPLETED"]),
        ("?includeCompleted=true", ["PENDING", "CANCELLED", "FAILED", "COMPLETED"]),
        ("?includeCompleted=false", ["PENDING", "CANCELLED", "FAILED"]),
        ("?status=COMPLETED", ["COMPLETED"]),
        ("?status=COMPLETED&includeCompleted=false", ["COMPLETED"]),
        ("?status=PENDING&includeCompleted=true", ["PENDING"]),
        ("?status=CANCELLED", ["CANCELLED"]),
        ("?status=FAILED", ["FAILED"]),
        ("?per_page=2&page=2", ["FAILED", "COMPLETED"]),
    ],
)
async def test_schedules_are_filtered_as_the_contract_says(one_of_each: Club, query: str, found: list[str]) -> None:
    assert [schedule["status"] for schedule in await one_of_each.schedules(query)] == found


@pytest.mark.parametrize("query", ["?status=RUNNING", "?status=pending", "?includeCompleted=perhaps", "?page=0"])
async def test_filters_that_mean_nothing_are_refused(club: Club, query: str) -> None:
    await club.put_guild()
    answer = await club.ask("GET", f"/internal/trackers/schedule/guild/{GUILD}{query}")
    assert answer.status_code == 422, answer.text
