"""Trackers from registration to removal, over HTTP, by the people whose they are."""

import asyncio
from collections import Counter
from typing import Any

from tests.conftest import Bench
from tests.integration.people import People, Person
from tests.upstreams.client import SimulatedSites

LINK = "https://rocketleague.tracker.network/rocket-league/profile/epic/{}/overview"
GUILD, OTHER_GUILD = "81384788765712384", "613425648685547541"


async def registered(person: Person, *names: str) -> list[dict[str, Any]]:
    answer = await person.ask("POST", "/api/trackers/register", {"urls": [LINK.format(name) for name in names]})
    assert answer.status_code == 201, answer.text
    made: list[dict[str, Any]] = answer.json()["trackers"]
    return made


async def mine(person: Person) -> dict[str, bool]:
    items = (await person.ask("GET", "/api/trackers/me")).json()["items"]
    return {tracker["display"]: tracker["active"] for tracker in items}


async def followed(people: People) -> set[str]:
    """Keys of what is fetched."""
    rows = await people.rows("SELECT t.key FROM scrape_schedule s JOIN scrape_targets t ON t.id = s.target_id")
    return {row["key"].rpartition(":")[2] for row in rows}


async def guild(people: People, guild_id: str, **members: bool) -> None:
    """A guild; members by Discord id, and whether they run it."""
    headers = {"Authorization": f"Bearer {await people.bot('guilds')}"}
    path = f"/internal/guilds/{guild_id}"
    assert (await people.http.put(path, json={"name": guild_id}, headers=headers)).status_code == 200
    listed = [{"user_id": name.removeprefix("d"), "admin": admin} for name, admin in members.items()]
    answer = await people.http.put(f"{path}/members", json={"members": listed}, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_a_member_registers_adds_and_reads(api: Bench, people: People) -> None:
    ada = await people.register()
    (first,) = await registered(ada, "Lintwurm")
    added = await ada.ask("POST", "/api/trackers/add", {"url": LINK.format("Glimmer")})
    assert added.status_code == 201
    assert (await ada.ask("POST", "/api/trackers/register", {"urls": [LINK.format("x1")]})).status_code == 409
    await api.work()
    for path in ("", "/status", "/seasons", "/detail", "/snapshots"):
        answer = await ada.ask("GET", f"/api/trackers/{first['id']}{path}")
        assert answer.status_code == 200, (path, answer.text)
    detail = (await ada.ask("GET", f"/api/trackers/{first['id']}/detail")).json()
    assert detail["tracker"]["status"] == "completed"
    assert any(season["playlists"] for season in detail["seasons"])


async def test_four_are_the_limit_and_deactivated_ones_do_not_count(people: People) -> None:
    ada = await people.register()
    trackers = await registered(ada, "one", "two", "three", "four")
    fifth = {"url": LINK.format("five")}
    refused = await ada.ask("POST", "/api/trackers/add", fifth)
    assert (refused.status_code, refused.json()["code"]) == (400, "tracker_limit_reached")
    path = f"/api/trackers/{trackers[0]['id']}"
    changed = await ada.ask("PUT", path, {"active": False})
    assert changed.json()["active"] is False
    assert await followed(people) == {"two", "three", "four"}
    assert (await ada.ask("POST", "/api/trackers/add", fifth)).status_code == 201
    again = await ada.ask("PUT", path, {"active": True})
    assert (again.status_code, again.json()["code"]) == (400, "tracker_limit_reached")
    await ada.ask("DELETE", f"/api/trackers/{trackers[1]['id']}")
    assert (await ada.ask("PUT", path, {"active": True})).json()["active"] is True
    assert await followed(people) == {"one", "three", "four", "five"}


async def test_of_many_changes_at_once_no_more_than_four_stay_active(people: People) -> None:
    ada = await people.register()
    trackers = await registered(ada, "one", "two", "three", "four")
    for tracker in trackers:
        await ada.ask("PUT", f"/api/trackers/{tracker['id']}", {"active": False})
    for name in ("five", "six"):
        await ada.ask("POST", "/api/trackers/add", {"url": LINK.format(name)})
    answers = await asyncio.gather(
        *(ada.ask("PUT", f"/api/trackers/{tracker['id']}", {"active": True}) for tracker in trackers),
        *(ada.ask("POST", "/api/trackers/add", {"url": LINK.format(name)}) for name in ("seven", "eight")),
    )
    assert Counter(answer.status_code < 300 for answer in answers) == {True: 2, False: 4}
    assert sum((await mine(ada)).values()) == 4


async def test_a_removed_tracker_can_be_registered_again(people: People) -> None:
    ada = await people.register()
    (tracker,) = await registered(ada, "Lintwurm")
    path = f"/api/trackers/{tracker['id']}"
    assert (await ada.ask("DELETE", path)).status_code == 204
    assert await followed(people) == set()
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"active": True})):
        assert (await ada.ask(method, path, body)).status_code == 404
    assert (await ada.ask("POST", f"{path}/refresh")).status_code == 404
    (again,) = await registered(ada, "LINTWURM")
    assert again["id"] != tracker["id"]
    assert await followed(people) == {"lintwurm"}


