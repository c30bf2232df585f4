"""Players who are blocked: under every spelling, in every table, and by names that they had before."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.integration.everything import tables_with
from tests.integration.people import Person
from tests.integration.trackers.hiscores.stage import LEVEL_98, LEVEL_99, Stage

from shared.scraping.block_repository import BlockRepository


async def block(admin: Person, *names: str, reason: str | None = None) -> Any:
    body = {"source": "hiscores", "keys": list(names), "reason": reason}
    answer = await admin.ask("POST", "/api/admin/blocked", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def rename(admin: Person, player: Any, to: str) -> httpx.Response:
    return await admin.ask("POST", f"/api/admin/players/{player['id']}/rename", {"username": to})


async def played(stage: Stage, name: str) -> Any:
    """A player with a history and with news."""
    stage.site.add_player(name, xp={"Slayer": LEVEL_98})
    player = await stage.add(name)
    stage.site.play(name, xp={"Slayer": LEVEL_99 - LEVEL_98})
    await stage.look(name.lower())
    return player


async def test_nothing_of_a_blocked_player_stays(stage: Stage, admin: Person) -> None:
    player = await played(stage, "Quiet Lynx")
    assert (await stage.ask("PATCH", "/quiet_lynx", {"interval": 7200})).status_code == 200
    await played(stage, "Loud Lynx")
    assert await tables_with(stage.api.container, "Quiet Lynx", "quiet_lynx", str(player["id"]))
    made = await block(admin, "QUIET-lynx")
    assert made["keys"] == ["quiet lynx"]
    left = await tables_with(stage.api.container, "Quiet Lynx", "quiet_lynx", "QUIET-lynx", str(player["id"]))
    assert left == {}
    for table in ("hiscore_records", "hiscore_gains", "hiscore_bests", "hiscore_achievements", "hiscore_states"):
        assert len({row["player"] for row in await stage.rows(f"SELECT player FROM {table}")}) == 1  # noqa: S608 -- ours
    assert (await stage.ask("GET", "/quiet_lynx")).status_code == 404
    board = await stage.get("/leaderboard", metric="slayer", period="year")
    assert [row["display_name"] for row in board["items"]] == ["Loud Lynx"]
    assert [one["display_name"] for one in (await stage.get("", begins_with="quiet"))["items"]] == []


@pytest.mark.parametrize("mode", ["regular", "ironman", "seasonal"])
async def test_a_blocked_name_is_added_in_no_table(stage: Stage, admin: Person, mode: str) -> None:
    stage.site.add_player("Quiet Lynx")
    await block(admin, "quiet lynx")
    before = len(stage.site.requests())
    answer = await stage.ask("POST", "", {"username": "quiet_LYNX", "mode": mode})
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    assert len(stage.site.requests()) == before
    assert await stage.rows("SELECT 1 FROM hiscore_players") == []


async def test_a_member_follows_a_blocked_player_in_no_way_and_is_not_told_why(stage: Stage, admin: Person) -> None:
    await played(stage, "Quiet Lynx")
    await block(admin, "quiet lynx", reason="her parents asked")
    before = len(stage.site.requests())
    for body in ({"username": "Quiet Lynx"}, {"username": "quiet_lynx", "follow": True}):
        for query in ({}, {"accept_unverified": True}):
            answer = await stage.ask("POST", "", body, **query)
            assert (answer.status_code, answer.json()["code"]) == (403, "blocked"), answer.text
            assert "parents" not in answer.text
    for method, path in (("PUT", "/follow"), ("POST", "/fetch"), ("GET", "")):
        answer = await stage.ask(method, f"/Quiet Lynx{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "player_not_found"), answer.text
        assert "parents" not in answer.text
    assert (await stage.person.ask("GET", "/api/admin/blocked")).status_code == 403
    assert len(stage.site.requests()) == before
    assert await stage.rows("SELECT 1 FROM hiscore_players") == []


async def test_a_blocked_name_does_not_come_back_by_a_rename_or_a_merger(stage: Stage, admin: Person) -> None:
    await played(stage, "Quiet Lynx")
    other = await played(stage, "Loud Lynx")
    await block(admin, "Quiet Lynx")
    answer = await rename(admin, other, "Quiet Lynx")
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    assert (await stage.get("/loud lynx"))["id"] == other["id"]


async def test_a_block_of_a_former_name_holds_the_name_of_today_too(stage: Stage, admin: Person) -> None:
    player = await played(stage, "Quiet Lynx")
    stage.site.rename_player("Quiet Lynx", "Calm Lynx")
    assert (await rename(admin, player, "Calm Lynx")).status_code == 200
    made = await block(admin, "Quiet Lynx")
    assert made["keys"] == ["calm lynx", "quiet lynx"]
    assert await tables_with(stage.api.container, "Quiet Lynx", "Calm Lynx") == {}
    assert (await stage.ask("POST", "", {"username": "Calm Lynx"})).json()["code"] == "blocked"


async def test_a_block_of_a_former_name_takes_a_merged_player_too(stage: Stage, admin: Person) -> None:
    """The name comes from the history that was merged, and the player of that history is there no more."""
    stage.site.add_player("Loud Lynx", xp={"Slayer": LEVEL_98})
    first = await stage.add("Loud Lynx")
    stage.clock.ahead += timedelta(hours=1)
    stage.site.rename_player("Loud Lynx", "Quiet Lynx")
    second = await stage.add("Quiet Lynx")
    stage.site.rename_player("Quiet Lynx", "Calm Lynx")
    assert (await rename(admin, second, "Calm Lynx")).json()["merged"] is False
    merged = await rename(admin, first, "Calm Lynx")
    assert merged.json()["merged"] is True, merged.text
    assert (await block(admin, "Quiet Lynx"))["keys"] == ["calm lynx", "quiet lynx"]
    assert await tables_with(stage.api.container, "Quiet Lynx", "Calm Lynx", "Loud Lynx") == {}
    assert (await stage.ask("POST", "", {"username": "Calm Lynx"})).json()["code"] == "blocked"


async def test_a_rename_on_the_site_brings_no_blocked_name_back(stage: Stage, admin: Person) -> None:
    await played(stage, "Loud Lynx")
    await block(admin, "Quiet Lynx")
    stage.site.rename_player("Loud Lynx", "Quiet Lynx")
    assert (await stage.look("loud lynx")).reason == "not_found"
    assert await tables_with(stage.api.container, "Quiet Lynx") == {}


async def test_a_player_who_was_removed_goes_with_their_history(stage: Stage, admin: Person) -> None:
    await played(stage, "Quiet Lynx")
    assert (await stage.ask("DELETE", "/quiet_lynx")).status_code == 204
    assert await tables_with(stage.api.container, "Quiet Lynx")
    await block(admin, "Quiet Lynx")
    assert await tables_with(stage.api.container, "Quiet Lynx", "quiet_lynx") == {}


async def test_what_is_stored_of_a_blocked_key_all_the_same_is_deleted_by_a_job(stage: Stage, admin: Person) -> None:
    await played(stage, "Loud Lynx")
    made = await block(admin, "Quiet Lynx")
    async with stage.api.container.database().unit_of_work() as session:
        known = {"regular:loud lynx": "regular:quiet lynx"}
        await BlockRepository(session).found("hiscores", known)
    (run,) = (one.run for one in stage.api.container.jobs() if one.name == "scraping.finish_blocks")
    assert await run() == 1
    assert await tables_with(stage.api.container, "Loud Lynx") == {}
    (listed,) = (await admin.ask("GET", "/api/admin/blocked")).json()["items"]
    assert (listed["id"], set(listed["keys"]) >= {"loud lynx", "quiet lynx"}) == (made["id"], True)
    assert await run() == 0
