"""Everybody's trackers in the hands of admins: what is listed and counted, put ahead, handed over and merged."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.conftest import Bench
from tests.integration.people import People, Person
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer

TRACKERS = "/api/admin/trackers"
LINK = "https://rocketleague.tracker.network/rocket-league/profile/{}/{}/overview"
GUILD, OTHER_GUILD = "81384788765712384", "613425648685547541"


@pytest.fixture
async def admin(people: People) -> Person:
    return await people.admin()


async def follows(person: Person, *names: str, platform: str = "epic") -> list[str]:
    """Tracker ids."""
    made = []
    for name in names:
        answer = await person.ask("POST", "/api/trackers/add", {"url": LINK.format(platform, name)})
        assert answer.status_code == 201, answer.text
        made.append(str(answer.json()["trackers"][0]["id"]))
    return made


async def listed(admin: Person, **wanted: Any) -> list[dict[str, Any]]:
    answer = await admin.http.get(TRACKERS, params=wanted, headers={"Authorization": f"Bearer {admin.token}"})
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["total"] >= len(page["items"])
    items: list[dict[str, Any]] = page["items"]
    return items


async def names(admin: Person, **wanted: Any) -> list[str]:
    return [tracker["display"] for tracker in await listed(admin, **wanted)]


async def account_of(admin: Person, tracker_id: str) -> str:
    return str(next(one["account_id"] for one in await listed(admin) if one["id"] == tracker_id))


async def got(admin: Person, path: str, **parameters: Any) -> Any:
    headers = {"Authorization": f"Bearer {admin.token}"}
    answer = await admin.http.get(f"{TRACKERS}/{path}", params=parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def merge(admin: Person, source: str, into: str) -> httpx.Response:
    return await admin.ask("POST", f"{TRACKERS}/accounts/{source}/merge", {"into": into})


async def guild(people: People, guild_id: str, *members: Person, processing: bool = True) -> None:
    await people.rows(
        "INSERT INTO guilds (id, name, settings, created_at, updated_at)"
        " VALUES (:id, :id, jsonb_build_object('tracker_processing', CAST(:on AS boolean)), now(), now())",
        id=guild_id,
        on=processing,
    )
    for member in members:
        await people.rows(
            "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
            " VALUES (:guild, :user, false, now(), 'operator')",
            guild=guild_id,
            user=member.id,
        )


async def told(people: People, table: str = "activity_log") -> Counter[tuple[str, UUID]]:
    """(event, whose thing) of what was told of trackers, but for their registration."""
    statement = f"SELECT event, user_id FROM {table} WHERE event LIKE 'tracker.%'"  # noqa: S608 -- ours
    rows = await people.rows(statement)
    return Counter((row["event"], row["user_id"]) for row in rows if row["event"] != "tracker.registered")


async def test_everybodys_trackers_by_every_filter(api: Bench, people: People, admin: Person) -> None:
    ada, eve = await people.register(), await people.register("eve")
    await follows(ada, "Lintwurm", "Glimmer")
    (hers,) = await follows(eve, "Mondkalb")
    (gone,) = await follows(eve, "Nebel")
    await follows(eve, "76561198000000001", platform="steam")
    await guild(people, GUILD, eve)
    await ada.ask("PUT", f"/api/trackers/{(await listed(admin))[1]['id']}", {"active": False})
    await eve.ask("DELETE", f"/api/trackers/{gone}")
    await api.work()
    await people.rows(
        "UPDATE scrape_targets SET last_status = 'failed', last_reason = 'private' WHERE key LIKE '%mondkalb'"
    )
    assert len(await listed(admin)) == 4
    assert await names(admin, user_id=str(ada.id)) == ["Lintwurm", "Glimmer"]
    assert await names(admin, guild_id=GUILD, platform="epic") == ["Mondkalb"]
    assert await names(admin, active="false") == ["Glimmer"]
    assert await names(admin, status="failed") == ["Mondkalb"]
    assert await names(admin, reason="private") == ["Mondkalb"]
    assert await names(admin, reason="not_found") == []
    assert await names(admin, sort="-display", platform="epic") == ["Mondkalb", "Lintwurm", "Glimmer"]
    assert await names(admin, page=2, per_page=3) != []
    (removed,) = await listed(admin, removed="true")
    assert (removed["id"], removed["deleted_at"] is not None) == (gone, True)
    assert await names(admin, account_id=await account_of(admin, hers)) == ["Mondkalb"]
    unknown = await admin.http.get(
        TRACKERS, params={"guild_id": OTHER_GUILD}, headers={"Authorization": f"Bearer {admin.token}"}
    )
    assert unknown.status_code == 404


STANDINGS = [
    (None, None, 2, "0", False),
    ("completed", None, 2, "1 day", False),
    ("completed", None, 4, "-1 hour", False),
    ("completed", None, 5, "-2 days", False),
    ("failed", "not_found", 2, "3 days", False),
    ("failed", "page_changed", 2, "-1 minute", False),
    ("failed", "error", 2, "infinity", False),
    ("failed", "private", 5, "1 day", False),
    ("completed", None, 2, "-3 hours", True),
    ("failed", "blocked", 0, "-3 hours", True),
]


async def generate(people: People, person: Person, each: int) -> None:
    """Trackers that stand in every way, `each` of a way; lastly, one that is deactivated and one that was removed."""
    for status, reason, priority, due, leased in [*STANDINGS, *STANDINGS[:1] * 2]:
        for _ in range(each):
            await people.rows(
                "INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at, last_status,"
                " last_reason) VALUES (:id, 'games', CAST(CAST(:id AS uuid) AS text), 'x', 86400, now(),"
                " :status, :reason)",
                id=(made := uuid4()),
                status=status,
                reason=reason,
            )
            await people.rows(
                "INSERT INTO scrape_schedule (target_id, source, priority, usual_priority, due_at, lease_until)"
                " VALUES (:id, 'games', :priority, :priority, CAST(:now AS timestamptz) + CAST(:due AS text)::interval,"
                " CASE WHEN :leased THEN CAST(:now AS timestamptz) + interval '1 minute' END)",
                id=made,
                now=people.container.clock().now(),
                priority=priority,
                due=due,
                leased=leased,
            )
            await people.rows(
                "INSERT INTO game_accounts (id, target_id, game, platform, identifier, display)"
                " VALUES (:id, :id, 'rocket-league', 'epic', CAST(CAST(:id AS uuid) AS text), 'x')",
                id=made,
            )
            await people.rows(
                "INSERT INTO game_trackers (id, user_id, account_id, url, created_at, updated_at)"
                " VALUES (:id, :person, :id, 'x', now(), now())",
                id=made,
                person=person.id,
            )
    odd = await people.rows("SELECT id FROM game_trackers ORDER BY created_at DESC LIMIT :n", n=2 * each)
    await people.rows("UPDATE game_trackers SET active = false WHERE id = :id", id=odd[0]["id"])
    await people.rows("UPDATE game_trackers SET deleted_at = now() WHERE id = :id", id=odd[1]["id"])


async def test_counts_agree_with_what_is_listed(people: People, admin: Person) -> None:
    assert await got(admin, "scraping-status") == {
        "total": 0,
        "by_status": {"pending": 0, "in_progress": 0, "completed": 0, "failed": 0},
        "by_reason": {},
        "oldest_due": None,
        "never_fetched": 0,
    }
    await generate(people, admin, each=3)
    counted = await got(admin, "scraping-status")
    assert counted["by_status"] == {"pending": 3 + 3 + 6 - 2, "in_progress": 6, "completed": 9, "failed": 9}
    assert counted["by_reason"] == {"skipped": 6, "not_found": 3, "page_changed": 3, "error": 3}
    assert (counted["total"], counted["never_fetched"]) == (34, 3 + 6 - 2)
    oldest = people.container.clock().now() - datetime.fromisoformat(counted["oldest_due"])
    assert timedelta(minutes=59) < oldest < timedelta(minutes=62)  # neither a skipped one nor one that is held
    for status, number in counted["by_status"].items():
        assert len(await listed(admin, status=status, active="true", per_page=200)) == number
    for reason in ("not_found", "private", "page_changed", "error", "blocked", "skipped"):
        found = await listed(admin, reason=reason, active="true", per_page=200)
        assert len(found) == counted["by_reason"].get(reason, 0), reason
        assert {tracker["reason"] for tracker in found} <= {reason}


async def test_what_was_tried_by_every_filter_and_by_the_page(
    api: Bench, people: People, admin: Person, sites: SimulatedSites
) -> None:
    ada = await people.register()
    first, _ = await follows(ada, "auto-one", "auto-two")
    await api.work()
    await admin.ask("POST", f"{TRACKERS}/{first}/refresh")
    await people.rows(
        "INSERT INTO scrape_runs (id, target_id, trigger, status, reason, requested_at, finished_at)"
        " SELECT uuidv7(interval '-1 day'), id, 'schedule', 'failed', 'blocked', now(), now() FROM scrape_targets"
    )
    runs = (await got(admin, "scraping-logs"))["items"]
    assert [(run["status"], run["trigger"]) for run in runs] == [
        ("pending", "request"),
        ("completed", "registration"),
        ("completed", "registration"),
        ("failed", "schedule"),
        ("failed", "schedule"),
    ]
    assert (runs[1]["display"], runs[1]["http_status"], runs[1]["requests"]) == ("auto-two", 200, 1)
    paged: list[str] = []
    before: dict[str, str] = {}
    while True:
        page = await got(admin, "scraping-logs", limit=2, **before)
        paged += [run["id"] for run in page["items"]]
        if page["next_before"] is None:
            break
        before = {"before": page["next_before"]}
    assert paged == [run["id"] for run in runs]

    async def some(**wanted: Any) -> list[str]:
        return [run["id"] for run in (await got(admin, "scraping-logs", **wanted))["items"]]

    assert await some(status="completed") == paged[1:3]
    assert await some(status="pending") == paged[:1]
    assert await some(reason="blocked") == await some(status="failed") == paged[3:]
    assert await some(reason="private") == []
    assert len(await some(tracker_id=first)) == 3
    # Runs are found by when the database made their identifiers.
    (row,) = await people.rows("SELECT now() - interval '12 hours' AS midnight")
    midnight = row["midnight"].isoformat()
    assert await some(since=midnight) == paged[:3]
    assert await some(until=midnight) == paged[3:]
    unknown = await admin.ask("GET", f"{TRACKERS}/scraping-logs?tracker_id={uuid4()}")
    assert unknown.status_code == 404


async def test_an_admin_refreshes_within_the_cooldown_and_removes(api: Bench, people: People, admin: Person) -> None:
    ada = await people.register()
    (tracker,) = await follows(ada, "Lintwurm")
    await api.work()
    assert (await ada.ask("POST", f"/api/trackers/{tracker}/refresh")).status_code == 429
    assert (await admin.ask("POST", f"{TRACKERS}/{tracker}/refresh")).status_code == 202
    await people.rows("UPDATE users SET deactivated_at = now() WHERE id = :id", id=ada.id)
    assert (await admin.ask("DELETE", f"{TRACKERS}/{tracker}")).status_code == 204
    assert (await admin.ask("DELETE", f"{TRACKERS}/{tracker}")).status_code == 404
    assert await people.rows("SELECT 1 FROM scrape_schedule") == []
    (entry,) = await people.rows("SELECT * FROM activity_log WHERE event = 'tracker.removed'")
    assert (entry["user_id"], entry["actor_id"]) == (ada.id, admin.id)


async def test_many_are_put_ahead_by_id_or_by_how_they_stand(
    api: Bench, people: People, admin: Person, container: AppContainer
) -> None:
    ada, eve, ben = [await people.register(name) for name in ("ada", "eve", "ben")]
    await guild(people, GUILD, eve)
    await guild(people, OTHER_GUILD, ben, processing=False)
    (one, two), (three,), (off,) = (
        await follows(ada, "one", "two"),
        await follows(eve, "one"),
        await follows(ben, "off"),
    )
    await api.work()
    async with container.database().unit_of_work():
        await container.games.priorities().settings_changed(OTHER_GUILD)
    await people.rows("UPDATE scrape_targets SET last_status = 'failed', last_reason = 'private' WHERE key LIKE '%two'")

    async def refresh(**wanted: Any) -> Any:
        answer = await admin.ask("POST", f"{TRACKERS}/batch-refresh", wanted)
        assert answer.status_code == 202, answer.text
        await api.work()
        return answer.json()

    assert await refresh(tracker_ids=[one, three, off, str(uuid4())]) == {"queued": 2, "left_out": 1}
    assert await refresh(reason="private") == {"queued": 1, "left_out": 0}
    assert await refresh(reason="private") == {"queued": 0, "left_out": 0}  # it was fetched, and was not private
    assert await refresh(status="completed") == {"queued": 2, "left_out": 0}
    assert await refresh(reason="skipped") == {"queued": 1, "left_out": 0}
    assert await refresh(guild_id=GUILD) == {"queued": 1, "left_out": 0}
    assert await refresh(guild_id=OTHER_GUILD) == {"queued": 0, "left_out": 0}
    await ada.ask("PUT", f"/api/trackers/{two}", {"active": False})
    assert await refresh(tracker_ids=[two]) == {"queued": 0, "left_out": 1}
    meaningless: list[dict[str, Any]] = [{}, {"tracker_ids": [one], "status": "failed"}, {"tracker_ids": []}]
    for wanted in meaningless:
        refused = await admin.ask("POST", f"{TRACKERS}/batch-refresh", wanted)
        assert refused.status_code == 422, refused.text
    too_many = {"tracker_ids": [str(uuid4()) for _ in range(1001)]}
    assert (await admin.ask("POST", f"{TRACKERS}/batch-refresh", too_many)).status_code == 422
    nowhere = {"guild_id": "99999999999999999"}
    assert (await admin.ask("POST", f"{TRACKERS}/batch-refresh", nowhere)).status_code == 404


async def test_a_tracker_becomes_another_persons(api: Bench, people: People, admin: Person) -> None:
    ada, eve = await people.register(), await people.register("eve")
    await guild(people, GUILD, ada, eve)
    (tracker,) = await follows(ada, "Lintwurm")
    await api.work()
    answer = await admin.ask("POST", f"{TRACKERS}/{tracker}/transfer", {"user_id": str(eve.id)})
    assert (answer.status_code, answer.json()["user_id"]) == (200, str(eve.id))
    assert (await ada.ask("GET", f"/api/trackers/{tracker}")).status_code == 403
    assert (await eve.ask("GET", f"/api/trackers/{tracker}/seasons")).json()["items"] != []
    boards = await people.rows("SELECT DISTINCT user_id FROM game_guild_scores")
    assert [row["user_id"] for row in boards] == [eve.id]
    both = {("tracker.handed_over", ada.id): 1, ("tracker.taken_over", eve.id): 1}
    assert await told(people) == both
    assert await told(people, "outbox_events") == both
    events = await people.rows("SELECT user_id, payload FROM outbox_events WHERE event LIKE 'tracker.%_over'")
    others = {ada.id: str(eve.id), eve.id: str(ada.id)}
    assert [row for row in events if others[row["user_id"]] in str(row["payload"])] == []


async def test_a_transfer_keeps_the_rules_of_four_and_of_doubles(people: People, admin: Person) -> None:
    ada, eve = await people.register(), await people.register("eve")
    same, fifth = await follows(ada, "one", "five")
    await follows(eve, "one", "two", "three", "four")

    async def transfer(tracker: str, to: object) -> tuple[int, str]:
        answer = await admin.ask("POST", f"{TRACKERS}/{tracker}/transfer", {"user_id": str(to)})
        return answer.status_code, answer.json().get("code", "")

    assert await transfer(same, eve.id) == (409, "duplicate_tracker")
    assert await transfer(fifth, eve.id) == (400, "tracker_limit_reached")
    assert await transfer(fifth, ada.id) == (409, "own_tracker")
    assert await transfer(fifth, uuid4()) == (404, "account_not_found")
    assert await transfer(str(uuid4()), eve.id) == (404, "tracker_not_found")
    await ada.ask("PUT", f"/api/trackers/{fifth}", {"active": False})
    assert (await transfer(fifth, eve.id))[0] == 200  # deactivated ones do not count
    await people.rows("UPDATE users SET deactivated_at = now() WHERE id = :id", id=eve.id)
    assert await transfer(same, eve.id) == (403, "account_deactivated")
    assert (await transfer(fifth, ada.id))[0] == 200  # who is deactivated can lose one


async def test_of_transfers_and_additions_at_once_no_fifth_comes_of_it(people: People, admin: Person) -> None:
    ada, ben, eve = [await people.register(name) for name in ("ada", "ben", "eve")]
    given = [*await follows(ada, "a", "b", "c", "d"), *await follows(ben, "e", "f", "g", "h")]
    answers = await asyncio.gather(
        *(admin.ask("POST", f"{TRACKERS}/{one}/transfer", {"user_id": str(eve.id)}) for one in given),
        *(eve.ask("POST", "/api/trackers/add", {"url": LINK.format("epic", name)}) for name in ("i", "j")),
    )
    assert Counter(answer.status_code < 300 for answer in answers) == {True: 4, False: 6}
    assert len(await listed(admin, user_id=str(eve.id))) == 4
    back_and_forth = await asyncio.gather(
        *(
            admin.ask("POST", f"{TRACKERS}/{one['id']}/transfer", {"user_id": str(to.id)})
            for one in await listed(admin)
            for to in (ada, eve)
        )
    )
    assert {answer.status_code for answer in back_and_forth} <= {200, 400, 409}
    counted = Counter(one["user_id"] for one in await listed(admin, per_page=200))
    assert max(counted.values()) <= 4
    assert sum(counted.values()) == 8 + sum(answer.status_code == 201 for answer in answers)


async def history(people: People, account_id: str) -> dict[str, int]:
    (row,) = await people.rows(
        "SELECT (SELECT count(*) FROM game_seasons WHERE account_id = :id) AS seasons,"
        " (SELECT count(*) FROM game_snapshots WHERE account_id = :id) AS snapshots,"
        " (SELECT count(*) FROM game_playlist_states WHERE account_id = :id) AS playlist_states",
        id=UUID(account_id),
    )
    return row


async def test_two_accounts_of_one_player_become_one(api: Bench, people: People, admin: Person) -> None:
    ada, eve, ben = [await people.register(name) for name in ("ada", "eve", "ben")]
    await guild(people, GUILD, ada, eve, ben)
    (old,), (double, kept), (new,) = (
        await follows(ada, "Old"),
        await follows(eve, "Old", "New"),
        await follows(ben, "New"),
    )
    await follows(ada, "Other")
    await api.work()
    await eve.ask("PUT", f"/api/trackers/{kept}", {"active": False})
    source, into = await account_of(admin, old), await account_of(admin, new)
    await people.rows(
        "INSERT INTO game_seasons (account_id, key, name) VALUES (:id, 'beta', 'the beta')", id=UUID(source)
    )
    await people.rows("UPDATE game_playlist_states SET peak_rating = 9999 WHERE account_id = :id", id=UUID(source))
    before, had = await history(people, source), await history(people, into)
    answer = await merge(admin, source, into)
    assert answer.status_code == 200, answer.text
    snapshots = before["snapshots"]
    assert answer.json() == {"account_id": into, "moved": 1, "duplicates": 1, "seasons": 1, "snapshots": snapshots}
    after = await history(people, into)
    assert after["snapshots"] == had["snapshots"] + snapshots
    assert after["seasons"] == had["seasons"] + 1
    assert await history(people, source) == {"seasons": 0, "snapshots": 0, "playlist_states": 0}
    assert await people.rows("SELECT 1 FROM scrape_targets WHERE key LIKE '%epic_old'") == []
    assert await people.rows("SELECT 1 FROM game_accounts WHERE id = :id", id=UUID(source)) == []
    peaks = await people.rows(
        "SELECT DISTINCT peak_rating FROM game_playlist_states WHERE account_id = :id", id=UUID(into)
    )
    assert [row["peak_rating"] for row in peaks] == [9999]
    following = await listed(admin, account_id=into)
    assert {(one["id"], one["user_id"], one["active"]) for one in following} == {
        (old, str(ada.id), True),
        (kept, str(eve.id), True),  # she followed the old one, so she goes on following the player
        (new, str(ben.id), True),
    }
    assert [one["id"] for one in await listed(admin, removed="true")] == [double]
    scores = await people.rows("SELECT DISTINCT user_id FROM game_guild_scores WHERE account_id = :id", id=UUID(into))
    assert {row["user_id"] for row in scores} == {ada.id, eve.id, ben.id}
    assert await people.rows("SELECT 1 FROM game_guild_scores WHERE account_id = :id", id=UUID(source)) == []
    expected = Counter({("tracker.updated", eve.id): 1, ("tracker.updated", ada.id): 1, ("tracker.removed", eve.id): 1})
    assert await told(people) == expected
    (noted,) = await people.rows("SELECT * FROM activity_log WHERE event = 'game_account.merged'")
    assert (noted["subject_id"], noted["actor_id"]) == (into, admin.id)
    assert (await merge(admin, source, into)).json()["code"] == "game_account_not_found"
    await api.work()
    (again,) = await follows(ben, "Old")  # the name can be registered anew
    assert await account_of(admin, again) not in {source, into}


async def test_only_a_players_accounts_of_one_platform_can_be_merged(people: People, admin: Person) -> None:
    ada = await people.register()
    (epic,), (steam,) = await follows(ada, "Lintwurm"), await follows(ada, "76561198000000001", platform="steam")
    one, other = await account_of(admin, epic), await account_of(admin, steam)
    for into in (one, other):
        refused = await merge(admin, one, into)
        assert (refused.status_code, refused.json()["code"]) == (422, "cannot_merge")
    assert (await merge(admin, one, str(uuid4()))).status_code == 404


async def test_an_account_that_nobody_followed_is_looked_at_once_it_is_merged_into(
    api: Bench, people: People, admin: Person
) -> None:
    ada = await people.register()
    old, new = await follows(ada, "Old", "New")
    source, into = await account_of(admin, old), await account_of(admin, new)
    await ada.ask("DELETE", f"/api/trackers/{new}")
    assert (await merge(admin, source, into)).json()["moved"] == 1
    followed = await people.rows("SELECT t.key FROM scrape_schedule s JOIN scrape_targets t ON t.id = s.target_id")
    assert [row["key"] for row in followed] == ["rocket-league:epic:new"]
    await api.work()
    assert [one["status"] for one in await listed(admin)] == ["completed"]


async def test_deactivated_trackers_alone_keep_an_account_from_being_looked_at(people: People, admin: Person) -> None:
    ada = await people.register()
    old, new = await follows(ada, "Old", "New")
    source, into = await account_of(admin, old), await account_of(admin, new)
    for tracker in (old, new):
        await ada.ask("PUT", f"/api/trackers/{tracker}", {"active": False})
    assert (await merge(admin, source, into)).json()["duplicates"] == 1
    assert [one["active"] for one in await listed(admin)] == [False]
    assert await people.rows("SELECT 1 FROM scrape_schedule") == []


async def test_merging_while_a_worker_looks_at_both(
    api: Bench, people: People, admin: Person, sites: SimulatedSites
) -> None:
    crowd = [await people.register(f"person{number}") for number in range(3)]
    for round_ in range(4):
        old, new = f"auto-old-{round_}", f"auto-new-{round_}"
        made = [await follows(person, old) for person in crowd[:2]] + [await follows(crowd[2], new)]
        source, into = await account_of(admin, made[0][0]), await account_of(admin, made[2][0])
        if round_ % 2:
            await api.work()
            ids = [tracker for (tracker,) in made]
            await admin.ask("POST", f"{TRACKERS}/batch-refresh", {"tracker_ids": ids})
        working = asyncio.create_task(api.work())
        await asyncio.sleep(0.05 * round_)  # another moment of the worker's work each time; any is right
        answer = await merge(admin, source, into)
        assert answer.status_code == 200, answer.text
        await working
        await api.work()
        following = await listed(admin, account_id=into)
        assert sorted(one["user_id"] for one in following) == sorted(str(person.id) for person in crowd)
        assert {one["status"] for one in following} == {"completed"}
        assert await people.rows("SELECT 1 FROM game_accounts WHERE id = :id", id=UUID(source)) == []
        for (tracker,) in made:
            await admin.ask("DELETE", f"{TRACKERS}/{tracker}")


async def test_of_two_mergers_of_the_same_accounts_one_wins(people: People, admin: Person) -> None:
    ada, eve = await people.register(), await people.register("eve")
    (old,), (new,) = await follows(ada, "Old"), await follows(eve, "New")
    one, other = await account_of(admin, old), await account_of(admin, new)
    answers = await asyncio.gather(*(merge(admin, *pair) for pair in [(one, other), (other, one)] * 3))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 404: 5}
    assert len({tracker["account_id"] for tracker in await listed(admin)}) == 1


async def test_who_begins_to_follow_or_changes_a_tracker_meanwhile_is_not_lost(people: People, admin: Person) -> None:
    crowd = [await people.register(f"person{number}") for number in range(6)]
    for round_ in range(3):
        (first,), (target,) = await follows(crowd[0], f"old{round_}"), await follows(crowd[1], f"new{round_}")
        (changing,) = await follows(crowd[2], f"old{round_}")
        source, into = await account_of(admin, first), await account_of(admin, target)
        url = LINK.format("epic", f"old{round_}")
        merged, *others = await asyncio.gather(
            merge(admin, source, into),
            *(person.ask("POST", "/api/trackers/add", {"url": url}) for person in crowd[3:]),
            crowd[2].ask("PUT", f"/api/trackers/{changing}", {"active": False}),
            crowd[0].ask("POST", f"/api/trackers/{first}/refresh"),
        )
        assert merged.status_code in {200, 409}, merged.text
        assert {other.status_code for other in others} <= {200, 201, 202}, [other.text for other in others]
        everybody = [await listed(admin, user_id=str(person.id), sort="-created_at", per_page=1) for person in crowd]
        assert all(everybody)
        unlooked = await people.rows(
            "SELECT a.identifier FROM game_trackers k JOIN game_accounts a ON a.id = k.account_id"
            " WHERE k.active AND k.deleted_at IS NULL"
            " AND NOT EXISTS (SELECT FROM scrape_schedule s WHERE s.target_id = a.target_id)"
        )
        assert unlooked == []


async def test_a_merger_that_fails_changes_nothing(people: People, admin: Person, container: AppContainer) -> None:
    ada, eve = await people.register(), await people.register("eve")
    (old,), (new,) = await follows(ada, "Old"), await follows(eve, "New")
    source, into = await account_of(admin, old), await account_of(admin, new)
    await people.rows("ALTER TABLE outbox_events ADD CONSTRAINT none CHECK (event <> 'tracker.updated')")
    assert (await merge(admin, source, into)).status_code == 500
    await people.rows("ALTER TABLE outbox_events DROP CONSTRAINT none")
    assert await account_of(admin, old) == source
    assert len(await people.rows("SELECT 1 FROM scrape_schedule")) == 2
    assert (await merge(admin, source, into)).status_code == 200
