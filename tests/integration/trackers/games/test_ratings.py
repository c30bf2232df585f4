"""Scores, leaderboards and histories: what a guild makes of its members' playlist states, and who may see it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from tests.integration.trackers.games.league import GUILD, OTHER_GUILD, TWOS, League, discord, twos
from tests.integration.trackers.games.test_recording import Body, standing_of

from shared.database.advisory_locks import LockNamespace


def unplayed(body: Body) -> None:
    """The site only guesses where somebody would be in duplicates."""
    stats = standing_of(body, TWOS)["stats"]
    stats["matchesPlayed"].update(value=0)
    for what in ("tier", "division"):
        stats[what].setdefault("metadata", {})["estimated"] = True


async def scores(league: League) -> list[dict[str, Any]]:
    return await league.people.rows("SELECT * FROM game_guild_scores ORDER BY guild_id, score DESC")


async def test_a_scrape_stores_the_score_for_every_guild_of_the_owner(league: League) -> None:
    await league.joins("Ada")
    await league.joins("Ada", guild_id=OTHER_GUILD)
    await league.settles({"kind": "peak_mmr"}, OTHER_GUILD)
    await league.follows("Ada", "comet")
    await league.stands(("comet", twos(1000, peak=1200)))
    found = {row["guild_id"]: (row["score"], row["salary"], row["season"]) for row in await scores(league)}
    assert found[GUILD] == (1150, 1150, 34)
    assert found[OTHER_GUILD][0] >= 1000
    assert await league.boards_are_looked_at() == 0


async def test_whoever_is_in_no_guild_costs_one_statement_and_what_stood_still_none(league: League) -> None:
    await league.follows("Ada", "comet")
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    def people_are_locked() -> int:
        return sum(f"advisory_xact_lock({LockNamespace.RATED_PERSON:d}," in statement for statement in asked)

    event.listen(league.api.container.engine().sync_engine, "before_cursor_execute", note)
    await league.stands(("comet", twos(1000)))
    assert people_are_locked() == 1
    assert not any("game_guild_scores" in statement for statement in asked)
    asked.clear()
    await league.stands(("comet", twos(1000)))
    assert people_are_locked() == 0
    assert not any("game_guild" in statement for statement in asked)


async def test_statements_do_not_grow_with_the_batch(league: League) -> None:
    names = ["Ada", "Ben", "Cleo", "Dan", "Eve"]
    await league.joins(*names)
    for name in names:
        await league.follows(name, f"{name}-1", f"{name}-2")
    asked: list[str] = []
    event.listen(
        league.api.container.engine().sync_engine, "before_cursor_execute", lambda *args: asked.append(args[2])
    )
    await league.stands(("Ada-1", twos(1000)))
    one = len(asked)
    asked.clear()
    await league.stands(*((f"{name}-{number}", twos(1100)) for name in names[1:] for number in (1, 2)))
    assert len(asked) == one


async def test_leaderboards_rank_people_by_their_best_tracker_and_equals_share_a_rank(league: League) -> None:
    await league.joins("Ada", "Ben", "Cleo", "Dan")
    await league.follows("Ada", "comet", "second-comet")
    await league.follows("Ben", "otter")
    await league.follows("Cleo", "kettle")
    await league.follows("Dan", "runner")
    await league.stands(
        ("comet", twos(900)), ("second-comet", twos(1200)), ("otter", twos(1000)), ("kettle", twos(1000)),
        ("runner", unplayed),
    )  # fmt: skip
    board = await league.board(TWOS)
    assert [(row["rank"], row["handle"] is not None, row["rating"]) for row in board["items"]] == [
        (1, True, 1200), (2, True, 1000), (2, True, 1000),
    ]  # fmt: skip
    assert (board["total"], board["season"], board["playlist"]) == (3, "34", "11")
    assert {"tier", "division", "matches_played", "peak_rating"} <= board["items"][0].keys()
    assert board["items"][0]["matches_played"] == 100
    assert board["items"][0]["tracker_id"] == league.trackers["second-comet"]
    assert [row[0] for row in await league.listed(TWOS, per_page=1, page=3)] == [2]  # an equal is on the page before
    assert await league.listed(TWOS, per_page=1, page=9) == []
    assert [name for _, name, _ in (await league.listed())[:1]] == ["Ada"]


async def test_the_better_tracker_falls_behind_the_other(league: League) -> None:
    await league.joins("Ada")
    await league.follows("Ada", "comet", "second-comet")
    await league.stands(("comet", twos(900)), ("second-comet", twos(1200)))
    await league.stands(("second-comet", twos(800)), later=1)
    assert await league.listed(TWOS) == [(1, "Ada", 900)]
    assert await league.listed() == [(1, "Ada", 900)]


async def test_two_trackers_of_one_person_scraped_at_once_leave_one_best(league: League) -> None:
    await league.joins("Ada")
    await league.follows("Ada", "comet", "second-comet")
    for turn in range(1, 7):
        await asyncio.gather(
            league.stands(("comet", twos(900 + turn)), later=turn),
            league.stands(("second-comet", twos(1000 - turn)), later=turn),
            league.boards_are_looked_at(),
        )
        assert await league.listed(TWOS) == [(1, "Ada", 1000 - turn)]
        (best,) = [row for row in await scores(league) if row["best"]]
        assert best["score"] == 1000 - turn
    assert await league.boards_are_looked_at() == 0


async def test_a_new_formula_restates_the_guild_and_no_other(league: League) -> None:
    for guild_id in (GUILD, OTHER_GUILD):
        await league.joins("Ada", guild_id=guild_id)
    await league.follows("Ada", "comet")
    await league.stands(("comet", twos(1000, peak=1200)))
    await league.settles({"kind": "custom", "expression": "twos + 5"})
    assert await league.boards_are_looked_at() == 1
    assert await league.listed() == [(1, "Ada", 1005)]
    assert await league.listed(guild_id=OTHER_GUILD) == [(1, "Ada", 1150)]
    assert await league.boards_are_looked_at() == 0


async def test_a_formula_that_is_no_longer_understood_is_the_default_and_restated_once(league: League) -> None:
    await league.joins("Ada")
    await league.follows("Ada", "comet")
    await league.stands(("comet", twos(1000, peak=1200)))
    await league.people.rows('UPDATE guilds SET settings = \'{"rating_formula": {"kind": "elo"}}\' RETURNING id')
    assert await league.boards_are_looked_at() == 1
    assert await league.boards_are_looked_at() == 0
    assert await league.listed() == [(1, "Ada", 1150)]


async def test_whoever_joins_is_listed_and_whoever_leaves_is_not(league: League) -> None:
    await league.joins("Ada")
    await league.follows("Ada", "comet")
    await league.follows("Ben", "otter")
    await league.stands(("comet", twos(1000)), ("otter", twos(1100)))
    await league.joins("Ben")
    await league.boards_are_looked_at()
    assert [row[1] for row in await league.listed(TWOS)] == ["Ben", "Ada"]
    await league.bot("POST", f"/internal/guilds/{GUILD}/members/remove", {"user_ids": [discord("Ada")]})
    assert [row[1] for row in await league.listed(TWOS)] == ["Ben"]  # at once
    await league.boards_are_looked_at()
    assert (await league.board(TWOS))["total"] == 1
    assert len(await scores(league)) == 1


async def test_a_tracker_of_an_account_that_was_seen_already_counts(league: League) -> None:
    await league.joins("Ada", "Ben")
    await league.follows("Ada", "comet")
    await league.stands(("comet", twos(1000)))
    await league.follows("Ben", "comet")
    await league.boards_are_looked_at()
    assert sorted(await league.listed(TWOS)) == [(1, "Ada", 1000), (1, "Ben", 1000)]


@pytest.mark.parametrize("how", ["deactivated", "removed", "erased"])
async def test_a_tracker_that_went_is_left_out_at_once(league: League, how: str) -> None:
    await league.joins("Ada", "Ben")
    await league.follows("Ada", "comet", "second-comet")
    await league.follows("Ben", "otter")
    await league.stands(("comet", twos(1000)), ("second-comet", twos(1200)), ("otter", twos(1100)))
    ada = await league.person("Ada")
    path = f"/api/trackers/{league.trackers['second-comet']}"
    if how == "deactivated":
        answer = await ada.ask("PUT", path, {"active": False})
    elif how == "removed":
        answer = await ada.ask("DELETE", path)
    else:
        answer = await ada.erase()
    assert answer.status_code < 300, answer.text
    assert [row[2] for row in await league.listed(TWOS)] == [1100]
    if how == "erased":
        assert {row["tracker_id"] for row in await scores(league)} == {UUID(league.trackers["otter"])}
    await league.boards_are_looked_at()
    assert [row[2] for row in await league.listed(TWOS)] == ([1100] if how == "erased" else [1100, 1000])


async def test_a_new_season_begins_a_new_board_and_keeps_the_score(league: League) -> None:
    await league.joins("Ada", "Ben")
    await league.follows("Ada", "comet")
    await league.follows("Ben", "otter")
    await league.stands(("comet", twos(1000, peak=1200)), ("otter", twos(1100)))
    await league.stands(("comet", twos(900, peak=950, matches=10, season=35)), later=1)
    board = await league.board(TWOS)
    assert (board["season"], [row["rating"] for row in board["items"]]) == ("35", [900])
    (ada,) = [row for row in await league.listed() if row[1] == "Ada"]
    assert ada[2] == 1125  # .25 * 900 + .75 * 1200


async def test_a_leaderboard_is_for_members_and_admins(league: League) -> None:
    ada, stranger = await league.person("Ada"), await league.people.register("stranger")
    admin = await league.people.admin()
    await league.joins("Ada")
    path = f"/api/trackers/leaderboard?guild_id={GUILD}"
    assert (await ada.ask("GET", path)).status_code == 200
    assert (await admin.ask("GET", path)).status_code == 200
    answer = await stranger.ask("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (404, "guild_not_found")
    assert (await ada.ask("GET", "/api/trackers/leaderboard")).status_code == 422
    assert (await ada.ask("GET", f"{path}&playlist=1x")).status_code == 422


# ---- trying formulas ----


async def test_a_good_formula_is_tried(league: League) -> None:
    ada = await league.person("Ada")
    await league.joins("Ada", admin=True)
    body = {"formula": {"kind": "custom", "expression": "twos * 2"}}
    verdict = (await ada.ask("POST", f"/api/guilds/{GUILD}/rating/validate", body)).json()
    assert (verdict["ok"], verdict["errors"]) == (True, [])
    assert verdict["trial"]["score"] == 2 * verdict["trial"]["figures"]["twos"]


@pytest.mark.parametrize(
    ("formula", "field", "position"),
    [
        ({"kind": "custom", "expression": "twos + !"}, "formula.expression", 7),
        ({"kind": "custom", "expression": "1 / 0"}, "formula.expression", None),
        ({"kind": "custom", "expression": ""}, "formula.expression", None),
        ({"kind": "custom"}, "formula", None),
        ({"kind": "elo"}, "formula.kind", None),
        ({"kind": "weighted_average", "weights": {"twos": 5}}, "formula.weights.twos", None),
        ({"kind": "ascendancy", "current_weight": 0.5}, "formula", None),
        ({}, "formula", None),
    ],
)
async def test_a_bad_formula_is_told_what_and_where(
    league: League, formula: Any, field: str, position: int | None
) -> None:
    ada = await league.person("Ada")
    await league.joins("Ada", admin=True)
    answer = await ada.ask("POST", f"/api/guilds/{GUILD}/rating/validate", {"formula": formula})
    assert answer.status_code == 200, answer.text
    verdict = answer.json()
    assert (verdict["ok"], verdict["trial"]) == (False, None)
    (problem,) = verdict["errors"]
    assert (problem["field"], problem["position"]) == (field, position)
    assert problem["message"]


async def test_a_preview_shows_the_guild_under_a_formula_beside_today(league: League) -> None:
    await league.joins("Ben", "Cleo", "Dan")
    await league.joins("Ada", admin=True)
    await league.follows("Ben", "otter")
    await league.follows("Cleo", "kettle", "second-kettle")
    await league.follows("Dan", "runner")
    await league.stands(
        ("otter", twos(1000, peak=1000)), ("kettle", twos(900, peak=1400)), ("second-kettle", twos(700)),
        ("runner", unplayed),
    )  # fmt: skip
    ada = await league.person("Ada")
    path = f"/api/guilds/{GUILD}/rating/preview"
    before = await scores(league)
    shown = (await ada.ask("POST", path, {"formula": {"kind": "custom", "expression": "twos"}})).json()
    rows = [
        (row["rank"], row["display_name"], row["score"], row["rank_today"], row["score_today"])
        for row in shown["items"]
    ]
    assert rows[:2] == [(1, "Ben", 1000, 2, 1000), (2, "Cleo", 900, 1, 1275)]
    assert await scores(league) == before
    limited = (await ada.ask("POST", path, {"formula": {"kind": "custom", "expression": "twos"}, "limit": 1})).json()
    assert (len(limited["items"]), limited["total"]) == (1, shown["total"])
    assert (await ada.ask("POST", path, {"formula": {"kind": "elo"}})).status_code == 422


async def test_formulas_are_tried_by_who_runs_the_guild(league: League) -> None:
    ben, stranger = await league.person("Ben"), await league.people.register("stranger")
    await league.joins("Ben")
    for what in ("validate", "preview"):
        body = {"formula": {"kind": "peak_mmr"}}
        path = f"/api/guilds/{GUILD}/rating/{what}"
        assert (await ben.ask("POST", path, body)).status_code == 403
        assert (await stranger.ask("POST", path, body)).status_code == 404


# ---- history ----


async def test_a_history_keeps_ends_and_extremes(league: League) -> None:
    await league.follows("Ada", "comet")
    ratings = [1000, 1010, 990, 1300, 1005, 1001, 700, 1002, 1003, 1004]
    for hour, rating in enumerate(ratings):
        await league.stands(("comet", twos(rating)), later=hour)
    path = f"/internal/trackers/{league.trackers['comet']}/history"

    async def series(**query: Any) -> Any:
        answer = await league.api.http.get(path, params={"playlist": 11, **query})
        assert answer.status_code == 200, answer.text
        (found,) = answer.json()["items"]
        return found

    whole = await series()
    assert [point["rating"] for point in whole["points"]] == ratings
    assert (whole["seen"], whole["name"]) == (10, "Ranked Doubles 2v2")
    assert {"at", "season", "tier", "division"} <= whole["points"][0].keys()
    short = await series(points=5)
    assert short["points"][0]["rating"] == 1000
    assert short["points"][-1]["rating"] == 1004
    assert {1300, 700} <= {p["rating"] for p in short["points"]}
    assert len((await series(points=2))["points"]) == 2
    late = await series(since="2026-03-01T19:00:00Z", until="2026-03-01T21:00:00Z")
    assert [p["rating"] for p in late["points"]] == [1002, 1003]
    everything = (await league.api.http.get(path)).json()["items"]
    assert [row["playlist"] for row in everything][:2] == ["0", "10"]
    assert (await league.api.http.get(path, params={"season": "12"})).json() == {"items": []}
    for bad in ({"points": 1}, {"points": 1001}, {"playlist": "x"}):
        assert (await league.api.http.get(path, params=bad)).status_code == 422


async def test_of_seasons_seen_at_one_moment_the_newest_is_the_rating_of_then(league: League) -> None:
    await league.follows("Ada", "comet")

    def with_last_season(body: Body) -> None:
        duplicates = standing_of(body, TWOS)
        body["segments"].append({**duplicates, "attributes": {"playlistId": TWOS, "season": 33}})

    await league.stands(("comet", with_last_season))
    path = f"/internal/trackers/{league.trackers['comet']}/history?playlist=11"
    assert [p["season"] for p in (await league.api.http.get(path)).json()["items"][0]["points"]] == ["34"]
    of_it = (await league.api.http.get(f"{path}&season=33")).json()["items"][0]["points"]
    assert [p["season"] for p in of_it] == ["33"]


async def test_a_history_is_for_who_may_see_the_tracker(league: League) -> None:
    await league.follows("Ada", "comet")
    ada, stranger = await league.person("Ada"), await league.people.register("stranger")
    path = f"/api/trackers/{league.trackers['comet']}/history"
    assert (await ada.ask("GET", path)).status_code == 200
    assert (await stranger.ask("GET", path)).status_code == 403
    assert (await ada.ask("GET", f"/api/trackers/{UUID(int=7)}/history")).status_code == 404
