"""Adding players: one look at the site is existence check, mode check and first record at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.integration.people import People
from tests.integration.trackers.hiscores.stage import Stage
from tests.upstreams.client import SimulatedSites
from tests.waiting import LIMIT_S, eventually

from shared.web.identity import PersonIdentity, Role
from trackers.hiscores.modes import GameMode
from trackers.hiscores.schemas import NewPlayer
from trackers.hiscores.services.registration import Adding


async def test_the_first_look_is_the_only_one(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Attack": 13_034_431}, scores={"Zulrah": 17})
    made = await stage.add("lynx_TITAN")
    assert [entry.path for entry in stage.site.requests("/m=")] == ["/m=hiscore_oldschool/index_lite.json"]
    assert made["username"] == "lynx titan"
    assert made["display_name"] == "Lynx Titan"  # as the site spells it
    assert (made["status"], made["verified"], made["fetches"], made["records"]) == ("completed", True, 1, 1)
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
    for verified, listed in ((False, 1), (True, 0)):
        assert (await stage.get("", verified=verified))["total"] == listed
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


async def test_for_others_there_is_nobody_until_the_hiscores_have_answered(
    stage: Stage, people: People, sites: SimulatedSites
) -> None:
    locked = stage.site.fault("/m=*", "latency", ms=1000 * LIMIT_S)
    ben = await people.register("ben")
    adding = asyncio.create_task(stage.ask("POST", "", {"username": "Ghost One"}))

    async def asked() -> bool:
        return bool(stage.site.requests("/m="))

    await eventually(asked, what="the hiscores are asked")
    assert (await ben.ask("GET", "/api/players/ghost one")).status_code == 404
    assert (await ben.ask("PUT", "/api/players/ghost one/follow")).status_code == 404
    again = await ben.ask("POST", "/api/players", {"username": "ghost_one"})
    assert (again.status_code, again.json()["code"]) == (409, "being_added")
    sites.clear_fault(locked)
    assert (await adding).json()["code"] == "player_unknown"
    assert await stage.rows("SELECT 1 FROM hiscore_players") == []
    assert await stage.rows("SELECT 1 FROM outbox_events WHERE event = 'player.added'") == []


@pytest.mark.parametrize("known", [True, False])
async def test_who_was_being_added_when_the_api_died_is_settled_by_a_worker(stage: Stage, *, known: bool) -> None:
    if known:
        stage.site.add_player("Lynx Titan")
    registration = stage.api.container.hiscores.registration()
    async with stage.api.container.database().unit_of_work():  # all that was done before the look
        given = NewPlayer(username="Lynx Titan", follow=False)
        adding = Adding(
            username="lynx titan",
            display_name="Lynx Titan",
            mode=GameMode.REGULAR,
            interval=timedelta(hours=6),
            steady=False,
            person=stage.person.id,
            follow=False,
        )
        await registration._store(adding, given, _identity(stage))
    await stage.rows("UPDATE scrape_schedule SET lease_until = '2000-01-01' WHERE source = 'hiscores'")
    await stage.api.container.dispatcher().reclaim_expired_leases()
    await stage.api.work()
    assert (await stage.ask("GET", "/lynx titan")).status_code == (200 if known else 404)
    assert len(await stage.rows("SELECT 1 FROM hiscore_players")) == int(known)


async def test_nobody_adds_more_than_they_may(stage: Stage) -> None:
    limit = stage.api.container.hiscores_settings().add_limit
    await stage.api.container.standalone_writer().execute(
        text(
            """
            WITH made AS (
                INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
                SELECT uuidv7(), 'hiscores', 'regular:p' || n, 'regular:p' || n, 3600, now()
                FROM generate_series(1, :limit) AS n RETURNING id, key
            )
            INSERT INTO hiscore_players (id, target_id, username, display_name, mode, created_at, added_by)
            SELECT uuidv7(), id, substr(key, 9), substr(key, 9), 'regular', now(), CAST(:user AS uuid) FROM made
            """
        ),
        {"limit": limit, "user": stage.person.id},
    )
    refused = await stage.ask("POST", "", {"username": "Lynx Titan", "follow": False})
    assert (refused.status_code, refused.json()["code"]) == (409, "add_limit")
    assert stage.site.requests("/m=") == []


async def test_while_the_source_is_off_or_paused_that_is_said(stage: Stage, people: People) -> None:
    stage.site.add_player("Lynx Titan")
    stage.site.add_player("Quiet Lynx")
    await stage.add("Lynx Titan")
    admin = await people.admin()
    assert (await admin.ask("POST", "/api/admin/sources/hiscores/pause", {"reason": "a rest"})).status_code == 200
    refused = await stage.ask("POST", "", {"username": "Quiet Lynx"})
    assert (refused.status_code, "paused" in refused.json()["detail"]) == (503, True)
    stage.clock.ahead += timedelta(minutes=5)
    asked = (await stage.ask("POST", "/lynx titan/fetch")).json()
    assert (asked["estimated_seconds"], "paused" in asked["waits_for"]) == (None, True)


async def test_a_player_whom_others_follow_is_neither_stopped_nor_removed(stage: Stage, people: People) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    ben = await people.register("ben")
    await ben.ask("PUT", "/api/players/lynx titan/follow")
    refused = await stage.ask("PATCH", "/lynx titan", {"active": False})
    assert (refused.status_code, refused.json()["code"]) == (409, "still_followed")
    assert (await stage.ask("PATCH", "/lynx titan", {"interval": 900})).status_code == 200


async def test_bytes_that_are_no_text_are_refused(stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {stage.person.token}", "Content-Type": "application/json"}
    answer = await stage.api.http.post("/api/players", content=b'{"username":"lynx\xff"}', headers=headers)
    assert answer.status_code == 422, answer.text


def _identity(stage: Stage) -> PersonIdentity:
    return PersonIdentity(
        user_id=stage.person.id,
        role=Role.USER,
        session_id=stage.person.id,
        token_id="t",
        expires_at=datetime(2100, 1, 1, tzinfo=UTC),
    )
