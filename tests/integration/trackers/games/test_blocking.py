"""Game accounts that are blocked: every tracker of them goes, and leaderboards count what is left."""

import asyncio
import json
import zlib
from collections.abc import Callable
from contextvars import copy_context
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text
from tests.integration.everything import tables_with
from tests.integration.locks import waiting
from tests.integration.people import Person
from tests.integration.trackers.games.league import LINK, THREES, TWOS, League, discord, twos
from tests.integration.trackers.games.test_recording import NOON, Body, a_target, profile, record

from shared.scraping.observation import Observation

NAME = "Silent Ember"
ADDRESS = LINK.format("Silent%20Ember")
KEY = "rocket-league:epic:silent ember"
STEAM = "https://rocketleague.tracker.network/rocket-league/profile/steam/{}/overview"
NUMBER, CUSTOM = "76561198000000077", "emberly"
"""Two names of one Steam profile."""
PLAYER = 7_700_077
PLAYER_KEY = f"player:rocket-league:steam:{PLAYER}"


DIGEST = """
INSERT INTO notified_events (id, event, aggregate, payload, user_id, occurred_at, noted_at)
VALUES (uuidv7(), 'digest.ready', 'digest:1', CAST(:payload AS jsonb), :user_id, now(), now())
"""


REQUEST = """
INSERT INTO audit_log (id, at, actor_kind, method, route, path, status, body)
VALUES (uuidv7(), now(), 'bot', 'POST', '/x', :path, 201, CAST(:body AS jsonb))
"""
ACTIVITY = """
INSERT INTO activity_log (id, at, event, subject, subject_id, actor_kind, details)
VALUES (uuidv7(), now(), 'person.noted', 'person', '1', 'system', CAST(:details AS jsonb))
"""


async def block(root: Person, *keys: str, reason: str | None = None) -> Any:
    answer = await root.ask("POST", "/api/admin/blocked", {"source": "games", "keys": list(keys), "reason": reason})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def two_followers(league: League) -> None:
    """Ada, who has another account too, and Ben follow one account; what moved of it was told."""
    await league.joins("Ada", "Ben")
    await league.follows("Ada", "loud")
    answer = await league.api.http.post(
        "/internal/trackers/add",
        json={"user_id": discord("Ada"), "url": ADDRESS},
        headers={"Idempotency-Key": "once"},
    )
    assert answer.status_code == 201, answer.text
    league.trackers["of Ada"] = answer.json()["trackers"][0]["id"]
    await league.follows("Ben", "Silent%20Ember")
    await league.stands(("Silent%20Ember", twos(1200)), ("loud", twos(900)))
    await league.stands(("Silent%20Ember", twos(1300)), later=1)


def player(number: int, handle: str = "Emberly") -> Callable[[Body], object]:
    """A profile of this player of the site's."""

    def edit(body: Body) -> None:
        body["metadata"].update(playerId=number)
        body["platformInfo"].update(platformUserHandle=handle)

    return edit


async def adds(league: League, name: str, url: str) -> httpx.Response:
    return await league.api.http.post("/internal/trackers/add", json={"user_id": discord(name), "url": url})


async def follows(league: League, name: str, url: str) -> str:
    answer = await adds(league, name, url)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["trackers"][0]["id"])


async def job(league: League, name: str) -> Any:
    """Do once what workers do by themselves."""
    (run,) = (one.run for one in league.api.container.jobs() if one.name == name)
    return await run()


async def test_nothing_of_a_blocked_account_stays(league: League) -> None:
    await two_followers(league)
    ada, root = await league.person("Ada"), await league.people.admin()
    entered = await ada.ask(
        "POST",
        f"/api/trackers/{league.trackers['of Ada']}/snapshots",
        {"playlists": [{"playlist": "11", "rating": 900, "matches_played": 10}], "season": "34", "note": "by hand"},
    )
    assert entered.status_code == 201, entered.text
    known = await tables_with(league.api.container, NAME, "Silent%20Ember")
    assert {
        "game_accounts",
        "game_trackers",
        "outbox_events",
        "idempotency_keys",
        "activity_log",
    } <= known.keys()
    number = zlib.crc32(b"Silent%20Ember")
    assert (await block(root, ADDRESS))["keys"] == [f"player:rocket-league:epic:{number}", KEY]
    assert await tables_with(league.api.container, NAME, "Silent%20Ember", KEY) == {}
    mine = (await ada.ask("GET", "/api/trackers")).json()
    assert [one["display"] for one in mine["items"]] == ["loud"]
    export = (await ada.ask("GET", "/api/users/me/export")).text
    assert NAME.lower() not in export.lower()