async def test_what_somebody_else_follows_goes_on(people: People) -> None:
    ada, eve = await people.register(), await people.register("eve")
    (hers,) = await registered(ada, "Lintwurm")
    await registered(eve, "Lintwurm")
    await ada.ask("DELETE", f"/api/trackers/{hers['id']}")
    assert await followed(people) == {"lintwurm"}


async def test_a_tracker_can_be_pointed_at_another_account(people: People) -> None:
    ada = await people.register()
    first, second = await registered(ada, "Lintwurm", "Glimmer")
    path = f"/api/trackers/{first['id']}"
    taken = await ada.ask("PUT", path, {"url": LINK.format("GLIMMER")})
    assert (taken.status_code, taken.json()["code"]) == (409, "duplicate_tracker")
    assert (await ada.ask("PUT", path, {"url": "https://example.org"})).status_code == 422
    moved = await ada.ask("PUT", path, {"url": LINK.format("Mondkalb")})
    assert (moved.json()["id"], moved.json()["display"]) == (first["id"], "Mondkalb")
    assert await followed(people) == {"mondkalb", "glimmer"}
    paused = await ada.ask("PUT", f"/api/trackers/{second['id']}", {"url": LINK.format("Nacht"), "active": False})
    assert (paused.json()["display"], paused.json()["active"]) == ("Nacht", False)
    assert await followed(people) == {"mondkalb"}
    assert (await ada.ask("PUT", path, {})).status_code == 200
    assert (await ada.ask("PUT", path, {"active": None})).status_code == 422


async def test_others_may_neither_change_nor_refresh(people: People) -> None:
    ada, eve = await people.register(), await people.register("eve")
    (tracker,) = await registered(ada, "Lintwurm")
    path = f"/api/trackers/{tracker['id']}"
    for method, where, body in (
        ("POST", "/refresh", None),
        ("PUT", "", {"active": False}),
        ("DELETE", "", None),
        ("GET", "", None),
    ):
        assert (await eve.ask(method, f"{path}{where}", body)).status_code == 403
    assert await mine(ada) == {"Lintwurm": True}


async def test_refreshing_waits_for_its_cooldown(api: Bench, people: People) -> None:
    ada = await people.register()
    (tracker,) = await registered(ada, "Lintwurm")
    path = f"/api/trackers/{tracker['id']}/refresh"
    waiting = await ada.ask("POST", path)
    assert (waiting.status_code, waiting.json()["task_id"]) == (202, tracker["task_id"])  # it waits already
    await api.work()
    refused = await ada.ask("POST", path)
    assert (refused.status_code, refused.json()["code"]) == (429, "refresh_cooldown")
    assert 590 < int(refused.headers["retry-after"]) <= 600
    staff = f"/internal/trackers/{tracker['id']}/refresh"
    assert (await api.http.post(staff)).status_code == 429
    forced = await api.http.post(f"{staff}?force=true")
    assert forced.status_code == 202
    assert (await ada.ask("POST", path)).json() == forced.json()  # somebody's look is everybody's
    await api.work()
    await people.rows("UPDATE scrape_targets SET last_attempt_at = last_attempt_at - interval '601 seconds'")
    assert (await ada.ask("POST", path)).status_code == 202
    await ada.ask("PUT", f"/api/trackers/{tracker['id']}", {"active": False})
    refused = await ada.ask("POST", path)
    assert (refused.status_code, refused.json()["code"]) == (409, "tracker_inactive")


async def test_the_first_look_brings_older_seasons_and_later_ones_do_not(
    environ: dict[str, str], sites: SimulatedSites, people: People
) -> None:
    ada = await people.register()
    (tracker,) = await registered(ada, "Lintwurm")
    bench = Bench(container=people.container, http=people.http, environ=environ | {"TRACKERS_GAMES_FIRST_SEASONS": "3"})
    await bench.work()
    path = f"/api/trackers/{tracker['id']}"
    seasons = (await ada.ask("GET", f"{path}/seasons")).json()["items"]
    current = next(season["number"] for season in seasons if season["current"])
    with_standings = [season["number"] for season in seasons if season["playlists"]]
    assert with_standings == [current, current - 1, current - 2, current - 3]
    asked = len(sites.requests())
    await people.http.post(f"/internal/trackers/{tracker['id']}/refresh?force=true")
    await bench.work()
    profiles = [request for request in sites.requests()[asked:] if "/profile/" in request.path]
    assert len(profiles) == 1


