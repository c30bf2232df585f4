"""Manual snapshots: they are their person's, change nothing for others, and count where a guild says so."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.conftest import Bench
from tests.integration.people import People, Person
from tests.integration.trackers.games.league import GUILD, LINK, OTHER_GUILD, TWOS, League, discord, twos

from trackers.games.catalogue import earliest_start, newest_possible

NOTE, EVIDENCE = "read off the screen", "https://example.org/shot.png"


def entry(rating: int = 4900, **change: Any) -> dict[str, Any]:
    return {
        "playlists": [{"playlist": "11", "rating": rating, "matches_played": 40, "win_streak": -2, "tier": 13}],
        "note": NOTE,
        "evidence_url": EVIDENCE,
        "season": "34",
    } | change


async def enter(person: Person, tracker: str, rating: int = 4900, **change: Any) -> Any:
    answer = await person.ask("POST", f"/api/trackers/{tracker}/snapshots", entry(rating, **change))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def tracker_of(person: Person, account: str) -> str:
    answer = await person.ask("POST", "/api/trackers/add", {"url": LINK.format(account)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["trackers"][0]["id"])


async def review(league: League, snapshot: Any, verb: str = "confirm", *, guild_id: str = GUILD) -> Any:
    body = {"entered_at": snapshot["entered_at"]} if verb == "confirm" else None
    answer = await league.bot("POST", f"/internal/guilds/{guild_id}/manual-snapshots/{snapshot['id']}/{verb}", body)
    return answer.json()


async def counts(league: League, setting: str | None, guild_id: str = GUILD) -> None:
    settings = {"manual_snapshots": setting}
    await league.bot("PUT", f"/internal/guilds/{guild_id}", {"name": "Comets", "settings": settings})
    await league.boards_are_looked_at()


async def everything_seen(person: Person, tracker: str) -> list[Any]:
    """All that a tracker's owner reads of it."""
    paths = ("", "/detail", "/seasons", "/snapshots", "/history")
    answers = [await person.ask("GET", f"/api/trackers/{tracker}{path}") for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


@pytest.mark.parametrize("source", ["on", "off"])
@pytest.mark.parametrize("setting", ["none", "confirmed", "all"])
async def test_a_stranger_changes_nothing_by_manual_snapshots_of_the_same_account(
    league: League, source: str, setting: str
) -> None:
    victim, stranger = await league.person("Ada"), await league.people.register("stranger")
    await league.joins("Ada")
    await counts(league, setting)
    await league.follows("Ada", "comet")
    await league.stands(("comet", twos(1210)))
    mine, theirs = league.trackers["comet"], await tracker_of(stranger, "comet")
    boards = [await league.board(), await league.board(TWOS)]
    assert [board["items"][0][what] for board, what in zip(boards, ("score", "rating"), strict=True)] == [1210, 1210]
    seen = await everything_seen(victim, mine)
    events = await league.people.rows("SELECT id FROM outbox_events")
    await enter(stranger, theirs)
    await enter(stranger, theirs, season="35")
    if source == "on":
        await league.stands(("comet", twos(1210)), later=1)
    await league.boards_are_looked_at()
    assert [await league.board(), await league.board(TWOS)] == boards
    assert await everything_seen(victim, mine) == seen
    assert await league.people.rows("SELECT id FROM outbox_events") == events


async def test_what_a_person_enters_shows_on_their_own_tracker_alone(league: League) -> None:
    ada, ben = await league.people.register("ada"), await league.people.register("ben")
    hers, his = await tracker_of(ada, "comet"), await tracker_of(ben, "comet")
    made = await enter(ada, hers, 912)
    (snapshot,) = (await ada.ask("GET", f"/api/trackers/{hers}/snapshots")).json()["items"]
    assert (snapshot["id"], snapshot["manual"], snapshot["note"]) == (made["id"], True, NOTE)
    assert snapshot["evidence_url"] == EVIDENCE
    (rating,) = snapshot["playlists"]
    assert (rating["rating"], rating["win_streak"], rating["name"]) == (912, -2, "Ranked Doubles 2v2")
    (season,) = (await ada.ask("GET", f"/api/trackers/{hers}/seasons")).json()["items"]
    (state,) = season["playlists"]
    assert (season["name"], state["rating"], state["tier_name"]) == ("Season 20 (34)", 912, "Diamond I")
    assert state["manual"]
    (series,) = (await ada.ask("GET", f"/api/trackers/{hers}/history")).json()["items"]
    assert [(point["rating"], point["manual"]) for point in series["points"]] == [(912, True)]
    for path in ("seasons", "snapshots", "history"):
        assert (await ben.ask("GET", f"/api/trackers/{his}/{path}")).json()["items"] == []
    before = f"/api/trackers/{his}/snapshots?before={made['id']}"
    assert (await ben.ask("GET", before)).json()["code"] == "snapshot_not_found"


async def test_a_manual_snapshot_holds_until_the_account_is_fetched_again(api: Bench, people: People) -> None:
    ada = await people.register()
    tracker = await tracker_of(ada, "Lintwurm")
    await api.work()
    path = f"/api/trackers/{tracker}/seasons"
    before = (await ada.ask("GET", path)).json()["items"]
    current = next(season for season in before if season["current"])

    async def duplicates() -> tuple[int, bool]:
        seasons = (await ada.ask("GET", path)).json()["items"]
        (found,) = [p for s in seasons if s["current"] for p in s["playlists"] if p["playlist"] == "11"]
        return found["rating"], found["manual"]

    known = await duplicates()
    month_ago = (api.container.clock().now() - timedelta(days=30)).isoformat()
    await enter(ada, tracker, 900, season=current["key"], captured_at=month_ago)
    assert await duplicates() == known
    await enter(ada, tracker, 2000, season=None)
    assert await duplicates() == (2000, True)
    await people.rows("UPDATE scrape_targets SET last_success_at = last_success_at + interval '1 hour'")
    assert await duplicates() == known  # fetched since, though nothing moved


async def test_notes_and_evidence_are_for_their_person_admins_and_reviewing_staff(league: League) -> None:
    ada, staff = await league.person("Ada"), await league.person("Cleo")
    stranger, admin = await league.people.register("stranger"), await league.people.admin()
    await league.joins("Ada")
    await league.joins("Cleo", admin=True)
    await league.follows("Ada", "comet")
    tracker = league.trackers["comet"]
    made = await enter(ada, tracker)
    path = f"/api/trackers/{tracker}/snapshots"
    guild_key = await league.people.bot("trackers", guild_ids=[GUILD])

    async def notes(person: Person) -> set[Any]:
        items = (await person.ask("GET", path)).json()["items"]
        return {value for item in items for value in (item["note"], item["evidence_url"])}

    async def notes_of_bot() -> set[Any]:
        headers = {"Authorization": f"Bearer {guild_key}"}
        answer = await league.api.http.get(path.replace("/api/", "/internal/"), headers=headers)
        return {value for item in answer.json()["items"] for value in (item["note"], item["evidence_url"])}

    for person in (ada, admin, staff):
        assert await notes(person) == {NOTE, EVIDENCE}
    assert await notes_of_bot() == {NOTE, EVIDENCE}
    assert (await stranger.ask("GET", path)).status_code == 403
    await counts(league, "none")
    assert await notes(staff) == {None}  # nothing to review there
    assert await notes_of_bot() == {None}
    listed = (await staff.ask("GET", f"/api/guilds/{GUILD}/manual-snapshots")).json()
    assert listed == {"items": [], "next_before": None}
    for method, body in (("PATCH", {"note": "not mine"}), ("DELETE", None)):
        one = f"/api/trackers/manual-snapshots/{made['id']}"
        assert (await stranger.ask(method, one, body)).json()["code"] == "manual_snapshot_not_found"
        assert (await staff.ask(method, one, body)).json()["code"] == "forbidden"
    noted = await league.people.rows("SELECT CAST(details AS text) AS details FROM activity_log")
    assert not [row for row in noted if NOTE in (row["details"] or "")]


async def test_a_transfer_leaves_manual_snapshots_with_the_person_who_entered_them(league: League) -> None:
    ada, eve, admin = await league.person("Ada"), await league.person("Eve"), await league.people.admin()
    await league.joins("Ada", "Eve")
    await counts(league, "all")
    await league.follows("Ada", "comet")
    tracker = league.trackers["comet"]
    made = await enter(ada, tracker)
    assert await league.listed(TWOS) == [(1, "Ada", 4900)]
    answer = await admin.ask("POST", f"/api/admin/trackers/{tracker}/transfer", {"user_id": str(eve.id)})
    assert answer.status_code == 200, answer.text
    assert await league.listed(TWOS) == []
    assert (await eve.ask("GET", f"/api/trackers/{tracker}/snapshots")).json()["items"] == []
    assert (await eve.ask("GET", "/api/trackers/me/manual-snapshots")).json()["items"] == []
    (mine,) = (await ada.ask("GET", "/api/trackers/me/manual-snapshots")).json()["items"]
    assert (mine["id"], mine["tracker_id"], mine["note"]) == (made["id"], None, NOTE)
    assert (await ada.ask("GET", f"/api/trackers/{tracker}/snapshots")).status_code == 403
    assert (await league.bot("GET", f"/internal/guilds/{GUILD}/manual-snapshots")).json()["items"] == []


async def test_a_merger_keeps_manual_snapshots_with_their_people(league: League) -> None:
    ada, ben, admin = await league.person("Ada"), await league.person("Ben"), await league.people.admin()
    await league.joins("Ada", "Ben")
    await counts(league, "all")
    await league.follows("Ada", "old", "new")
    await league.follows("Ben", "new")
    await enter(ada, league.trackers["old"], 1500)
    theirs = await enter(ben, (await ben.ask("GET", "/api/trackers/me")).json()["items"][0]["id"], 1400)
    accounts = await league.people.rows("SELECT id, identifier FROM game_accounts")
    ids = {row["identifier"]: str(row["id"]) for row in accounts}
    answer = await admin.ask("POST", f"/api/admin/trackers/accounts/{ids['old']}/merge", {"into": ids["new"]})
    assert answer.status_code == 200, answer.text
    assert await league.listed(TWOS) == [(1, "Ada", 1500), (2, "Ben", 1400)]
    (kept,) = [t["id"] for t in (await ada.ask("GET", "/api/trackers/me")).json()["items"]]
    (hers,) = (await ada.ask("GET", f"/api/trackers/{kept}/snapshots")).json()["items"]
    assert hers["playlists"][0]["rating"] == 1500
    (his,) = (await ben.ask("GET", "/api/trackers/me/manual-snapshots")).json()["items"]
    assert his["id"] == theirs["id"]


async def test_by_default_a_leaderboard_counts_what_its_own_staff_confirmed(league: League) -> None:
    ada = await league.person("Ada")
    for guild_id in (GUILD, OTHER_GUILD):
        await league.joins("Ada", guild_id=guild_id)
    await league.follows("Ada", "comet")
    made = await enter(ada, league.trackers["comet"], 1000)
    (waiting,) = (await league.bot("GET", f"/internal/guilds/{GUILD}/manual-snapshots?status=waiting")).json()["items"]
    assert (waiting["id"], waiting["note"], waiting["display_name"]) == (made["id"], NOTE, "Ada")
    assert await league.listed(TWOS) == []
    assert (await review(league, made))["status"] == "confirmed"
    for board in (await league.board(TWOS), await league.board()):
        assert [row["manual"] for row in board["items"]] == [True]
    assert await league.listed(TWOS) == [(1, "Ada", 1000)]
    assert await league.listed() == [(1, "Ada", 1000)]
    row = (await league.board(TWOS))["items"][0]
    assert (row["tier"], row["matches_played"], row["peak_rating"]) == (13, 40, 1000)
    assert await league.listed(TWOS, guild_id=OTHER_GUILD) == []
    assert await league.listed(guild_id=OTHER_GUILD) == []
    (mine,) = (await ada.ask("GET", "/api/trackers/me/manual-snapshots")).json()["items"]
    assert [(one["guild_id"], one["status"]) for one in mine["reviews"]] == [(GUILD, "confirmed")]
    assert await league.boards_are_looked_at() == 0
    await review(league, made, "reject")
    assert await league.listed(TWOS) == []
    assert await league.listed() == []


async def test_each_guild_decides_which_manual_snapshots_count(league: League) -> None:
    ada = await league.person("Ada")
    await league.joins("Ada")
    await league.follows("Ada", "comet")
    made = await enter(ada, league.trackers["comet"], 1000)
    counted, nobody = [(1, "Ada", 1000)], list[Any]()
    await counts(league, "all")
    assert await league.listed(TWOS) == counted
    await counts(league, "confirmed")
    assert await league.listed(TWOS) == nobody
    await review(league, made)
    assert await league.listed(TWOS) == counted
    await counts(league, "none")
    assert await league.listed(TWOS) == nobody
    answer = await league.api.http.post(f"/internal/guilds/{GUILD}/manual-snapshots/{made['id']}/reject")
    assert (answer.status_code, answer.json()["code"]) == (409, "manual_snapshots_not_counted")
    await counts(league, "all")
    assert await league.listed(TWOS) == counted
    await review(league, made, "reject")
    assert await league.listed(TWOS) == nobody


async def test_a_member_of_a_trusting_guild_hides_nobody_by_a_season_to_come(league: League) -> None:
    ada = await league.person("Ada")
    await league.joins("Ada", "Ben")
    await counts(league, "all")
    await league.follows("Ada", "otter")
    await league.follows("Ben", "comet")
    await league.stands(("comet", twos(1210)))
    made = await enter(ada, league.trackers["otter"], 1500, season="35")
    assert await league.listed(TWOS) == [(1, "Ben", 1210)]
    await review(league, made)  # the staff say that the season has begun
    assert await league.listed(TWOS) == [(1, "Ada", 1500)]


async def test_the_next_fetch_goes_before_a_manual_snapshot_that_counted(league: League) -> None:
    ada = await league.person("Ada")
    await league.joins("Ada")
    await counts(league, "all")
    await league.follows("Ada", "comet")
    await league.stands(("comet", twos(1210)))
    await enter(ada, league.trackers["comet"], 1300)
    assert await league.listed(TWOS) == [(1, "Ada", 1300)]
    await league.people.rows("UPDATE scrape_targets SET last_success_at = :at", at=league.api.container.clock().now())
    assert await league.boards_are_looked_at() == 1
    assert await league.listed(TWOS) == [(1, "Ada", 1210)]
    assert await league.boards_are_looked_at() == 0


async def test_a_person_corrects_and_removes_their_manual_snapshots(league: League) -> None:
    ada, admin = await league.person("Ada"), await league.people.admin()
    await league.joins("Ada")
    await league.follows("Ada", "comet")
    made = await enter(ada, league.trackers["comet"], 1000)
    path = f"/api/trackers/manual-snapshots/{made['id']}"
    await review(league, made)
    playlists = [{"playlist": "13", "rating": 1200, "matches_played": 10}]
    corrected = await ada.ask("PATCH", path, {"playlists": playlists, "evidence_url": None})
    assert corrected.status_code == 200, corrected.text
    body = corrected.json()
    assert (body["evidence_url"], body["note"], body["reviews"]) == (None, NOTE, [])
    assert [(p["playlist"], p["rating"]) for p in body["playlists"]] == [("13", 1200)]
    assert await league.listed(TWOS) == []  # what was confirmed is no more
    again = f"/internal/guilds/{GUILD}/manual-snapshots/{made['id']}/confirm"
    answer = await league.api.http.post(again, json={"entered_at": made["entered_at"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "snapshot_corrected")
    await review(league, body)
    assert await league.listed(13) == [(1, "Ada", 1200)]
    assert (await ada.ask("PATCH", path, {"season": "900"})).json()["code"] == "impossible_snapshot"
    listed = (await admin.ask("GET", f"/api/admin/trackers/manual-snapshots?user_id={ada.id}")).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert (await admin.ask("DELETE", path)).status_code == 204
    assert await league.listed(13) == []
    assert (await ada.ask("DELETE", path)).json()["code"] == "manual_snapshot_not_found"


async def test_only_staff_review_and_only_what_members_entered(league: League) -> None:
    ada, cleo, stranger = await league.person("Ada"), await league.person("Cleo"), await league.people.register("eve")
    await league.joins("Ada")
    await league.joins("Cleo", admin=True)
    await league.follows("Ada", "comet")
    made = await enter(ada, league.trackers["comet"])
    theirs = await enter(stranger, await tracker_of(stranger, "comet"))
    path = f"/api/guilds/{GUILD}/manual-snapshots"

    async def confirm(person: Person, snapshot: Any) -> tuple[int, str]:
        body = {"entered_at": snapshot["entered_at"]}
        answer = await person.ask("POST", f"{path}/{snapshot['id']}/confirm", body)
        return answer.status_code, answer.json().get("code", "")

    assert await confirm(ada, made) == (403, "forbidden")
    assert await confirm(stranger, theirs) == (404, "guild_not_found")
    assert await confirm(cleo, theirs) == (404, "manual_snapshot_not_found")
    assert await confirm(cleo, made | {"id": str(uuid4())}) == (404, "manual_snapshot_not_found")
    assert await confirm(cleo, made) == (200, "")
    assert (await ada.ask("GET", path)).status_code == 403
    assert (await stranger.ask("GET", path)).status_code == 404
    other = await league.people.bot("trackers", guild_ids=[OTHER_GUILD])
    headers = {"Authorization": f"Bearer {other}"}
    answer = await league.api.http.get(path.replace("/api/", "/internal/"), headers=headers)
    assert answer.status_code == 404
    listed = (await cleo.ask("GET", f"{path}?status=confirmed")).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    await league.bot("POST", f"/internal/guilds/{GUILD}/members/remove", {"user_ids": [discord("Ada")]})
    assert (await cleo.ask("GET", path)).json()["items"] == []
    assert await confirm(cleo, made) == (404, "manual_snapshot_not_found")


async def test_a_tracker_takes_so_many_manual_snapshots_a_day(league: League) -> None:
    ada = await league.people.register("ada")
    one, other = await tracker_of(ada, "comet"), await tracker_of(ada, "otter")
    for _ in range(20):
        await enter(ada, one)
    answer = await ada.ask("POST", f"/api/trackers/{one}/snapshots", entry())
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_snapshots")
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_400
    await enter(ada, other)
    listed = (await ada.ask("GET", "/api/trackers/me/manual-snapshots?limit=15")).json()
    assert len(listed["items"]) == 15
    rest = (await ada.ask("GET", f"/api/trackers/me/manual-snapshots?before={listed['next_before']}")).json()
    assert (len(rest["items"]), rest["next_before"]) == (6, None)


TWICE = [{"playlist": "11", "rating": 1, "matches_played": 1}] * 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"season": None}, "impossible_snapshot"),
        ({"season": "summer"}, "invalid"),
        ({"season": "0"}, "invalid"),
        ({"season": "00034"}, "invalid"),
        ({"season": "34\n"}, "invalid"),
        ({"season": "\u0663\u0664"}, "invalid"),
        ({"season": "2147483648"}, "invalid"),
        ({"season": "999"}, "impossible_snapshot"),
        ({"captured_at": "2100-01-01T00:00:00Z"}, "impossible_snapshot"),
        ({"captured_at": "1999-01-01T00:00:00Z"}, "impossible_snapshot"),
        ({"captured_at": "2020-01-01T00:00:00Z"}, "impossible_snapshot"),  # before its season
        ({"captured_at": "0001-01-01T00:00:00+14:00"}, "impossible_snapshot"),
        ({"captured_at": "9999-12-31T23:59:59-12:00"}, "impossible_snapshot"),
        ({"captured_at": "2026-01-01T00:00:00"}, "invalid"),
        ({"playlists": []}, "invalid"),
        ({"playlists": [{"playlist": "11", "rating": -1, "matches_played": 1}]}, "invalid"),
        ({"playlists": [{"playlist": "11", "rating": 5001, "matches_played": 1}]}, "invalid"),
        ({"playlists": [{"playlist": "0011", "rating": 1, "matches_played": 1}]}, "invalid"),
        ({"playlists": [{"playlist": "99", "rating": 1, "matches_played": 1}]}, "impossible_snapshot"),
        ({"playlists": [{"playlist": "11", "rating": 1, "matches_played": 1, "win_streak": 2}]}, "impossible_snapshot"),
        ({"playlists": TWICE}, "impossible_snapshot"),
        ({"note": "   "}, "invalid"),
        ({"note": "x" * 1001}, "invalid"),
        ({"evidence_url": "javascript:alert(1)"}, "invalid"),
        ({"evidence_url": "https://example.org/" + "x" * 1000}, "invalid"),
    ],
)
async def test_a_manual_snapshot_that_nobody_can_have_seen_is_refused(
    people: People, change: dict[str, Any], code: str
) -> None:
    ada = await people.register()
    tracker = await tracker_of(ada, "Lintwurm")
    answer = await ada.ask("POST", f"/api/trackers/{tracker}/snapshots", entry(**change))
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert (await ada.ask("GET", f"/api/trackers/{tracker}/snapshots")).json()["items"] == []


