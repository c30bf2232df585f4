"""Guilds as the people in them see and settle them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.users.guilds.conftest import GUILD, OTHER_GUILD, Guilds, person

from app.container import AppContainer

ADA, BEN, CLEO = "281474976710656001", "281474976710656002", "281474976710656003"
ENDPOINTS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("GET", "/members", None),
    ("PATCH", "/settings", {"tracker_processing": False}),
]


@pytest.fixture
async def people(guilds: Guilds) -> dict[str, str]:
    """Tokens: Ada runs the guild, Ben is in it, Cleo is in another one, Dora is an admin of the installation."""
    await guilds.put(name="Comet Club")
    await guilds.put(OTHER_GUILD, name="Archers")
    known = await guilds.join(ADA, admin=True) | await guilds.join(BEN) | await guilds.join(CLEO, guild_id=OTHER_GUILD)
    tokens = {name: f"user:{known[user_id]}" for name, user_id in (("Ada", ADA), ("Ben", BEN), ("Cleo", CLEO))}
    return tokens | {"Dora": f"admin:{uuid4()}"}


async def test_people_list_their_own_guilds_and_whether_they_run_them(guilds: Guilds, people: dict[str, str]) -> None:
    await guilds.join(ADA, guild_id=OTHER_GUILD)
    mine = (await guilds.person(people["Ada"], "GET")).json()
    assert [(guild["id"], guild["name"], guild["admin"]) for guild in mine["items"]] == [
        (OTHER_GUILD, "Archers", False),
        (GUILD, "Comet Club", True),
    ]
    assert (mine["page"], mine["per_page"], mine["total"]) == (1, 50, 2)
    second = (await guilds.person(people["Ada"], "GET", "?page=2&per_page=1")).json()
    assert [guild["id"] for guild in second["items"]] == [GUILD]
    assert (await guilds.person(people["Dora"], "GET")).json()["items"] == []


async def test_members_see_their_guild_and_nobody_else_knows_of_it(guilds: Guilds, people: dict[str, str]) -> None:
    for name in ("Ada", "Ben", "Dora"):
        seen = await guilds.person(people[name], "GET", f"/{GUILD}")
        assert (seen.status_code, seen.json()["name"]) == (200, "Comet Club")
    foreign = await guilds.person(people["Cleo"], "GET", f"/{GUILD}")
    unknown = await guilds.person(people["Cleo"], "GET", "/111111111111111111")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["code"] == unknown.json()["code"] == "guild_not_found"
    assert foreign.json()["detail"].replace(GUILD, "") == unknown.json()["detail"].replace("111111111111111111", "")


@pytest.mark.parametrize(
    ("name", "statuses"),
    [("Ada", [200, 200, 200]), ("Dora", [200, 200, 200]), ("Ben", [200, 403, 403]), ("Cleo", [404, 404, 404])],
)
async def test_who_may_do_what(guilds: Guilds, people: dict[str, str], name: str, statuses: list[int]) -> None:
    answers = [await guilds.person(people[name], method, f"/{GUILD}{path}", body) for method, path, body in ENDPOINTS]
    assert [answer.status_code for answer in answers] == statuses


async def test_an_unknown_guild_is_404_wherever_it_is_named(guilds: Guilds, people: dict[str, str]) -> None:
    for name in ("Ada", "Dora"):
        for method, path, body in ENDPOINTS:
            answer = await guilds.person(people[name], method, f"/{'2' * 18}{path}", body)
            assert (answer.status_code, answer.json()["code"]) == (404, "guild_not_found"), (method, path)


@pytest.mark.parametrize("guild_id", ["1" * 16, "1" * 21, "%D9%A1" * 18, "1" * 18 + "%0A"])
async def test_a_guild_is_named_by_a_snowflake(guilds: Guilds, people: dict[str, str], guild_id: str) -> None:
    for method, path, body in ENDPOINTS:
        answer = await guilds.person(people["Dora"], method, f"/{guild_id}{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert "guild_id" in answer.json()["detail"]


async def test_nobody_asks_without_a_token(guilds: Guilds, people: dict[str, str]) -> None:
    for method, path, body in [("GET", "", None), *((m, f"/{GUILD}{p}", b) for m, p, b in ENDPOINTS)]:
        assert (await guilds.person("nonsense", method, path, body)).status_code == 401
        assert (await guilds.person(guilds.key, method, path, body)).status_code == 401


async def test_only_what_is_given_changes_and_null_puts_back(guilds: Guilds, people: dict[str, str]) -> None:
    async def change(**change: Any) -> Any:
        answer = await guilds.person(people["Ada"], "PATCH", f"/{GUILD}/settings", change)
        assert answer.status_code == 200, answer.text
        return answer.json()["settings"]

    formula = {"kind": "ascendancy", "current_weight": 0.5, "peak_weight": 0.5}
    first = await change(rating_formula=formula, notification_channel_id=OTHER_GUILD)
    assert first == {
        "tracker_processing": True,
        "rating_formula": formula,
        "notification_channel_id": OTHER_GUILD,
        "manual_snapshots": "confirmed",
    }
    assert await change() == first
    assert await change(tracker_processing=False) == first | {"tracker_processing": False}
    assert await change(notification_channel_id=None) == first | {
        "tracker_processing": False,
        "notification_channel_id": None,
    }
    assert (await change(rating_formula=None))["rating_formula"]["current_weight"] == 0.25
    assert await change(tracker_processing=None) == (await guilds.put(OTHER_GUILD))["settings"]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"surprise": 1}, "body", "Object contains unknown field `surprise`"),
        ({"tracker_processing": "maybe"}, "body.tracker_processing", "Expected `bool | null`, got `str`"),
        ({"notification_channel_id": "general"}, "body.notification_channel_id", "Expected `str` matching regex"),
        (
            {"rating_formula": {"kind": "ascendancy", "current_weight": 1}},
            "body.rating_formula",
            "current_weight and peak_weight must sum to 1; together they are 1.75",
        ),
    ],
)
async def test_a_change_that_does_not_fit_is_refused_where_it_stands(
    guilds: Guilds, people: dict[str, str], change: Any, field: str, message: str
) -> None:
    answer = await guilds.person(people["Ada"], "PATCH", f"/{GUILD}/settings", change)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    (error,) = answer.json()["errors"]
    assert error["field"].removesuffix(".data") == field  # what the framework calls the body as a whole
    assert error["message"].startswith(message)


async def test_changes_of_different_settings_at_once_all_hold(guilds: Guilds, people: dict[str, str]) -> None:
    changes = (
        {"tracker_processing": False},
        {"notification_channel_id": GUILD},
        {"rating_formula": {"kind": "peak_mmr"}},
    )
    answers = await asyncio.gather(
        *(guilds.person(people["Ada"], "PATCH", f"/{GUILD}/settings", change) for change in changes)
    )
    assert {answer.status_code for answer in answers} == {200}
    settings = (await guilds.person(people["Ada"], "GET", f"/{GUILD}")).json()["settings"]
    assert not settings["tracker_processing"]
    assert settings["notification_channel_id"] == GUILD
    assert settings["rating_formula"]["kind"] == "peak_mmr"


async def test_a_change_of_settings_is_told_with_who_did_it(guilds: Guilds, people: dict[str, str]) -> None:
    before = await guilds.happened()
    await guilds.person(people["Ada"], "PATCH", f"/{GUILD}/settings", {"tracker_processing": False})
    await guilds.person(people["Ada"], "PATCH", f"/{GUILD}/settings", {"tracker_processing": False})
    await guilds.person(people["Ben"], "PATCH", f"/{GUILD}/settings", {"tracker_processing": True})
    told = (await guilds.happened())[len(before) :]
    assert told == [("guild.settings_changed", GUILD, {"tracker_processing": False})]


async def test_who_left_is_no_longer_read_by_the_guilds_admins(
    guilds: Guilds, people: dict[str, str], container: AppContainer
) -> None:
    known = await guilds.join()
    access = container.users.access()
    assert await access.may_read(person(known[ADA]), known[BEN])
    assert not await access.may_read(person(known[BEN]), known[ADA])
    await guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": [BEN]})
    assert not await access.may_read(person(known[ADA]), known[BEN])
    await guilds.join(BEN)
    assert await access.may_read(person(known[ADA]), known[BEN])
    await guilds.bot("DELETE", f"/{GUILD}")
    assert not await access.may_read(person(known[ADA]), known[BEN])


async def test_an_admin_who_is_made_a_plain_member_runs_the_guild_no_longer(
    guilds: Guilds, people: dict[str, str]
) -> None:
    await guilds.join(ADA, admin=False)
    assert (await guilds.person(people["Ada"], "GET", f"/{GUILD}/members")).status_code == 403
