"""Adding players: one look at the site is existence check, mode check and first record at once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.people import People
from tests.integration.trackers.hiscores.stage import Stage


async def test_the_first_look_is_the_only_one(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Attack": 13_034_431}, scores={"Zulrah": 17})
    made = await stage.add("lynx_TITAN")
    assert [entry.path for entry in stage.site.requests("/m=")] == ["/m=hiscore_oldschool/index_lite.json"]
    assert made["username"] == "lynx titan"
    assert made["display_name"] == "Lynx Titan"  # as the site spells it
    assert (made["status"], made["verified"], made["looks"], made["records"]) == ("completed", True, 1, 1)
    stats = await stage.get("/Lynx-Titan/stats")
    attack = next(skill for skill in stats["stats"]["skills"] if skill["skill"] == "attack")
    assert (attack["level"], attack["virtual_level"], attack["xp"]) == (99, 99, 13_034_431)
    assert next(boss for boss in stats["stats"]["bosses"] if boss["metric"] == "zulrah")["score"] == 17


@pytest.mark.parametrize("again", ["Lynx Titan", "lynx_titan", " LYNX-titan "])
async def test_one_account_is_one_player_however_it_is_spelt(stage: Stage, again: str) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    answer = await stage.ask("POST", "", {"username": again})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_tracked")
    assert len(stage.site.requests("/m=")) == 1


@pytest.mark.parametrize("name", ["", "aLongUsername", "hello$#%", "___", "\u00fcber", "a\x00b", "x" * 49, " " * 40])
async def test_what_no_player_can_be_called_is_said_so(stage: Stage, name: str) -> None:
    answer = await stage.ask("POST", "", {"username": name})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert stage.site.requests("/m=") == []


async def test_whom_the_site_does_not_know_is_not_tracked(stage: Stage) -> None:
    answer = await stage.ask("POST", "", {"username": "Nobody Here"}, accept_unverified="true")
    assert (answer.status_code, answer.json()["code"]) == (404, "player_unknown")
    assert (await stage.ask("GET", "/nobody here")).json()["code"] == "player_not_found"
    assert await stage.rows("SELECT 1 FROM hiscore_players") == []
    assert await stage.rows("SELECT 1 FROM scrape_schedule WHERE source = 'hiscores'") == []
    stage.site.add_player("Nobody Here")
    assert (await stage.add("Nobody Here"))["verified"]


async def test_while_the_site_cannot_be_asked_nobody_is_added_unless_that_is_accepted(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    stage.site.fault("/m=*", "status", status=503, count=2)
    refused = await stage.ask("POST", "", {"username": "Lynx Titan"})
    assert (refused.status_code, refused.json()["code"]) == (503, "hiscores_unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert await stage.rows("SELECT 1 FROM hiscore_players") == []

    kept = await stage.ask("POST", "", {"username": "Lynx Titan"}, accept_unverified="true")
    assert kept.status_code == 201, kept.text
    assert (kept.json()["verified"], kept.json()["total_level"]) == (False, None)
    stats = await stage.get("/lynx titan/stats")
    assert (stats["seen_at"], stats["stats"]) == (None, None)  # no data yet, which is an answer of its own
    assert (await stage.get("/lynx titan/history"))["compared"] is None

    await stage.look("lynx titan", later=timedelta(hours=2))
    assert (await stage.get("/lynx titan"))["verified"]


async def test_a_page_instead_of_data_is_no_answer_about_the_player(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    stage.site.fault("/m=*", "status", status=200)
    answer = await stage.ask("POST", "", {"username": "Lynx Titan"})
    assert (answer.status_code, answer.json()["code"]) == (503, "hiscores_unavailable")


async def test_two_at_once_add_one(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    answers = await asyncio.gather(*(stage.ask("POST", "", {"username": "Lynx Titan"}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert len(stage.site.requests("/m=")) == 1


async def test_each_mode_has_its_own_table(stage: Stage) -> None:
    stage.site.add_player("Iron Lynx", mode="ironman")
    answer = await stage.ask("POST", "", {"username": "Iron Lynx"})
    assert answer.status_code == 404
    made = await stage.add("Iron Lynx", mode="ironman", interval=900, adaptive=False)
    assert (made["mode"], made["interval"], made["adaptive"]) == ("ironman", 900, False)
    assert stage.site.requests("/m=")[-1].path == "/m=hiscore_oldschool_ironman/index_lite.json"


async def test_who_adds_a_player_follows_them(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    stage.site.add_player("Other One")
    await stage.add("Lynx Titan")
    await stage.add("Other One", follow=False)
    assert [one["username"] for one in (await stage.get("/following"))["items"]] == ["lynx titan"]


@pytest.mark.parametrize("more", [{"interval": 899}, {"interval": 2_592_001}, {"mode": "hardest"}, {"color": "red"}])
async def test_what_cannot_be_wished_for_is_refused(stage: Stage, more: dict[str, Any]) -> None:
    answer = await stage.ask("POST", "", {"username": "Lynx Titan", **more})
    assert answer.status_code == 422
    assert stage.site.requests("/m=") == []


async def test_a_removed_player_comes_back_with_their_history(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    first = await stage.add("Lynx Titan")
    assert (await stage.ask("DELETE", "/lynx_titan")).status_code == 204
    assert (await stage.ask("GET", "/lynx_titan")).status_code == 404
    assert (await stage.ask("DELETE", "/lynx_titan")).status_code == 404
    stage.site.play("Lynx Titan", xp={"Attack": 100})
    again = await stage.add("Lynx Titan")
    assert (again["id"], again["records"]) == (first["id"], 2)


async def test_a_wildcard_removes_nobody_else(stage: Stage) -> None:
    stage.site.add_player("abc")
    await stage.add("abc")
    assert (await stage.ask("DELETE", "/a_c")).status_code == 404
    assert (await stage.get("/abc"))["username"] == "abc"
    assert (await stage.get("", begins_with="a_"))["items"] == []


async def test_whoever_added_a_player_changes_and_removes_them(stage: Stage, people: People) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    ben = await people.register("ben")
    for method, body in (("PATCH", {"active": False}), ("DELETE", None)):
        assert (await ben.ask(method, "/api/players/lynx titan", body)).status_code == 403
    assert (await ben.ask("PUT", "/api/players/lynx titan/follow")).json()["following"] is True
    refused = await stage.ask("DELETE", "/lynx titan")
    assert (refused.status_code, refused.json()["code"]) == (409, "still_followed")
    assert (await ben.ask("DELETE", "/api/players/lynx titan/follow")).json()["following"] is False
    assert (await stage.ask("DELETE", "/lynx titan")).status_code == 204