async def test_lists_show_what_one_may_see(api: Bench, people: People) -> None:
    root, ada, eve = await people.admin(), await people.register(), await people.register("eve")
    await registered(ada, "Lintwurm", "Glimmer")
    await registered(eve, "Mondkalb")
    bot = "/internal/trackers"
    for number, name in ((1, "Alpha"), (2, "Beta")):
        body = {"user_id": f"28147497671065600{number}", "urls": [LINK.format(name)]}
        await api.http.post(f"{bot}/register-multiple", json=body)
    await guild(people, GUILD, d281474976710656001=False, d281474976710656009=True)
    await guild(people, OTHER_GUILD, d281474976710656002=False)
    code = await people.http.post(
        "/internal/users/claim-codes",
        json={"user_id": "281474976710656009"},
        headers={"Authorization": f"Bearer {await people.bot('users')}"},
    )
    await ada.ask("POST", "/api/users/me/claim", {"code": code.json()["code"]})  # ada runs the guild

    async def seen(person: Person, query: str = "") -> list[str]:
        answer = await person.ask("GET", f"/api/trackers?{query}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["total"] >= len(page["items"])
        return [tracker["display"] for tracker in page["items"]]

    assert await seen(eve) == ["Mondkalb"]
    assert await seen(ada) == ["Lintwurm", "Glimmer", "Alpha"]
    assert await seen(root) == ["Lintwurm", "Glimmer", "Mondkalb", "Alpha", "Beta"]
    assert await seen(ada, f"guild_id={GUILD}") == ["Lintwurm", "Glimmer", "Alpha"]
    assert (await eve.ask("GET", f"/api/trackers?guild_id={GUILD}")).status_code == 404
    assert (await root.ask("GET", "/api/trackers?guild_id=99999999999999999")).status_code == 404
    assert await seen(root, f"guild_id={OTHER_GUILD}") == ["Beta"]
    assert await seen(root, "sort=-display") == ["Mondkalb", "Lintwurm", "Glimmer", "Beta", "Alpha"]
    assert await seen(root, "sort=-created_at&per_page=2&page=2") == ["Mondkalb", "Glimmer"]
    assert await seen(root, "platform=steam") == []
    assert await seen(root, "status=pending&platform=epic&active=true&sort=display") == [
        "Alpha", "Beta", "Glimmer", "Lintwurm", "Mondkalb",
    ]  # fmt: skip
    assert await seen(root, "active=false") == []
    assert (await root.ask("GET", "/api/trackers?status=sleeping")).status_code == 422
    everything = (await api.http.get(bot)).json()
    assert everything["total"] == 5
    restricted = await people.bot("trackers", guild_ids=[OTHER_GUILD])
    headers = {"Authorization": f"Bearer {restricted}"}
    assert [t["display"] for t in (await people.http.get(bot, headers=headers)).json()["items"]] == ["Beta"]
    assert (await people.http.get(f"{bot}?guild_id={GUILD}", headers=headers)).status_code == 404


async def test_staff_registers_for_members(api: Bench, people: People) -> None:
    staff, member, stranger = "281474976710656001", "281474976710656002", "281474976710656003"
    await guild(people, GUILD, **{f"d{staff}": True, f"d{member}": False})
    path = "/internal/trackers/register-by-staff"

    async def hand_in(*names: str, **change: str) -> tuple[int, str]:
        body = {
            "guild_id": GUILD, "staff_id": staff, "user_id": member, "urls": [LINK.format(name) for name in names]
        } | change  # fmt: skip
        answer = await api.http.post(path, json=body)
        return answer.status_code, answer.json().get("code", "")

    assert await hand_in("one", "two") == (201, "")
    assert await hand_in("three") == (201, "")  # though they have some already
    assert await hand_in("four", "five") == (400, "tracker_limit_reached")
    assert await hand_in("ONE") == (409, "duplicate_tracker")
    assert await hand_in("four", staff_id=member) == (403, "forbidden")
    assert await hand_in("four", user_id=stranger) == (403, "forbidden")
    assert await hand_in("four", guild_id="99999999999999999") == (404, "guild_not_found")
    (noted,) = await people.rows(
        "SELECT details FROM activity_log WHERE event = 'tracker.registered_by_staff' ORDER BY id LIMIT 1"
    )
    assert len(noted["details"]["trackers"]) == 2
