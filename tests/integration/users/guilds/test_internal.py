"""Guilds as a bot tells of them: making, settling, members in bulk, and keys for some guilds only."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, text
from tests.integration.users.guilds.conftest import GUILD, OTHER_GUILD, Guilds

from app.container import AppContainer
from users.access import GuildNotFound

ADA, BEN, CLEO = "281474976710656001", "281474976710656002", "281474976710656003"
DEFAULTS = {
    "tracker_processing": True,
    "rating_formula": {"kind": "ascendancy", "current_weight": 0.25, "peak_weight": 0.75},
    "notification_channel_id": None,
    "manual_snapshots": "confirmed",
}
ENDPOINTS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("DELETE", "", None),
    ("GET", "/members", None),
    ("PUT", "/members", {"members": [{"user_id": ADA}]}),
    ("POST", "/members/remove", {"user_ids": [ADA]}),
]
BAD_IDS = {
    "16 digits": "1" * 16,
    "21 digits": "1" * 21,
    "Arabic-Indic digits": "%D9%A1" * 18,
    "a newline at its end": "1" * 18 + "%0A",
    "a name": "comet-club",
    "a sign": "-" + "1" * 18,
}


def ids(count: int, first: int = 0) -> list[str]:
    return [str(300000000000000000 + first + number) for number in range(count)]


# ---- guilds ----


async def test_a_guild_is_made_and_brought_up_to_date_by_the_same_call(guilds: Guilds) -> None:
    made = await guilds.put(name="Comet Club")
    assert (made["id"], made["name"], made["settings"]) == (GUILD, "Comet Club", DEFAULTS)
    again = await guilds.put(name="Comet Club")
    assert again == made
    renamed = await guilds.put(name="Comet Society")
    assert (renamed["name"], renamed["created_at"]) == ("Comet Society", made["created_at"])
    assert renamed["updated_at"] > made["updated_at"]
    assert (await guilds.bot("GET", f"/{GUILD}")).json() == renamed


async def test_settings_left_out_stay_and_given_ones_replace_all(guilds: Guilds) -> None:
    await guilds.put(tracker_processing=False, notification_channel_id=OTHER_GUILD)
    kept = await guilds.put(name="Renamed")
    assert kept["settings"] == DEFAULTS | {"tracker_processing": False, "notification_channel_id": OTHER_GUILD}
    replaced = await guilds.put(rating_formula={"kind": "peak_mmr"})
    assert replaced["settings"] == DEFAULTS | {
        "rating_formula": {"kind": "peak_mmr", "min_games": dict.fromkeys(("ones", "twos", "threes", "fours"), 50)}
    }
    answer = await guilds.bot("PUT", f"/{GUILD}", {"name": "Comet Club", "settings": {}})
    assert answer.json()["settings"] == DEFAULTS


async def test_only_what_differs_from_the_defaults_is_stored(guilds: Guilds, container: AppContainer) -> None:
    await guilds.put(tracker_processing=True, rating_formula={"kind": "custom", "expression": "twos / 2"})
    stored = await container.reader().value(text("SELECT settings::text FROM guilds"))
    assert stored == '{"rating_formula": {"kind": "custom", "expression": "twos / 2"}}'


async def test_settings_of_an_older_version_are_read(guilds: Guilds, container: AppContainer) -> None:
    await guilds.put()
    old = '{"gone": 1, "tracker_processing": false, "rating_formula": {"kind": "elo"}}'
    async with container.database().transaction() as session:
        await session.execute(text("UPDATE guilds SET settings = CAST(:old AS jsonb)"), {"old": old})
    assert (await guilds.bot("GET", f"/{GUILD}")).json()["settings"] == DEFAULTS | {"tracker_processing": False}
    assert (await guilds.bot("GET")).json()["items"][0]["settings"] == DEFAULTS | {"tracker_processing": False}


@pytest.mark.parametrize(
    ("settings", "field", "message"),
    [
        ({"surprise": 1}, "body.settings", "Object contains unknown field `surprise`"),
        ({"tracker_processing": "maybe"}, "body.settings.tracker_processing", "Expected `bool`, got `str`"),
        (
            {"notification_channel_id": "general"},
            "body.settings.notification_channel_id",
            "Expected `str` matching regex",
        ),
        (
            {"notification_channel_id": "\N{ARABIC-INDIC DIGIT ONE}" * 18},
            "body.settings.notification_channel_id",
            "Expected `str` matching regex",
        ),
        ({"rating_formula": {"kind": "luck"}}, "body.settings.rating_formula.kind", "Invalid value 'luck'"),
        (
            {"rating_formula": {"kind": "peak_mmr", "min_games": {"twos": -1}}},
            "body.settings.rating_formula.min_games.twos",
            "Expected `int` >= 0",
        ),
        (
            {"rating_formula": {"kind": "weighted_average", "weights": {"twos": 2}}},
            "body.settings.rating_formula.weights.twos",
            "Expected `float` <= 1.0",
        ),
        (
            {
                "rating_formula": {
                    "kind": "weighted_average",
                    "weights": {"ones": 0, "twos": 0, "threes": 0, "fours": 0},
                }
            },
            "body.settings.rating_formula.weights",
            "the weights are all 0: give at least one playlist a weight",
        ),
        (
            {"rating_formula": {"kind": "ascendancy", "peak_weight": 0.5}},
            "body.settings.rating_formula",
            "current_weight and peak_weight must sum to 1; together they are 0.75",
        ),
        (
            {"rating_formula": {"kind": "custom", "expression": "twos * secret"}},
            "body.settings.rating_formula",
            "expression is not a formula: there is no figure 'secret'",
        ),
        (
            {"rating_formula": {"kind": "custom", "expression": "twos\0"}},
            "body.settings.rating_formula",
            "expression is not a formula: '\\x00' is not allowed in a formula",
        ),
    ],
)
async def test_settings_that_do_not_fit_are_refused_where_they_stand(
    guilds: Guilds, settings: Any, field: str, message: str
) -> None:
    answer = await guilds.bot("PUT", f"/{GUILD}", {"name": "Comet Club", "settings": settings})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error["message"].startswith(message)
    assert (await guilds.bot("GET", f"/{GUILD}")).status_code == 404


@pytest.mark.parametrize("name", ["", "x" * 101, 5, None])
async def test_a_guild_has_a_name_of_1_to_100_characters(guilds: Guilds, name: Any) -> None:
    assert (await guilds.bot("PUT", f"/{GUILD}", {"name": name})).status_code == 422


@pytest.mark.parametrize("guild_id", BAD_IDS.values(), ids=BAD_IDS.keys())
async def test_a_guild_is_named_by_a_snowflake(guilds: Guilds, guild_id: str) -> None:
    for method, path, body in [("PUT", "", {"name": "Comet Club"}), *ENDPOINTS]:
        answer = await guilds.bot(method, f"/{guild_id}{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), (method, path, answer.text)
        assert "guild_id" in answer.json()["detail"]


async def test_17_and_20_digits_are_snowflakes(guilds: Guilds) -> None:
    for guild_id in ("1" * 17, "9" * 20):
        assert (await guilds.put(guild_id))["id"] == guild_id


async def test_an_unknown_guild_is_404_wherever_it_is_named(guilds: Guilds) -> None:
    for method, path, body in ENDPOINTS:
        answer = await guilds.bot(method, f"/{GUILD}{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "guild_not_found"), (method, path, answer.text)
        assert GUILD in answer.json()["detail"]
    assert await guilds.container.reader().value(text("SELECT count(*) FROM users")) == 0


async def test_a_guild_that_the_bot_left_is_gone_with_its_members(guilds: Guilds) -> None:
    await guilds.put()
    await guilds.join(ADA)
    answer = await guilds.bot("DELETE", f"/{GUILD}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await guilds.bot("DELETE", f"/{GUILD}")).status_code == 404
    assert await guilds.container.reader().value(text("SELECT count(*) FROM guild_members")) == 0
    assert (await guilds.put())["settings"] == DEFAULTS


async def test_guilds_are_listed_in_pages(guilds: Guilds) -> None:
    names = ids(5)
    for guild_id in reversed(names):
        await guilds.put(guild_id)
    first = (await guilds.bot("GET", "?per_page=2")).json()
    assert [guild["id"] for guild in first["items"]] == names[:2]
    assert (first["page"], first["per_page"], first["total"]) == (1, 2, 5)
    assert [guild["id"] for guild in (await guilds.bot("GET", "?page=3&per_page=2")).json()["items"]] == names[4:]
    beyond = (await guilds.bot("GET", "?page=4&per_page=2")).json()
    assert (beyond["items"], beyond["total"]) == ([], 5)
    assert (await guilds.bot("GET")).json()["per_page"] == 50


@pytest.mark.parametrize("query", ["page=0", "per_page=0", "per_page=201", "page=x", "page=1000001"])
async def test_pages_have_bounds(guilds: Guilds, query: str) -> None:
    await guilds.put()
    for path in ("", f"/{GUILD}/members"):
        answer = await guilds.bot("GET", f"{path}?{query}")
        assert answer.status_code == 422
        assert query.partition("=")[0] in answer.json()["detail"]


# ---- members ----


async def test_members_are_added_updated_and_left_alone(guilds: Guilds) -> None:
    await guilds.put()
    answer = await guilds.bot(
        "PUT",
        f"/{GUILD}/members",
        {
            "members": [
                {"user_id": ADA, "user_data": {"username": "ada", "global_name": "Ada"}, "admin": True},
                {"user_id": BEN, "user_data": {"username": "ben"}},
            ]
        },
    )
    assert answer.json() == {"added": 2, "updated": 0, "unchanged": 0}
    joined = (await guilds.bot("GET", f"/{GUILD}/members")).json()
    answer = await guilds.bot(
        "PUT",
        f"/{GUILD}/members",
        {"members": [{"user_id": CLEO}, {"user_id": BEN, "admin": True}, {"user_id": ADA, "admin": True}]},
    )
    assert answer.json() == {"added": 1, "updated": 1, "unchanged": 1}
    members = (await guilds.bot("GET", f"/{GUILD}/members")).json()
    assert (members["page"], members["per_page"], members["total"]) == (1, 50, 3)
    told = {member["external_id"]: (member["username"], member["admin"]) for member in members["items"]}
    assert told == {ADA: ("ada", True), BEN: ("ben", True), CLEO: (None, False)}
    assert [member["joined_at"] for member in members["items"][:2]] == [row["joined_at"] for row in joined["items"]]


async def test_members_are_filtered_and_paged(guilds: Guilds) -> None:
    await guilds.put()
    members = [
        {"user_id": user_id, "user_data": {"username": f"Racer_{place}"}, "admin": place < 2}
        for place, user_id in enumerate(ids(12))
    ]
    await guilds.bot("PUT", f"/{GUILD}/members", {"members": [*members, {"user_id": ADA}]})

    async def found(query: str) -> tuple[list[str], int]:
        body = (await guilds.bot("GET", f"/{GUILD}/members?{query}")).json()
        return [member["username"] for member in body["items"]], body["total"]

    assert await found("username=racer_1") == (["Racer_1", "Racer_10", "Racer_11"], 3)
    assert await found("username=%25") == ([], 0)
    assert await found("username=acer.") == ([], 0)
    assert await found("admin=true") == (["Racer_0", "Racer_1"], 2)
    assert (await found("admin=false"))[1] == 11
    assert await found("admin=true&username=_1") == (["Racer_1"], 1)
    assert await found("username=racer&per_page=5&page=3") == (["Racer_10", "Racer_11"], 12)
    assert (await guilds.bot("GET", f"/{GUILD}/members?username=%00")).status_code == 422


async def test_members_leave_and_strangers_are_not_counted(guilds: Guilds) -> None:
    await guilds.put()
    await guilds.put(OTHER_GUILD)
    await guilds.join(ADA, BEN)
    await guilds.join(ADA, CLEO, guild_id=OTHER_GUILD)
    answer = await guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": [CLEO, ADA, ids(1)[0]]})
    assert (answer.status_code, answer.json()) == (200, {"removed": 1})
    assert set(await guilds.join()) == {BEN}
    assert set(await guilds.join(guild_id=OTHER_GUILD)) == {ADA, CLEO}
    answer = await guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": [ADA]})
    assert answer.json() == {"removed": 0}


async def test_nobody_is_named_twice_in_a_call(guilds: Guilds) -> None:
    await guilds.put()
    for method, path, body in (
        ("PUT", "/members", {"members": [{"user_id": ADA}, {"user_id": BEN}, {"user_id": ADA, "admin": True}]}),
        ("POST", "/members/remove", {"user_ids": [ADA, BEN, ADA]}),
    ):
        answer = await guilds.bot(method, f"/{GUILD}{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "duplicate_member")
        assert (answer.json()["user_id"], answer.json()["position"]) == (ADA, 2)
        assert ADA in answer.json()["detail"]
    assert await guilds.join() == {}


@pytest.mark.parametrize(
    "member",
    [
        {"user_id": "1" * 16},
        {"user_id": "1" * 21},
        {"user_id": "\N{ARABIC-INDIC DIGIT ONE}" * 18},
        {"user_id": "1" * 18 + "\n"},
        {"user_id": 281474976710656001},
        {"user_id": ADA, "admin": "yes"},
        {"user_id": ADA, "surprise": 1},
        {"user_id": ADA, "user_data": {"username": ""}},
        {"user_id": ADA, "user_data": {"username": "a\0b"}},
        {},
    ],
)
async def test_members_that_are_told_of_wrongly_are_refused(guilds: Guilds, member: Any) -> None:
    await guilds.put()
    answer = await guilds.bot("PUT", f"/{GUILD}/members", {"members": [{"user_id": BEN}, member]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert await guilds.join() == {}


async def test_a_call_names_a_thousand_at_most(guilds: Guilds) -> None:
    await guilds.put()
    answer = await guilds.bot("PUT", f"/{GUILD}/members", {"members": [{"user_id": user} for user in ids(1001)]})
    assert answer.status_code == 422
    assert "1000" in answer.json()["detail"]
    answer = await guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": ids(1001)})
    assert answer.status_code == 422
    answer = await guilds.bot("PUT", f"/{GUILD}/members", {"members": []})
    assert answer.json() == {"added": 0, "updated": 0, "unchanged": 0}
    answer = await guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": []})
    assert answer.json() == {"removed": 0}


async def test_a_thousand_members_take_as_many_statements_as_two(guilds: Guilds, container: AppContainer) -> None:
    await guilds.put()
    asked: list[str] = []
    engine = container.engine().sync_engine
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: asked.append(statement))

    async def statements(method: str, path: str, body: Any) -> int:
        asked.clear()
        answer = await guilds.bot(method, path, body)
        assert answer.status_code == 200, answer.text
        return sum("bot_keys" not in statement for statement in asked)  # asked for now and then, by the clock

    counts: dict[str, set[int]] = {"new": set(), "known": set(), "turned": set(), "gone": set()}
    for people in (ids(2), ids(1000, 500)):
        members = [{"user_id": user_id, "user_data": {"username": user_id}} for user_id in people]
        turned = [member | {"admin": True} for member in members]
        counts["new"].add(await statements("PUT", f"/{GUILD}/members", {"members": members}))
        counts["known"].add(await statements("PUT", f"/{GUILD}/members", {"members": members}))
        counts["turned"].add(await statements("PUT", f"/{GUILD}/members", {"members": turned}))
        counts["gone"].add(await statements("POST", f"/{GUILD}/members/remove", {"user_ids": people}))
    assert {what: len(seen) for what, seen in counts.items()} == dict.fromkeys(counts, 1), counts
    assert max(max(seen) for seen in counts.values()) <= 12, counts


async def test_two_identities_of_one_person_are_one_member(guilds: Guilds, container: AppContainer) -> None:
    await guilds.put()
    people = await guilds.join(ADA, BEN)
    await container.standalone_writer().execute(
        text("UPDATE user_identities SET user_id = :ada WHERE user_id = :ben"), {"ada": people[ADA], "ben": people[BEN]}
    )
    await guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": [ADA]})
    answer = await guilds.bot(
        "PUT", f"/{GUILD}/members", {"members": [{"user_id": ADA, "admin": True}, {"user_id": BEN}]}
    )
    assert answer.json() == {"added": 1, "updated": 0, "unchanged": 1}, answer.text
    members = (await guilds.bot("GET", f"/{GUILD}/members?admin=true")).json()["items"]
    assert [member["user_id"] for member in members] == [str(people[ADA])]
    rows = await container.reader().rows(text("SELECT user_id, admin FROM guild_members"))
    assert [(row["user_id"], row["admin"]) for row in rows] == [(people[ADA], True)]


# ---- races ----


async def test_one_guild_put_twenty_times_at_once_is_made_once(guilds: Guilds) -> None:
    answers = await asyncio.gather(*(guilds.bot("PUT", f"/{GUILD}", {"name": f"Club {n}"}) for n in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["created_at"] for answer in answers}) == 1
    assert [event for event, *_ in await guilds.happened()].count("guild.created") == 1


async def test_overlapping_bulk_calls_in_opposite_order_both_succeed(guilds: Guilds) -> None:
    await guilds.put()
    await guilds.put(OTHER_GUILD)
    for turn in range(8):
        people = ids(100, 100 * (turn // 2))
        forth = [{"user_id": user_id, "admin": turn % 2 == 0} for user_id in people]
        back = [{"user_id": user_id, "admin": turn % 3 == 0} for user_id in reversed(people)]
        answers = await asyncio.gather(
            guilds.bot("PUT", f"/{GUILD}/members", {"members": forth}),
            guilds.bot("PUT", f"/{GUILD}/members", {"members": back}),
            guilds.bot("PUT", f"/{OTHER_GUILD}/members", {"members": back}),
            guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": people[::-3]}),
        )
        assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
        assert {sum(answer.json().values()) for answer in answers[:3]} == {100}


async def test_a_guild_removed_while_members_are_put_is_gone_without_a_trace(guilds: Guilds) -> None:
    for turn in range(6):
        await guilds.put()
        members = [{"user_id": user_id} for user_id in ids(50, 50 * turn)]
        put, removed = await asyncio.gather(
            guilds.bot("PUT", f"/{GUILD}/members", {"members": members}), guilds.bot("DELETE", f"/{GUILD}")
        )
        assert put.status_code in {200, 404}, put.text
        assert removed.status_code == 204
        assert await guilds.container.reader().value(text("SELECT count(*) FROM guild_members")) == 0


# ---- keys ----


async def test_scopes_bound_what_a_key_may_do(guilds: Guilds) -> None:
    await guilds.put()
    stranger, reader = await guilds.make_key("trackers"), await guilds.make_key("guilds:read")
    for method, path, body in [("PUT", "", {"name": "Comet Club"}), *ENDPOINTS]:
        assert (await guilds.bot(method, f"/{GUILD}{path}", body, key=stranger)).status_code == 403
        expected = 200 if method == "GET" else 403
        assert (await guilds.bot(method, f"/{GUILD}{path}", body, key=reader)).status_code == expected
    assert (await guilds.bot("GET", key=stranger)).status_code == 403
    assert (await guilds.bot("GET", key=reader)).status_code == 200
    assert (await guilds.bot("GET", key=f"trk_{'a' * 10}_{'b' * 43}")).status_code == 401


async def test_a_key_for_some_guilds_knows_of_no_others(guilds: Guilds) -> None:
    await guilds.put()
    await guilds.put(OTHER_GUILD)
    key = await guilds.make_key("guilds", guild_ids=[OTHER_GUILD])
    for method, path, body in ENDPOINTS:
        answer = await guilds.bot(method, f"/{GUILD}{path}", body, key=key)
        assert (answer.status_code, answer.json()["code"]) == (404, "guild_not_found"), (method, path)
    answer = await guilds.bot("PUT", f"/{GUILD}", {"name": "Mine now"}, key=key)
    assert (answer.status_code, answer.json()["code"]) == (403, "key_for_other_guilds")
    listed = (await guilds.bot("GET", key=key)).json()
    assert ([guild["id"] for guild in listed["items"]], listed["total"]) == ([OTHER_GUILD], 1)
    assert (await guilds.bot("GET", f"/{GUILD}")).json()["name"] == "Comet Club"


async def test_a_key_for_some_guilds_does_there_what_any_other_does(guilds: Guilds) -> None:
    await guilds.put()
    key = await guilds.make_key("guilds", guild_ids=[GUILD])
    assert (await guilds.bot("PUT", f"/{GUILD}", {"name": "Comet Club"}, key=key)).status_code == 200
    for method, path, body in ENDPOINTS[2:]:
        assert (await guilds.bot(method, f"/{GUILD}{path}", body, key=key)).status_code == 200
    assert (await guilds.bot("DELETE", f"/{GUILD}", key=key)).status_code == 204
    assert (await guilds.bot("PUT", f"/{GUILD}", {"name": "Comet Club"}, key=key)).status_code == 200
    none = await guilds.make_key("guilds", guild_ids=[])
    assert (await guilds.bot("GET", key=none)).json()["total"] == 0


# ---- what is told of it ----


async def test_what_happened_to_a_guild_is_told_once_each(guilds: Guilds) -> None:
    await guilds.put(name="Comet Club")
    await guilds.put(name="Comet Club")
    await guilds.put(name="Comet Society", tracker_processing=False)
    await guilds.join(ADA, BEN)
    await guilds.join(ADA, BEN)
    await guilds.join(BEN, admin=True)
    await guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": [ADA, CLEO]})
    await guilds.bot("POST", f"/{GUILD}/members/remove", {"user_ids": [ADA]})
    await guilds.bot("DELETE", f"/{GUILD}")
    await guilds.bot("DELETE", f"/{GUILD}")
    assert await guilds.happened() == [
        ("guild.created", GUILD, {"name": "Comet Club"}),
        ("guild.updated", GUILD, {"name": "Comet Society"}),
        ("guild.settings_changed", GUILD, {"tracker_processing": False}),
        ("guild.members_changed", GUILD, {"added": 2, "updated": 0}),
        ("guild.members_changed", GUILD, {"added": 0, "updated": 1}),
        ("guild.members_changed", GUILD, {"removed": 1}),
        ("guild.removed", GUILD, {"name": "Comet Society"}),
    ]


async def test_other_modules_ask_for_a_guild_and_its_settings(guilds: Guilds, container: AppContainer) -> None:
    await guilds.put(tracker_processing=False)
    async with container.database().unit_of_work():
        offered = container.users.guilds()
        assert (await offered.get(GUILD)).name == "Comet Club"
        assert not (await offered.settings_of(GUILD)).tracker_processing
        for ask in (offered.get, offered.settings_of):
            with pytest.raises(GuildNotFound):
                await ask(OTHER_GUILD)
