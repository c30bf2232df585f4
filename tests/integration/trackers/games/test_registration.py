"""Rules 1 to 4 of the contract, through the API, with a real worker behind it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from tests.conftest import Bench

PERSON = "281474976710656001"


def link(name: str, platform: str = "epic") -> str:
    return f"https://rocketleague.tracker.network/rocket-league/profile/{platform}/{name}/overview"


async def register(api: Bench, *names: str, person: str = PERSON) -> Any:
    return await api.http.post(
        "/internal/trackers/register-multiple", json={"user_id": person, "urls": [link(name) for name in names]}
    )


async def add(api: Bench, name: str, person: str = PERSON) -> Any:
    return await api.http.post("/internal/trackers/add", json={"user_id": person, "url": link(name)})


async def test_registered_trackers_are_fetched_and_tell_where_the_player_stands(api: Bench) -> None:
    answer = await register(api, "Quiet%20Comet", "Lintwurm")
    assert answer.status_code == 201, answer.text
    first = answer.json()["trackers"][0]  # in the order in which the links were given
    assert (await api.http.get(f"/internal/trackers/{first['id']}")).json()["status"] == "pending"

    await api.work()

    tracker = (await api.http.get(f"/internal/trackers/{first['id']}")).json()
    assert (tracker["status"], tracker["display"], tracker["current_season"]) == ("completed", "Quiet Comet", "34")
    task = (await api.http.get(f"/api/tasks/{first['task_id']}")).json()
    assert (task["status"], task["changed"]) == ("completed", True)
    seasons = (await api.http.get(f"/internal/trackers/{first['id']}/seasons")).json()["items"]
    assert seasons[0]["current"]
    assert seasons[0]["playlists"]
    snapshots = (await api.http.get(f"/internal/trackers/{first['id']}/snapshots")).json()["items"]
    assert len(snapshots) == 1


async def test_twenty_additions_at_once_leave_four_trackers(api: Bench) -> None:
    answers = await asyncio.gather(*(add(api, f"Racer{number}") for number in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [400] * 16


async def test_one_account_added_twenty_times_at_once_is_followed_once(api: Bench) -> None:
    answers = await asyncio.gather(*(add(api, "lintwurm") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


async def test_twenty_registrations_at_once_make_one(api: Bench) -> None:
    answers = await asyncio.gather(*(register(api, f"A{number}", f"B{number}") for number in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


async def test_adding_a_deactivated_account_again_says_that_it_is_deactivated(api: Bench) -> None:
    await add(api, "Lintwurm")
    await deactivate(api)
    for answer in (await add(api, "lintwurm"), await register(api, "Other", "lintwurm")):
        assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_tracker")
        assert "deactivated" in answer.json()["detail"]


async def test_deactivated_trackers_do_not_count_towards_the_four(api: Bench) -> None:
    await register(api, "A", "B", "C", "D")
    assert (await add(api, "E")).status_code == 400
    await deactivate(api)
    assert (await register(api, "E", "F", "G")).status_code == 201
    assert (await add(api, "H")).status_code == 201
    assert (await add(api, "I")).status_code == 400


@pytest.mark.parametrize("person", [f"{PERSON}\n", "٢٨١٤٧٤٩٧٦٧١٠٦٥٦٠٠١", f" {PERSON}", "1" * 16, "1" * 21])
async def test_only_17_to_20_plain_digits_name_a_person(api: Bench, person: str) -> None:
    assert (await add(api, "Lintwurm", person=person)).status_code == 422
    assert (await register(api, "Lintwurm", person=person)).status_code == 422


async def test_processing_pending_trackers_takes_up_those_that_were_given_up(api: Bench) -> None:
    answers = [await add(api, name) for name in ("Given", "Fine")]
    given, fine = (answer.json()["trackers"][0]["id"] for answer in answers)
    await api.work()
    assert (await process_pending(api))["queued"] == 0
    await change(
        api,
        "UPDATE scrape_schedule s SET due_at = 'infinity' FROM game_accounts a"
        " WHERE a.target_id = s.target_id AND a.identifier = 'given'",
    )

    assert (await process_pending(api))["queued"] == 1

    statuses = [
        (await api.http.get(f"/internal/trackers/{tracker}/status")).json()["status"] for tracker in (given, fine)
    ]
    assert statuses == ["pending", "completed"]
    await api.work()
    status = (await api.http.get(f"/internal/trackers/{given}/status")).json()
    assert (status["status"], status["next_fetch_at"] is None) == ("completed", False)


async def test_deactivated_trackers_are_not_pending(api: Bench) -> None:
    await add(api, "Lintwurm")
    await deactivate(api)
    assert (await process_pending(api))["queued"] == 0


async def process_pending(api: Bench) -> Any:
    answer = await api.http.post("/internal/trackers/process-pending")
    assert answer.status_code == 202, answer.text
    return answer.json()


async def deactivate(api: Bench) -> None:
    await change(api, "UPDATE game_trackers SET active = false")


async def change(api: Bench, statement: str) -> None:
    async with api.container.database().unit_of_work() as session:
        await session.execute(text(statement))
