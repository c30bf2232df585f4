"""Rules 1 to 4 of the contract, through the API, with a real worker behind it."""

import asyncio
from typing import Any

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
    first = answer.json()["trackers"][1]
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