async def test_seasons_that_can_have_begun_are_counted_from_the_last_fetch(api: Bench, people: People) -> None:
    ada = await people.register()
    tracker = await tracker_of(ada, "Lintwurm")
    now = api.container.clock().now()
    assert earliest_start(newest_possible(now)) <= now < earliest_start(newest_possible(now) + 1)
    await api.work()
    (current,) = await people.rows("SELECT current_season FROM game_accounts")
    after = int(current["current_season"]) + 1
    await enter(ada, tracker, season=str(after))
    answer = await ada.ask("POST", f"/api/trackers/{tracker}/snapshots", entry(season=str(after + 1)))
    assert (answer.status_code, answer.json()["code"]) == (422, "impossible_snapshot")


async def test_manual_snapshots_are_exported_erased_and_handed_over(league: League) -> None:
    ada, ben = await league.people.register("ada"), await league.people.register("ben")
    hers, his = await tracker_of(ada, "comet"), await tracker_of(ben, "comet")
    made = await enter(ada, hers)
    await enter(ben, his, 900)
    exported = (await ada.ask("GET", "/api/users/me/export")).json()["data"]["manual_snapshots"]
    assert [(one["id"], one["note"], one["evidence_url"]) for one in exported] == [(made["id"], NOTE, EVIDENCE)]
    async with league.api.container.database().unit_of_work():
        await league.api.container.games.manual_personal_data().hand_over(ada.id, to=ben.id)
    assert len((await ben.ask("GET", "/api/trackers/me/manual-snapshots")).json()["items"]) == 2
    async with league.api.container.database().unit_of_work():
        await league.api.container.games.manual_personal_data().erase(ben.id)
    for table in ("game_manual_snapshots", "game_manual_ratings", "game_manual_reviews"):
        assert await league.api.container.reader().value(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608 -- names of our own
