"""Members who do not want to be on leaderboards: of one guild, or of any; it is their choice alone."""

from typing import Any

import pytest
from tests.integration.people import PASSWORD, Person
from tests.integration.trackers.games.league import GUILD, OTHER_GUILD, TWOS, League, twos

CHOICE = "/api/users/me/leaderboards"
STRANGE = "913425648685547541"


async def chooses(person: Person, **choice: Any) -> Any:
    answer = await person.ask("PUT", CHOICE, choice)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def two_members(league: League) -> tuple[Person, Person]:
    for guild_id in (GUILD, OTHER_GUILD):
        await league.joins("Ada", "Ben", guild_id=guild_id)
    await league.follows("Ada", "comet")
    await league.follows("Ben", "otter")
    await league.stands(("comet", twos(1200)), ("otter", twos(1000)))
    people = await league.person("Ada"), await league.person("Ben")
    await league.boards_are_looked_at()  # which claims changed
    assert [row[1] for row in await league.listed(TWOS)] == ["Ada", "Ben"]
    return people


@pytest.mark.parametrize(
    ("choice", "elsewhere"),
    [({"hidden_in": [GUILD]}, ["Ada", "Ben"]), ({"hidden_everywhere": True}, ["Ben"])],
)
async def test_who_opts_out_is_on_no_leaderboard_at_once(
    league: League, choice: dict[str, Any], elsewhere: list[str]
) -> None:
    ada, _ = await two_members(league)
    before = {"hidden_everywhere": False, "hidden_in": []}
    assert (await ada.ask("GET", CHOICE)).json() == before
    assert await chooses(ada, **choice) == {**before, **choice}
    assert [row[1] for row in await league.listed(TWOS)] == ["Ben"]
    assert [row[1] for row in await league.listed(TWOS, guild_id=OTHER_GUILD)] == elsewhere
    await league.boards_are_looked_at()
    assert await league.listed(TWOS) == [(1, "Ben", 1000)]
    assert (await league.board(TWOS))["total"] == 1
    root = await league.people.admin()
    path = f"/api/guilds/{GUILD}/rating/preview"
    preview = (await root.ask("POST", path, {"formula": {"kind": "peak_mmr"}})).json()
    assert [row["display_name"] for row in preview["items"]] == ["Ben"]
    scores = await league.people.rows("SELECT user_id FROM game_guild_scores WHERE guild_id = :guild", guild=GUILD)
    assert ada.id not in {row["user_id"] for row in scores}
    await league.stands(("comet", twos(1300)), later=1)
    assert await league.listed(TWOS) == [(1, "Ben", 1000)]
    assert await league.boards_are_looked_at() == 0
    await chooses(ada)
    await league.boards_are_looked_at()
    assert [row[2] for row in await league.listed(TWOS)] == [1300, 1000]


async def test_a_choice_outlives_the_membership_and_a_claim(league: League) -> None:
    ada, _ = await two_members(league)
    await chooses(ada, hidden_in=[GUILD])
    await league.bot("POST", f"/internal/guilds/{GUILD}/members/remove", {"user_ids": ["281474976710656065"]})
    assert await chooses(ada, hidden_in=[GUILD]) == {"hidden_everywhere": False, "hidden_in": [GUILD]}
    await league.joins("Ada")
    await league.boards_are_looked_at()
    assert [row[1] for row in await league.listed(TWOS)] == ["Ben"]


async def test_nobody_learns_of_a_guild_or_hides_another_by_a_choice(league: League) -> None:
    ada, ben = await two_members(league)
    refused = await ada.ask("PUT", CHOICE, {"hidden_in": [STRANGE]})
    assert (refused.status_code, refused.json()["code"]) == (404, "guild_not_found")
    await league.bot("PUT", f"/internal/guilds/{STRANGE}", {"name": "Others"})
    there_now = await ada.ask("PUT", CHOICE, {"hidden_in": [STRANGE]})
    assert (there_now.status_code, there_now.json()["detail"]) == (404, refused.json()["detail"])
    await chooses(ada, hidden_everywhere=True)
    assert (await ben.ask("GET", CHOICE)).json()["hidden_everywhere"] is False
    exported = (await ada.ask("GET", "/api/users/me/export")).json()["data"]
    assert exported["leaderboards"]["hidden_everywhere"] is True
    assert (await ada.ask("DELETE", "/api/users/me", {"current_password": PASSWORD})).status_code == 204
    assert await league.people.rows("SELECT 1 FROM leaderboard_opt_outs") == []