async def test_leaderboards_count_the_account_that_is_left(league: League) -> None:
    await two_followers(league)
    assert [row[2] for row in await league.listed(TWOS)] == [1300, 1300]
    root = await league.people.admin()
    await block(root, KEY)
    assert await league.listed(TWOS) == [(1, "Ada", 900)]
    assert await league.listed(THREES) == []
    assert await league.boards_are_looked_at() == 0


@pytest.mark.parametrize("path", ["add", "register-multiple", "register-by-staff"])
async def test_no_way_of_registering_takes_a_blocked_account(league: League, path: str) -> None:
    await league.joins("Ada")
    await league.joins("Zoe", admin=True)
    root = await league.people.admin()
    await block(root, KEY)
    bodies: dict[str, Any] = {
        "add": {"user_id": discord("Ada"), "url": ADDRESS},
        "register-multiple": {"user_id": discord("Ada"), "urls": [ADDRESS, LINK.format("loud")]},
        "register-by-staff": {
            "guild_id": "81384788765712384",
            "staff_id": discord("Zoe"),
            "user_id": discord("Ada"),
            "urls": [ADDRESS],
        },
    }
    answer = await league.api.http.post(f"/internal/trackers/{path}", json=bodies[path])
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked"), answer.text
    assert await league.people.rows("SELECT 1 FROM game_trackers") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "register", {"urls": [ADDRESS, LINK.format("new")]}),
        ("POST", "add", {"url": ADDRESS}),
        ("PUT", "{}", {"url": ADDRESS}),
    ],
    ids=["register", "add", "update"],
)
async def test_a_member_follows_a_blocked_account_in_no_way_and_is_not_told_why(
    league: League, method: str, path: str, body: Any
) -> None:
    await league.joins("Ada")
    ada = await league.person("Ada")
    if method == "PUT":
        await league.follows("Ada", "loud")
        path = path.format(league.trackers["loud"])
    before = await league.people.rows("SELECT id, account_id FROM game_trackers")
    await block(await league.people.admin(), KEY, reason="her parents asked")
    answer = await ada.ask(method, f"/api/trackers/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked"), answer.text
    assert "parents" not in answer.text
    assert await league.people.rows("SELECT id, account_id FROM game_trackers") == before
    assert (await ada.ask("GET", "/api/admin/blocked", None)).status_code == 403


async def test_a_tracker_does_not_turn_to_a_blocked_account(league: League) -> None:
    await league.joins("Ada")
    await league.follows("Ada", "loud")
    root = await league.people.admin()
    await block(root, KEY)
    answer = await league.api.http.put(f"/internal/trackers/{league.trackers['loud']}", json={"url": ADDRESS})
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked"), answer.text


@pytest.mark.parametrize("blocked", [NUMBER, CUSTOM])
async def test_a_block_of_a_name_takes_every_account_of_the_same_player(league: League, blocked: str) -> None:
    await league.joins("Ada", "Ben", "Cal")
    one, two = await follows(league, "Ada", STEAM.format(NUMBER)), await follows(league, "Ben", STEAM.format(CUSTOM))
    other = await follows(league, "Cal", STEAM.format("somebody"))
    container = league.api.container
    await record(
        container,
        (one, profile(player(PLAYER)), NOON),
        (two, profile(player(PLAYER)), NOON),
        (other, profile(player(PLAYER + 1, "Somebody")), NOON),
    )
    made = await block(await league.people.admin(), STEAM.format(blocked))
    assert made["keys"] == [PLAYER_KEY, f"rocket-league:steam:{NUMBER}", f"rocket-league:steam:{CUSTOM}"]
    assert await tables_with(container, NUMBER, CUSTOM, str(PLAYER)) == {}
    (left,) = await league.people.rows("SELECT identifier FROM game_accounts")
    assert left["identifier"] == "somebody"
    for name in (NUMBER, CUSTOM):
        answer = await adds(league, "Ada", STEAM.format(name))
        assert (answer.status_code, answer.json()["code"]) == (403, "blocked"), answer.text


