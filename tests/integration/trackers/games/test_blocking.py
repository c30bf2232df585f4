"""Game accounts that are blocked: every tracker of them goes, and leaderboards count what is left."""

from typing import Any

import pytest
from tests.integration.everything import tables_with
from tests.integration.people import Person
from tests.integration.trackers.games.league import LINK, THREES, TWOS, League, discord, twos

NAME = "Silent Ember"
ADDRESS = LINK.format("Silent%20Ember")
KEY = "rocket-league:epic:silent ember"


async def block(root: Person, *keys: str) -> Any:
    answer = await root.ask("POST", "/api/admin/blocked", {"source": "games", "keys": list(keys)})
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
    assert (await block(root, ADDRESS))["keys"] == [KEY]
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


async def test_a_tracker_does_not_turn_to_a_blocked_account(league: League) -> None:
    await league.joins("Ada")
    await league.follows("Ada", "loud")
    root = await league.people.admin()
    await block(root, KEY)
    answer = await league.api.http.put(f"/internal/trackers/{league.trackers['loud']}", json={"url": ADDRESS})
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked"), answer.text
