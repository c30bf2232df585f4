"""Gains between two moments, timelines, comparisons, boards; as JSON and as tables."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.people import People, Person
from tests.integration.trackers.hiscores.stage import Stage, gain_of

from trackers.hiscores.jobs import record_retention

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
async def played(stage: Stage) -> Stage:
    """Somebody first seen on Tuesday 10 March 2026 at noon; each look six hours later shows 1,000 Slayer more.

    Looks take a moment: the one of midnight comes just after it.
    """
    stage.clock.ahead = NOON - stage.clock.now()
    stage.site.add_player("Lynx Titan", xp={"Slayer": 100_000}, scores={"Vorkath": 10})
    await stage.add("Lynx Titan")
    for _ in range(8):
        stage.site.play("Lynx Titan", xp={"Slayer": 1_000}, scores={"Vorkath": 1})
        await stage.look("lynx titan")
    return stage


GAINS: list[tuple[dict[str, str], int, str]] = [
    ({"period": "all"}, 8_000, "inside"),
    ({}, 8_000, "inside"),  # the last seven days
    ({"period": "13h"}, 3_000, "before"),
    ({"period": "1d13h"}, 7_000, "before"),
    ({"period": "day"}, 3_000, "before"),  # Thursday from midnight on
    ({"period": "day", "tz": "America/New_York"}, 2_000, "before"),
    ({"period": "day", "tz": "Pacific/Kiritimati"}, 1_000, "before"),  # where it is Friday already
    ({"period": "week"}, 8_000, "inside"),
    ({"period": "year"}, 8_000, "inside"),
    ({"start": "2026-03-11"}, 7_000, "before"),
    ({"start": "2026-03-11", "end": "2026-03-11"}, 4_000, "before"),
    ({"start": "2026-03-11", "end": "2026-03-11", "tz": "Asia/Tokyo"}, 4_000, "before"),
    ({"start": "2026-03-11T00:00:00Z", "end": "2026-03-11T12:30:00+00:00"}, 3_000, "before"),
    ({"end": "2026-03-11", "period": "1d"}, 4_000, "before"),
]


async def test_a_gain_lies_between_the_last_records_at_or_before(played: Stage) -> None:
    for query, gained, start_is in GAINS:
        history = await played.get("/lynx titan/history", **query)
        assert (history["compared"]["start_is"], gain_of(history, "slayer")["gained"]) == (start_is, gained), query
        assert gain_of(history, "vorkath")["gained"] == gained // 1_000
        assert gain_of(history, "overall")["gained"] == gained


async def test_rates_are_per_day_between_what_was_compared(played: Stage) -> None:
    history = await played.get("/lynx titan/history", period="1d13h")
    assert history["days"] == pytest.approx(37 / 24, abs=0.01)
    assert gain_of(history, "slayer")["per_day"] == pytest.approx(7_000 * 24 / 37, rel=0.01)


async def test_a_span_before_anybody_looked_has_nothing_to_compare(played: Stage) -> None:
    history = await played.get("/lynx titan/history", end="2026-03-01", period="7d")
    assert (history["compared"], history["gains"]) == (None, [])


async def test_only_some_metrics_and_only_what_moved(played: Stage) -> None:
    path = "/api/players/lynx titan/history?period=all&skill=slayer&skill=Attack&boss=vorkath"
    some = (await played.person.ask("GET", path)).json()
    assert [one["metric"] for one in some["gains"]] == ["attack", "slayer", "vorkath"]
    moved = await played.get("/lynx titan/history", period="all", moved="true")
    assert [one["metric"] for one in moved["gains"]] == ["overall", "slayer", "vorkath", "total_level"]


SENSELESS: list[dict[str, str]] = [
    {"period": "fortnight"},
    {"period": "0d"},
    {"period": "99999d"},
    {"period": ""},
    {"start": "yesterday"},
    {"start": "2026-13-40"},
    {"start": "2026-03-12", "end": "2026-03-11"},
    {"start": "2030-01-01"},
    {"start": "2026-03-11", "period": "day"},
    {"start": "2026-03-11T00:00:00", "end": "99999-01-01"},
    {"tz": "Mars/Olympus"},
    {"tz": "../../etc/passwd"},
    {"skill": "juggling"},
    {"skill": "vorkath"},
    {"boss": "Vorkat"},
]


async def test_what_means_nothing_is_said_so(played: Stage) -> None:
    for query in SENSELESS:
        answer = await played.ask("GET", "/lynx titan/history", **query)
        assert answer.status_code == 422, (query, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_what_is_asked_for_as_something_else_is_said_so(played: Stage) -> None:
    answer = await played.ask("GET", "/lynx titan/history/skills/vorkath")
    assert answer.json()["detail"] == "Vorkath is a boss; ask for it as a boss."


async def test_a_slip_is_met_with_what_may_be_meant(played: Stage) -> None:
    answer = await played.ask("GET", "/lynx titan/history", boss="Vorkat")
    assert "vorkath" in answer.json()["detail"]


async def test_one_s_own_zone_is_the_usual_one(played: Stage) -> None:
    await played.person.ask("PATCH", "/api/users/me", {"time_zone": "Pacific/Kiritimati"})
    history = await played.get("/lynx titan/history", period="day")
    assert (history["time_zone"], gain_of(history, "slayer")["gained"]) == ("Pacific/Kiritimati", 1_000)


async def test_a_timeline_is_made_short_and_keeps_its_ends(played: Stage) -> None:
    whole = await played.get("/lynx titan/history/skills/slayer")
    assert [point["value"] for point in whole["points"]] == [100_000 + 1_000 * n for n in range(9)]
    assert whole["points"][0]["level"] == 49
    short = await played.get("/lynx titan/history/bosses/Vorkath", points=3)
    assert [point["value"] for point in short["points"]][::2] == [10, 18]
    assert short["recorded"] == 9
    day = await played.get("/lynx titan/history/skills/slayer", start="2026-03-11", end="2026-03-11")
    assert len(day["points"]) == 5  # what held at midnight, and four looks
    assert (await played.ask("GET", "/lynx titan/history/bosses/slayer")).status_code == 422
    assert (await played.ask("GET", "/lynx titan/history/pets/slayer")).status_code in {404, 422}


async def test_players_beside_each_other(played: Stage) -> None:
    played.site.add_player("Iron Lynx", xp={"Slayer": 5_000})
    await played.add("Iron Lynx")
    played.site.play("Iron Lynx", xp={"Slayer": 9_000})
    await played.look("iron lynx")
    path = "/api/players/compare?usernames=Lynx Titan,iron_lynx,Nobody&metric=slayer&metric=vorkath&period=all"
    found = (await played.person.ask("GET", path)).json()
    slayer = [(one["username"], one["value"], one["gained"]) for one in found["items"] if one["metric"] == "slayer"]
    assert slayer == [("iron lynx", 14_000, 9_000), ("lynx titan", 108_000, 8_000)]
    assert found["missing"] == ["nobody"]
    many = ",".join(f"p{number}" for number in range(11))
    assert (await played.ask("GET", "/compare", usernames=many)).json()["code"] == "too_many_players"


async def test_many_stats_at_once_each_player_once(played: Stage) -> None:
    found = await played.get("/stats", usernames="LYNX-titan,nobody,lynx titan,,Lynx_Titan")
    assert [one["player"]["username"] for one in found["items"]] == ["lynx titan"]
    assert found["missing"] == ["nobody"]
    assert len((await played.get("/stats", usernames=",".join(f"p{n}" for n in range(100))))["missing"]) == 100
    too_many = await played.ask("GET", "/stats", usernames=",".join(f"p{n}" for n in range(101)))
    assert (too_many.status_code, too_many.json()["code"]) == (422, "too_many_players")
    assert (await played.ask("GET", "/stats", usernames=",")).status_code == 422
    repeated = await played.person.ask("GET", "/api/players/stats?usernames=lynx titan&usernames=nobody")
    assert (len(repeated.json()["items"]), repeated.json()["missing"]) == (1, ["nobody"])


async def test_boards_of_the_period_that_runs_and_the_one_before(played: Stage) -> None:
    for name, gained in (("Iron Lynx", 500), ("Even Lynx", 500), ("Idle Lynx", 0)):
        played.site.add_player(name)
        await played.add(name)
        played.site.play(name, xp={"Slayer": gained})
        await played.look(name, later=timedelta(minutes=1))
    board = await played.get("/leaderboard", metric="slayer", period="day")
    assert [(row["place"], row["username"], row["gained"]) for row in board["items"]] == [
        (1, "lynx titan", 3_000),  # at 0, 6 and 12 o'clock
        (2, "iron lynx", 500),
        (2, "even lynx", 500),
    ]
    assert (board["starts"], board["ends"]) == ("2026-03-12", "2026-03-13")
    yesterday = await played.get("/leaderboard", metric="Slayer", period="day", which="previous")
    assert [(row["username"], row["gained"]) for row in yesterday["items"]] == [("lynx titan", 4_000)]
    week = await played.get("/leaderboard", metric="slayer")
    assert (week["starts"], week["ends"], week["items"][0]["gained"]) == ("2026-03-09", "2026-03-16", 8_000)
    month = await played.get("/leaderboard", metric="slayer", period="month", limit=1)
    assert (month["starts"], month["ends"], len(month["items"])) == ("2026-03-01", "2026-04-01", 1)
    year = await played.get("/leaderboard", metric="slayer", period="year", mode="ironman")
    assert (year["starts"], year["ends"], year["items"]) == ("2026-01-01", "2027-01-01", [])
    assert (await played.ask("GET", "/leaderboard", metric="juggling")).status_code == 422


async def test_a_guild_s_board_is_of_whom_its_members_follow(played: Stage, people: People) -> None:
    guild = "81384788765712384"
    bot = await people.bot("guilds", "users")
    headers = {"Authorization": f"Bearer {bot}"}
    await played.api.http.put(f"/internal/guilds/{guild}", json={"name": "Lynxes"}, headers=headers)
    assert (await played.ask("GET", "/leaderboard", metric="slayer", guild_id=guild)).status_code == 404
    await played.rows(
        "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
        " VALUES (:guild, :user, false, now(), 'operator')",
        guild=guild,
        user=played.person.id,
    )
    board = await played.get("/leaderboard", metric="slayer", guild_id=guild)
    assert [row["username"] for row in board["items"]] == ["lynx titan"]
    assert (await played.get("", guild_id=guild))["total"] == 1
    await played.ask("DELETE", "/lynx titan/follow")
    assert (await played.get("/leaderboard", metric="slayer", guild_id=guild))["items"] == []


async def test_a_guilds_board_shows_nobody_for_members_who_opted_out(played: Stage, people: People) -> None:
    guild, other = "81384788765712384", "613425648685547541"
    ben = await people.register("ben")
    await ben.ask("PUT", "/api/players/lynx titan/follow")
    headers = {"Authorization": f"Bearer {await people.bot('guilds', 'players')}"}
    for guild_id in (guild, other):
        await played.api.http.put(f"/internal/guilds/{guild_id}", json={"name": "Lynxes"}, headers=headers)
        for person in (played.person, ben):
            await played.rows(
                "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
                " VALUES (:guild, :user, false, now(), 'operator')",
                guild=guild_id,
                user=person.id,
            )

    async def board(guild_id: str) -> list[str]:
        mine = await played.get("/leaderboard", metric="slayer", guild_id=guild_id)
        path = f"/internal/players/leaderboard?metric=slayer&guild_id={guild_id}"
        bots = (await played.api.http.get(path, headers=headers)).json()
        assert mine["items"] == bots["items"]
        return [row["username"] for row in mine["items"]]

    async def opts_out(person: Person, **choice: Any) -> None:
        assert (await person.ask("PUT", "/api/users/me/leaderboards", choice)).status_code == 200

    await opts_out(played.person, hidden_in=[guild])
    assert (await board(guild), await board(other)) == (["lynx titan"], ["lynx titan"])  # for Ben
    await opts_out(ben, hidden_everywhere=True)
    assert (await board(guild), await board(other)) == ([], ["lynx titan"])
    await opts_out(played.person, hidden_everywhere=True)
    assert (await board(guild), await board(other)) == ([], [])
    assert (await played.get("/leaderboard", metric="slayer"))["items"][0]["username"] == "lynx titan"
    await opts_out(ben)
    assert (await board(guild), await board(other)) == (["lynx titan"], ["lynx titan"])


TABLES: list[tuple[str, set[str], int | None]] = [
    ("?format=csv", {"username", "status", "overall_xp"}, 1),
    ("/following?format=csv", {"username"}, 1),
    ("/metrics?format=csv", {"slug", "kind"}, None),
    ("/stats?usernames=lynx titan&format=csv", {"player_username", "stats_total_level"}, 1),
    ("/compare?usernames=lynx titan&format=csv", {"username", "gained"}, 1),
    ("/leaderboard?metric=slayer&format=csv", {"place", "gained"}, 1),
    ("/lynx titan/history?skill=slayer&format=csv", {"metric", "gained", "per_day"}, 1),
    ("/lynx titan/history/skills/slayer?format=csv", {"at", "value"}, 9),
    ("/lynx titan/records?format=csv", {"period", "gained"}, None),
    ("/lynx titan/achievements?format=csv", {"what", "before"}, None),
]


async def test_every_list_is_a_table_for_who_asks(played: Stage) -> None:
    for path, columns, rows in TABLES:
        answer = await played.person.ask("GET", f"/api/players{path}")
        assert answer.headers["content-type"].startswith("text/csv"), answer.text
        assert "attachment" in answer.headers["content-disposition"]
        table: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        assert columns <= set(table[0]), path
        assert rows is None or len(table) == rows, path


async def test_lists_are_filtered_put_in_order_and_read_by_the_page(played: Stage) -> None:
    for name, mode in (("Iron Lynx", "ironman"), ("Lynx Cub", "regular")):
        played.site.add_player(name, mode=mode, xp={"Slayer": 0})
        await played.add(name, mode=mode)
    assert [one["username"] for one in (await played.get(""))["items"]] == ["iron lynx", "lynx cub", "lynx titan"]
    assert [one["username"] for one in (await played.get("", begins_with="LYNX_"))["items"]] == [
        "lynx cub",
        "lynx titan",
    ]
    assert (await played.get("", mode="ironman"))["total"] == 1
    assert (await played.get("", status="failed"))["total"] == 0
    assert (await played.get("", status="completed", active="true"))["total"] == 3
    page = await played.get("", sort="-created_at", per_page=1, page=2)
    assert ([one["username"] for one in page["items"]], page["total"]) == (["iron lynx"], 3)
    by_xp = [one["overall_xp"] for one in (await played.get("", sort="-overall_xp"))["items"]]
    assert by_xp == sorted(by_xp, reverse=True)
    assert (await played.ask("GET", "", begins_with="$")).status_code == 422


async def test_records_go_once_they_have_an_age_and_what_stood_then_stays_known(stage: Stage) -> None:
    """110 looks: every fiftieth record is a keyframe, and a state in the middle rests on the one before it."""
    stage.site.add_player("Lynx Titan", xp={"Slayer": 100_000})
    await stage.add("Lynx Titan")
    for _ in range(110):
        stage.site.play("Lynx Titan", xp={"Slayer": 1_000})
        await stage.look("lynx titan")
    database = stage.api.container.database()
    gained = gain_of(await stage.get("/lynx titan/history", period="10d"), "slayer")

    async def removed(keep_days: int) -> int:
        return await record_retention(database=database, clock=stage.clock, keep_days=keep_days).remove_old()

    assert await removed(0) == 0, "for ever"
    assert await removed(365) == 0
    assert await removed(10) == 50, "up to the last keyframe that is ten days old"
    assert (await stage.kinds())[0] == 1
    assert await removed(10) == 0
    assert gain_of(await stage.get("/lynx titan/history", period="10d"), "slayer") == gained
    stage.site.play("Lynx Titan", xp={"Slayer": 1_000})
    await stage.look("lynx titan")
    history = await stage.get("/lynx titan/history", period="all")
    assert (history["compared"]["start_is"], gain_of(history, "slayer")["gained"]) == ("inside", 61_000)