@pytest.mark.parametrize("by", ["a link", "the number of the player"])
async def test_a_blocked_player_does_not_come_back_under_another_name_of_the_account(league: League, by: str) -> None:
    await league.joins("Ada", "Ben")
    container = league.api.container
    root = await league.people.admin()
    if by == "a link":
        first = await follows(league, "Ada", STEAM.format(NUMBER))
        await record(container, (first, profile(player(PLAYER)), NOON))
        await block(root, STEAM.format(NUMBER))
    else:
        await block(root, PLAYER_KEY)
    assert await job(league, "scraping.finish_blocks") == 0
    second, other = (
        await follows(league, "Ben", STEAM.format(CUSTOM)),
        await follows(league, "Ben", LINK.format("loud")),
    )
    moved = await record(
        container,
        (second, profile(player(PLAYER)), NOON),
        (other, profile(player(PLAYER, "Loud")), NOON),  # the same number on another platform is another player
    )
    assert len(moved) == 1
    assert len(await league.people.rows("SELECT 1 FROM game_snapshots")) == 1
    (theirs,) = await league.people.rows(
        "SELECT handle, upstream_player_id, current_season FROM game_accounts WHERE identifier = :name", name=CUSTOM
    )
    assert set(theirs.values()) == {None}
    again = await adds(league, "Ada", STEAM.format(CUSTOM))
    assert (again.status_code, again.json()["code"]) == (403, "blocked"), again.text
    assert await job(league, "scraping.finish_blocks") == 1
    assert await tables_with(container, CUSTOM) == {}
    assert (await league.api.http.get(f"/internal/trackers/{second}")).status_code == 404
    assert (await league.api.http.get(f"/internal/trackers/{other}")).status_code == 200
    (listed,) = (await root.ask("GET", "/api/admin/blocked", None)).json()["items"]
    assert f"rocket-league:steam:{CUSTOM}" in listed["keys"]


async def test_a_block_misses_no_name_that_a_fetch_finds_at_the_same_time(league: League) -> None:
    await league.joins("Ada", "Ben")
    container, root = league.api.container, await league.people.admin()
    first, _ = await follows(league, "Ada", STEAM.format(NUMBER)), await follows(league, "Ben", STEAM.format(CUSTOM))
    await record(container, (first, profile(player(PLAYER)), NOON))
    (target,) = await league.people.rows("SELECT target_id FROM game_accounts WHERE identifier = :name", name=CUSTOM)
    found = Observation(target=a_target(target["target_id"]), value=profile(player(PLAYER)), at=NOON)
    body = {"source": "games", "keys": [STEAM.format(NUMBER)]}
    outside = copy_context()
    async with container.database().unit_of_work():
        await container.games.source().record([found])
        blocking = asyncio.create_task(root.ask("POST", "/api/admin/blocked", body), context=outside)
        await waiting(container, 1)
    refused = await blocking
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable"), refused.text
    assert CUSTOM in str((await block(root, STEAM.format(NUMBER)))["keys"])
    assert await tables_with(container, NUMBER, CUSTOM, str(PLAYER)) == {}


@pytest.mark.parametrize("name", ["Emberly Straße", 'Emberly "Ace"', "Emberly \\ Ace", "EMBERLY ÉTÉ", "Emberly'İ"])
async def test_nothing_of_a_blocked_account_stays_however_its_name_is_written(league: League, name: str) -> None:
    await league.joins("Ada")
    url = LINK.format(quote(name, safe=""))
    body = {"user_id": discord("Ada"), "url": url}
    for status, key in ((201, "once"), (409, "twice")):  # the name stands in an answer, and in the words of an error
        answer = await league.api.http.post("/internal/trackers/add", json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == status, answer.text
    (tracker,) = await league.people.rows("SELECT id FROM game_trackers")
    moment = profile(lambda body: body["platformInfo"].update(platformUserHandle=name))
    await record(league.api.container, (str(tracker["id"]), moment, NOON))
    ada = await league.person("Ada")
    digest = {"sections": [{"title": name}]}
    async with league.api.container.database().unit_of_work() as session:
        await session.execute(text(DIGEST), {"user_id": ada.id, "payload": json.dumps(digest, ensure_ascii=False)})
        for path, sent in (
            ("/x", {"name": name}),
            ("/x", {"name": name.upper()}),
            ("/x", {"url": url}),
            (f"/x/{quote(name)}", None),
            (f"/x/{name}/y", None),
        ):
            await session.execute(text(REQUEST), {"path": path, "body": json.dumps(sent, ensure_ascii=False)})
        for details in ({"name": name}, {"name": name.upper()}):
            await session.execute(text(ACTIVITY), {"details": json.dumps(details, ensure_ascii=False)})
    known = await tables_with(league.api.container, "emberly")
    assert {"game_accounts", "idempotency_keys", "activity_log", "audit_log", "notified_events"} <= known.keys()
    await block(await league.people.admin(), url)
    assert await tables_with(league.api.container, "emberly") == {}


@pytest.mark.parametrize(
    "key",
    [
        "player:",
        "player:rocket-league:steam:",
        "player:rocket-league:steam:x",
        "player:rocket-league:nowhere:7",
        "player:chess:steam:7",
        "player:rocket-league:steam:9223372036854775808",
    ],
)
async def test_what_can_be_no_player_is_not_blocked(league: League, key: str) -> None:
    root = await league.people.admin()
    answer = await root.ask("POST", "/api/admin/blocked", {"source": "games", "keys": [key]})
    assert answer.status_code == 422, answer.text
    assert await league.people.rows("SELECT 1 FROM scrape_blocks") == []
