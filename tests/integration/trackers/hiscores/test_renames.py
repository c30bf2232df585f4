"""New names: histories go on, and become one where they fit."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from tests.integration.people import People, Person
from tests.integration.trackers.hiscores.stage import LEVEL_98, LEVEL_99, Stage, gain_of


async def rename(admin: Person, player: Any, to: str) -> httpx.Response:
    return await admin.ask("POST", f"/api/admin/players/{player['id']}/rename", {"username": to})


async def test_a_player_goes_on_under_a_new_name(stage: Stage, admin: Person) -> None:
    stage.site.add_player("Old Lynx")
    player = await stage.add("Old Lynx")
    stage.site.rename_player("Old Lynx", "New Lynx")
    stage.site.play("New Lynx", xp={"Slayer": 700})
    answer = await rename(admin, player, "new_lynx")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["former"], answer.json()["merged"]) == ("old lynx", False)
    assert (await stage.get("/new_lynx"))["display_name"] == "new lynx"  # until the hiscores tell their own spelling
    await stage.look("new lynx")
    found = await stage.get("/new lynx")
    assert (found["id"], found["display_name"], found["records"]) == (player["id"], "New Lynx", 2)
    assert gain_of(await stage.get("/new lynx/history"), "slayer")["gained"] == 700
    former = await stage.ask("GET", "/old lynx")
    assert (former.status_code, former.json()["renamed_to"]) == (404, "New Lynx")


async def test_two_histories_that_fit_become_one(stage: Stage, admin: Person, people: People) -> None:
    stage.site.add_player("Old Lynx", xp={"Slayer": LEVEL_98}, scores={"Vorkath": 3})
    old = await stage.add("Old Lynx")
    stage.site.play("Old Lynx", xp={"Slayer": 1_000})
    await stage.look("old lynx")
    stage.site.rename_player("Old Lynx", "New Lynx")
    stage.site.play("New Lynx", xp={"Slayer": LEVEL_99 - LEVEL_98}, scores={"Vorkath": 60})
    ben = await people.register("ben")
    assert (await ben.ask("POST", "/api/players", {"username": "New Lynx"})).status_code == 201
    stage.site.play("New Lynx", xp={"Slayer": 5})
    await stage.look("new lynx")

    answer = await rename(admin, old, "New Lynx")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["merged"], answer.json()["records"]) == (True, 4)
    history = await stage.get("/new lynx/history")
    assert history["compared"]["start_is"] == "inside"
    assert gain_of(history, "slayer")["gained"] == 1_000 + LEVEL_99 - LEVEL_98 + 5
    assert gain_of(history, "vorkath")["gained"] == 60
    achievements = {one["what"]: one for one in (await stage.get("/new lynx/achievements"))["items"]}
    assert achievements["99 Slayer"]["after"] is not None  # between the last look at the one and the first at the other
    assert achievements["first Vorkath"]["after"] is None
    assert await stage.rows("SELECT 1 FROM hiscore_players WHERE username <> 'new lynx'") == []
    board = await stage.get("/leaderboard", metric="slayer", period="year")
    assert [row["gained"] for row in board["items"]] == [1_000 + LEVEL_99 - LEVEL_98 + 5]
    for person in (stage.person, ben):  # both follow the one player that is left
        following = (await person.ask("GET", "/api/players/following")).json()
        assert [one["id"] for one in following["items"]] == [old["id"]]
    stage.site.play("New Lynx", xp={"Slayer": 10})
    await stage.look("new lynx")
    assert gain_of(await stage.get("/new lynx/history"), "slayer")["gained"] == 1_000 + LEVEL_99 - LEVEL_98 + 15
    assert await stage.kinds() == [1, 0, 1, 0, 0]


async def test_somebody_who_has_less_is_somebody_else(stage: Stage, admin: Person) -> None:
    stage.site.add_player("Old Lynx", xp={"Slayer": 900_000})
    old = await stage.add("Old Lynx")
    stage.site.add_player("New Lynx", xp={"Slayer": 800_000})
    stage.clock.ahead += timedelta(hours=1)
    await stage.add("New Lynx")
    answer = await rename(admin, old, "New Lynx")
    assert (answer.status_code, answer.json()["code"]) == (409, "histories_do_not_fit")
    assert "Slayer" in answer.json()["less"]
    assert (await stage.get("/old lynx"))["id"] == old["id"]
    assert len((await stage.get("/following"))["items"]) == 2


async def test_one_account_is_not_seen_under_two_names(stage: Stage, admin: Person) -> None:
    stage.site.add_player("Old Lynx")
    stage.site.add_player("New Lynx")
    old = await stage.add("Old Lynx")
    await stage.add("New Lynx")
    stage.site.play("Old Lynx", xp={"Slayer": 10})
    await stage.look("old lynx")
    answer = await rename(admin, old, "New Lynx")
    assert (answer.status_code, answer.json()["code"]) == (409, "histories_do_not_fit")
    assert {"seen_until", "seen_from"} <= set(answer.json())


async def test_one_who_is_seen_and_does_not_play_is_still_another(stage: Stage, admin: Person) -> None:
    stage.site.add_player("Old Lynx", xp={"Slayer": 5_000}, scores={"Vorkath": 0})
    stage.site.add_player("New Lynx")
    old = await stage.add("Old Lynx")
    stage.clock.ahead += timedelta(hours=1)
    await stage.add("New Lynx")
    assert not (await stage.look("old lynx")).changed
    answer = await rename(admin, old, "New Lynx")
    assert (answer.status_code, answer.json()["code"]) == (409, "histories_do_not_fit")


async def test_renames_of_two_players_into_each_other_end_with_one_of_them(stage: Stage, admin: Person) -> None:
    stage.site.add_player("Old Lynx")
    stage.site.add_player("New Lynx")
    old = await stage.add("Old Lynx")
    new = await stage.add("New Lynx")
    answers = await asyncio.gather(
        rename(admin, old, "New Lynx"),
        rename(admin, new, "Old Lynx"),
        stage.ask("PATCH", "/old lynx", {"interval": 900}),
    )
    assert all(answer.status_code in {200, 404, 409} for answer in answers), [answer.text for answer in answers]


async def test_what_cannot_be_renamed(stage: Stage, admin: Person) -> None:
    stage.site.add_player("Old Lynx")
    old = await stage.add("Old Lynx")
    assert (await rename(admin, old, "OLD-lynx")).status_code == 422
    assert (await rename(admin, old, "not a possible name")).json()["code"] == "invalid_username"
    missing = {"id": "01a202e9-dd1b-7772-957e-293506272f78"}
    assert (await rename(admin, missing, "New Lynx")).status_code == 404
    assert (
        await stage.person.ask("POST", f"/api/admin/players/{old['id']}/rename", {"username": "x"})
    ).status_code == 403


async def test_admins_remove_whomever_and_delete_what_was_recorded(stage: Stage, admin: Person, people: People) -> None:
    stage.site.add_player("Old Lynx")
    await stage.add("Old Lynx")
    stage.site.play("Old Lynx", xp={"Slayer": 10})
    await stage.look("old lynx")
    ben = await people.register("ben")
    await ben.ask("PUT", "/api/players/old lynx/follow")
    assert (await admin.ask("DELETE", "/api/admin/players/old lynx?purge=true")).status_code == 204
    for table in ("players", "records", "states", "gains", "bests", "achievements", "follows"):
        assert await stage.rows(f"SELECT 1 FROM hiscore_{table}") == [], table  # noqa: S608 -- names of ours
