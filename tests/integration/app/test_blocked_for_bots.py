"""Bots follow nobody who is blocked, whoever they do it for."""

from typing import Any

import pytest
from tests.conftest import Bench
from tests.integration.people import People

PERSON = "281474976710656001"


@pytest.mark.parametrize(
    ("source", "key", "path", "body"),
    [
        ("fencers", "100000099", "fencers", {"fencer": "100000099"}),
        ("fencers", "club:100000900", "clubs", {"club": "100000900"}),
        ("hiscores", "Quiet Lynx", "players", {"username": "quiet_lynx"}),
        ("games", "rocket-league:epic:quiet", "trackers/add", {"url": "rocketleague.tracker.gg/profile/epic/Quiet"}),
    ],
    ids=["fencer", "club", "player", "account"],
)
async def test_no_bot_follows_a_blocked_fencer_club_or_player(
    api: Bench, people: People, source: str, key: str, path: str, body: dict[str, Any]
) -> None:
    root = await people.admin()
    block = {"source": source, "keys": [key], "reason": "her parents asked"}
    assert (await root.ask("POST", "/api/admin/blocked", block)).status_code == 201
    bot = await people.bot("fencers", "players:write", "trackers")
    answer = await api.http.post(
        f"/internal/{path}", json={"user_id": PERSON, **body}, headers={"Authorization": f"Bearer {bot}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked"), answer.text
    assert "parents" not in answer.text
    for table in ("tracked_fencers", "tracked_clubs", "hiscore_players", "game_trackers"):
        assert await people.rows(f"SELECT 1 FROM {table}") == []  # noqa: S608 -- tables of ours
