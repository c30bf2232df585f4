"""What is recorded of looks: changes, never ranks alone; falls are flagged, and settled by the next look."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from tests.integration.trackers.hiscores.stage import LEVEL_98, LEVEL_99, Stage, gain_of

from shared.scraping.target import Status


async def test_ranks_alone_are_no_change(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    before = await stage.get("/lynx titan/stats")
    for _ in range(3):
        assert not (await stage.look("lynx titan")).changed
    player = await stage.get("/lynx titan")
    assert (player["fetches"], player["records"]) == (4, 1)
    after = await stage.get("/lynx titan/stats")
    assert after["stats"]["overall_rank"] != before["stats"]["overall_rank"]  # they drift, and are shown as they are
    assert after["seen_at"] > before["seen_at"]


async def test_what_changed_is_recorded_and_nothing_else(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.play("Lynx Titan", xp={"Slayer": 40}, scores={"Vorkath": 2})
    assert (await stage.look("lynx titan")).changed
    recorded = await stage.rows(
        """
        SELECT m.slug FROM hiscore_records r, unnest(r.metrics) AS u (id) JOIN hiscore_metrics m ON m.id = u.id
        WHERE r.kind = 0 ORDER BY m.slug
        """
    )
    assert [row["slug"] for row in recorded] == ["overall", "slayer", "vorkath"]


async def test_every_fiftieth_record_holds_everything(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    for _ in range(51):
        stage.site.play("Lynx Titan", xp={"Slayer": 1_000})
        await stage.look("lynx titan", later=timedelta(minutes=20))
    assert await stage.kinds() == [1, *[0] * 49, 1, 0]
    history = await stage.get("/lynx titan/history", period="all")
    assert gain_of(history, "slayer")["gained"] == 51_000
    half_way = await stage.get("/lynx titan/history", end=_ago(stage, minutes=20 * 25 + 10), period="all")
    assert gain_of(half_way, "slayer")["gained"] == 26_000 - 1_000
    timeline = await stage.get("/lynx titan/history/skills/slayer")
    values = [point["value"] for point in timeline["points"]]
    assert [later - earlier for earlier, later in pairwise(values)] == [1_000] * 51


async def test_a_new_boss_makes_no_gain_of_its_whole_count(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.add_activity("Brand-new Beast", before="Vorkath")
    stage.site.set_values("Lynx Titan", scores={"Brand-new Beast": 12})
    await stage.look("lynx titan")
    gained = gain_of(await stage.get("/lynx titan/history"), "brand_new_beast")
    assert (gained["kind"], gained["start"], gained["end"], gained["gained"]) == ("boss", None, 12, None)
    assert gain_of(await stage.get("/lynx titan/history"), "vorkath")["gained"] == 0  # though everything has moved down
    stage.site.play("Lynx Titan", scores={"Brand-new Beast": 3})
    await stage.look("lynx titan")
    later = await stage.get("/lynx titan/history", period="5h")
    assert gain_of(later, "brand_new_beast")["gained"] == 3
    assert "brand_new_beast" in [one["slug"] for one in (await stage.get("/metrics"))["items"]]


async def test_unknown_is_null_and_zero_is_zero(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Sailing": -1, "Mining": 0}, scores={"Zulrah": 0, "Vorkath": -1})
    await stage.add("Lynx Titan")
    stats = (await stage.get("/lynx titan/stats"))["stats"]
    skills = {skill["skill"]: skill for skill in stats["skills"]}
    bosses = {boss["metric"]: boss["score"] for boss in stats["bosses"]}
    assert skills["sailing"] == {
        "skill": "sailing", "name": "Sailing", "rank": None, "level": None, "virtual_level": None, "xp": None
    }  # fmt: skip
    assert (skills["mining"]["level"], skills["mining"]["xp"]) == (1, 0)
    assert (bosses["zulrah"], bosses["vorkath"]) == (0, None)
    assert stats["combat_is_lower_bound"] is False


async def test_who_is_in_no_rank_has_true_values_all_the_same(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Attack": 5_000}, ranked=False)
    await stage.add("Lynx Titan")
    attack = (await stage.get("/lynx titan/stats"))["stats"]["skills"][0]
    assert (attack["rank"], attack["xp"]) == (None, 5_000)


async def test_a_fall_that_is_gone_at_the_next_look_leaves_gains_alone(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": 900_000})
    await stage.add("Lynx Titan")
    stage.site.set_values("Lynx Titan", xp={"Slayer": 300_000})
    await stage.look("lynx titan")
    assert (await stage.get("/lynx titan"))["flagged"] is True
    stage.site.set_values("Lynx Titan", xp={"Slayer": 910_000})
    await stage.look("lynx titan")
    assert await stage.kinds() == [1, 2, 0]
    assert (await stage.get("/lynx titan"))["flagged"] is False
    assert gain_of(await stage.get("/lynx titan/history"), "slayer")["gained"] == 10_000
    slayer = await stage.get("/lynx titan/history/skills/slayer")
    assert [point["value"] for point in slayer["points"]] == [900_000, 910_000]
    best = await stage.get("/lynx titan/records")
    assert {one["gained"] for one in best["items"] if one["metric"] == "slayer"} == {10_000}


async def test_a_fall_that_stays_begins_anew(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": 900_000})
    await stage.add("Lynx Titan")
    stage.site.set_values("Lynx Titan", xp={"Slayer": 300_000})
    await stage.look("lynx titan")
    await stage.look("lynx titan")
    assert await stage.kinds() == [1, 2, 1]
    stage.site.play("Lynx Titan", xp={"Slayer": 7_000})
    await stage.look("lynx titan")
    history = await stage.get("/lynx titan/history")
    assert history["compared"]["start_is"] == "reset"
    assert gain_of(history, "slayer")["gained"] == 7_000
    told = await stage.rows("SELECT event FROM outbox_events WHERE event LIKE 'player.d%'")
    assert [row["event"] for row in told] == ["player.decreased"]


async def test_ratings_fall_and_are_no_fault(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", scores={"LMS - Rank": 700})
    await stage.add("Lynx Titan")
    stage.site.set_values("Lynx Titan", scores={"LMS - Rank": 640})
    await stage.look("lynx titan")
    assert (await stage.get("/lynx titan"))["flagged"] is False
    assert gain_of(await stage.get("/lynx titan/history"), "lms_rank")["gained"] == -60


async def test_a_glitch_that_is_seen_twice_within_minutes_is_no_gain(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": 900_000})
    await stage.add("Lynx Titan")
    for xp in (300_000, 300_000, 900_000):
        stage.site.set_values("Lynx Titan", xp={"Slayer": xp})
        await stage.look("lynx titan", later=timedelta(minutes=2))
    assert await stage.kinds() == [1, 2]
    assert (await stage.get("/lynx titan"))["flagged"] is False
    assert (await stage.get("/leaderboard", metric="slayer"))["items"] == []


async def test_in_a_table_of_the_same_world_the_history_goes_on_and_in_another_it_does_not(stage: Stage) -> None:
    seen = stage.site.add_player("Lynx Titan", xp={"Slayer": 900_000})
    xp = {**seen["xp"], "Slayer": 900_500}
    stage.site.add_player("Lynx Titan", mode="ironman", xp=xp, scores=seen["scores"])
    await stage.add("Lynx Titan")
    assert (await stage.ask("PATCH", "/lynx titan", {"mode": "ironman"})).json()["mode"] == "ironman"
    await stage.look("lynx titan")
    assert gain_of(await stage.get("/lynx titan/history"), "slayer")["gained"] == 500
    refused = await stage.ask("PATCH", "/lynx titan", {"mode": "seasonal"})
    assert (refused.status_code, refused.json()["code"]) == (409, "another_world")


async def test_what_was_reached_by_somebody_else_under_the_name_does_not_count(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": LEVEL_98, "Attack": 50_000})
    await stage.add("Lynx Titan")
    stage.site.play("Lynx Titan", xp={"Slayer": LEVEL_99})
    await stage.look("lynx titan")
    stage.site.set_values("Lynx Titan", xp={"Slayer": 20_000})
    await stage.look("lynx titan")
    await stage.look("lynx titan")
    assert "99 Slayer" not in [one["what"] for one in (await stage.get("/lynx titan/achievements"))["items"]]
    assert (await stage.get("/lynx titan/records"))["items"] == []
    assert (await stage.get("/leaderboard", metric="slayer"))["items"] == []
    stage.site.set_values("Lynx Titan", xp={"Slayer": LEVEL_99})
    await stage.look("lynx titan")
    found = {one["what"]: one for one in (await stage.get("/lynx titan/achievements"))["items"]}
    assert found["99 Slayer"]["after"] is not None


async def test_what_was_gained_while_nobody_looked_is_no_gain_of_a_day(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": 1_000})
    await stage.add("Lynx Titan")
    stage.site.play("Lynx Titan", xp={"Slayer": 7_000_000})
    await stage.look("lynx titan", later=timedelta(days=20))
    bests = (await stage.get("/lynx titan/records"))["items"]
    assert {one["period"] for one in bests if one["metric"] == "slayer"} == {"month", "year"}
    assert gain_of(await stage.get("/lynx titan/history", period="30d"), "slayer")["gained"] == 7_000_000


async def test_rates_are_of_the_span_and_not_of_the_time_since_somebody_played(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": 1_000})
    await stage.add("Lynx Titan")
    for _ in range(4):
        await stage.look("lynx titan", later=timedelta(days=5))
    idle = await stage.get("/lynx titan/history", period="2d")
    assert idle["days"] == pytest.approx(2, abs=0.01)
    assert (gain_of(idle, "slayer")["gained"], gain_of(idle, "slayer")["per_day"]) == (0, 0)
    stage.site.play("Lynx Titan", xp={"Slayer": 9_000})
    await stage.look("lynx titan", later=timedelta(hours=1))
    played = await stage.get("/lynx titan/history", period="3d")
    assert gain_of(played, "slayer")["per_day"] == pytest.approx(3_000, rel=0.01)


async def test_a_table_that_is_shorter_than_before_is_not_believed(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.remove_activity("Barrows Chests")
    task = await stage.look("lynx titan")
    assert (task.status, task.reason) == (Status.FAILED, "page_changed")
    assert "list 15 activities; before, they listed 16" in (task.error or "")
    assert await stage.kinds() == [1]


async def test_an_admin_has_a_shorter_table_taken_as_it_is(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.remove_activity("Barrows Chests")
    async with stage.api.container.database().unit_of_work():
        await stage.api.container.users.accounts().make_admin(stage.person.id)
    stage.api.container.users.person_authenticator().forget(user_id=stage.person.id)
    answer = await stage.person.ask("POST", "/api/admin/players/tables/regular/accept")
    assert answer.status_code == 204, answer.text
    assert (await stage.look("lynx titan")).status is Status.COMPLETED


async def test_json_of_another_form_is_read_as_csv(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": 900_000})
    await stage.add("Lynx Titan")
    stage.site.configure(json=False)
    stage.site.play("Lynx Titan", xp={"Slayer": 100})
    assert (await stage.look("lynx titan")).changed
    assert [entry.path[-4:] for entry in stage.site.requests("/m=")] == ["json", "json", "e.ws"]
    assert gain_of(await stage.get("/lynx titan/history"), "slayer")["gained"] == 100
    stage.site.configure(csv=False)
    task = await stage.look("lynx titan")
    assert (task.status, task.reason) == (Status.FAILED, "page_changed")


async def test_csv_whose_lines_are_not_known_is_not_guessed_at(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.configure(json=False)
    stage.site.add_activity("Brand-new Beast", before="Vorkath")
    task = await stage.look("lynx titan")
    assert (task.status, task.reason) == (Status.FAILED, "page_changed")
    assert "cannot be matched to names" in (task.error or "")


async def test_one_404_about_a_known_player_proves_nothing(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.fault("/m=*", "missing", count=3)
    for told in (0, 0, 1):
        task = await stage.look("lynx titan")
        assert (task.status, task.reason) == (Status.FAILED, "not_found")
        assert len(await stage.rows("SELECT 1 FROM outbox_events WHERE event = 'player.missing'")) == told
    player = await stage.get("/lynx titan")
    assert (player["active"], player["reason"]) == (True, "not_found")
    assert (await stage.look("lynx titan")).status is Status.COMPLETED


async def test_failures_of_the_site_are_no_404s(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.fault("/m=*", "status", status=500, count=2)
    for _ in range(2):
        await stage.look("lynx titan", later=timedelta(days=1))
    stage.site.fault("/m=*", "missing", count=1)
    assert (await stage.look("lynx titan", later=timedelta(days=1))).reason == "not_found"
    assert await stage.rows("SELECT 1 FROM outbox_events WHERE event = 'player.missing'") == []


async def test_a_table_without_csv_says_nothing_of_the_player(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.configure(json=False)
    stage.site.fault("*index_lite.ws*", "missing")
    assert (await stage.look("lynx titan")).reason == "page_changed"


async def test_achievements_lie_between_two_looks(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": LEVEL_98, "Attack": LEVEL_99}, scores={"Vorkath": 0})
    await stage.add("Lynx Titan")
    first = await stage.get("/lynx titan")
    stage.site.play("Lynx Titan", xp={"Slayer": LEVEL_99 - LEVEL_98}, scores={"Vorkath": 55})
    await stage.look("lynx titan")
    second = await stage.get("/lynx titan")
    found = {one["what"]: one for one in (await stage.get("/lynx titan/achievements"))["items"]}
    assert found["99 Attack"]["after"] is None
    assert _at(found["99 Slayer"]["after"]) == _at((await stage.rows("SELECT min(at) FROM hiscore_records"))[0]["min"])
    assert found["99 Slayer"]["before"] > found["99 Slayer"]["after"]
    assert {"first Vorkath", "50 Vorkath"} <= set(found)
    assert second["last_changed_at"] > first["last_changed_at"]
    (event,) = await stage.rows("SELECT payload FROM outbox_events WHERE event = 'player.progressed'")
    told = event["payload"]
    assert [(level["skill"], level["before"], level["now"]) for level in told["levels"]] == [("slayer", 98, 99)]
    assert told["achievements"] == ["99 Slayer", "first Vorkath", "50 Vorkath"]
    assert told["xp_gained"] == LEVEL_99 - LEVEL_98


@pytest.mark.parametrize("xp", [200_000_001, -2])
async def test_impossible_values_are_a_changed_page(stage: Stage, xp: int) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": xp})
    answer = await stage.ask("POST", "", {"username": "Lynx Titan"})
    assert answer.status_code == 503, answer.text
    assert "Slayer" in answer.json()["detail"]


def _ago(stage: Stage, *, minutes: int) -> str:
    return (stage.clock.now() - timedelta(minutes=minutes)).isoformat()


def _at(moment: str | datetime) -> datetime:
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment
