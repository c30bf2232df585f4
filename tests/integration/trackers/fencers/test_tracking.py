"""Following fencers and clubs over HTTP."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import ALEX, BLAKE, CLUB, Salle


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json")
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    "pasted",
    [
        str(ALEX),
        f"https://fencingtracker.com/p/{ALEX}/Alex-Abendroth",
        f"fencingtracker.com/p/{ALEX}",
        f"  http://www.fencingtracker.com/p/{ALEX}/Alex-Abendroth/history?x=1 ",
    ],
)
async def test_a_fencer_is_followed_by_number_or_link_and_named_by_the_page(
    salle: Salle, ada: Person, pasted: str
) -> None:
    salle.stage()
    made = await salle.track(ada, "fencer", pasted, weapons="Épée, SABRE")
    assert made["tracked"]["name"] is None
    assert made["tracked"]["weapons"] == ["epee", "saber"]
    await salle.look()
    shown = await salle.read(ada, f"/api/fencers/{made['tracked']['id']}")
    assert shown["tracked"]["name"] == "Alex Abendroth"
    assert shown["tracked"]["status"] == "completed"
    assert shown["tracked"]["last_checked_at"] is not None
    (registration,) = shown["registrations"]
    assert (registration["event"], registration["tournament"], registration["weapon"], registration["date"]) == (
        "Junior Women\u2019s Epee (JNRWE)",
        "October NAC",
        "epee",
        "2026-12-12",
    )
    task = await salle.read(ada, f"/api/tasks/{made['task_id']}")
    assert task["status"] == "completed"


async def test_a_club_lists_its_members_registrations_through_the_filter(salle: Salle, ada: Person) -> None:
    salle.stage()
    made = await salle.track(ada, "club", f"https://fencingtracker.com/club/{CLUB}/Lakeside/registrations")
    foil = await salle.track(await salle.people.register("ben"), "club", CLUB, weapons=["foil"])
    await salle.look()
    shown = await salle.read(ada, f"/api/clubs/{made['tracked']['id']}")
    assert [one["fencer"] for one in shown["registrations"]] == ["Alex Abendroth", "Blake Brandauer"]
    assert shown["tracked"]["registrations"] == 2
    ben = await salle.people.logged_in("ben")
    shown = await salle.read(ben, f"/api/clubs/{foil['tracked']['id']}")
    assert [one["fencer"] for one in shown["registrations"]] == ["Blake Brandauer"]
    assert shown["tracked"]["registrations"] == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"fencer": "Alex"}, "bad_reference"),
        ({"fencer": "https://example.org/p/1/x"}, "bad_reference"),
        ({"fencer": f"/club/{CLUB}/x"}, "bad_reference"),
        ({"fencer": "0"}, "bad_reference"),
        ({"fencer": "9" * 16}, "bad_reference"),
        ({"fencer": "https://fencingtracker.com@evil.example/p/1/x"}, "bad_reference"),
        ({"fencer": "\x00" + str(ALEX)}, "bad_reference"),
        ({"fencer": str(ALEX), "weapons": "epee, longsword"}, "unknown_weapon"),
    ],
)
async def test_what_names_nothing_is_refused_with_what_to_paste(
    salle: Salle, ada: Person, body: dict[str, str], code: str
) -> None:
    answer = await ada.ask("POST", "/api/fencers", body)
    assert problem(answer) == (422, code)
    if code == "unknown_weapon":
        assert "longsword" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [{}, {"fencer": ""}, {"fencer": 7}, {"fencer": "1" * 3000}, {"fencer": "1", "name": " "}, {"x": "1"}]
)
async def test_a_body_of_another_shape_is_refused(salle: Salle, ada: Person, body: dict[str, object]) -> None:
    answer = await ada.ask("POST", "/api/fencers", body)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_nobody_follows_one_twice_and_following_again_reactivates(salle: Salle, ada: Person) -> None:
    made = (await salle.track(ada, "fencer", ALEX, name="My cousin"))["tracked"]
    assert problem(await ada.ask("POST", "/api/fencers", {"fencer": str(ALEX)})) == (409, "already_tracked")
    off = await ada.ask("POST", f"/api/fencers/{made['id']}/deactivate")
    assert off.json()["active"] is False
    assert await salle.people.rows("SELECT 1 FROM scrape_schedule") == []
    again = (await salle.track(ada, "fencer", ALEX, weapons="foil"))["tracked"]
    assert (again["id"], again["active"], again["weapons"], again["name"]) == (made["id"], True, ["foil"], None)
    assert len(await salle.people.rows("SELECT 1 FROM scrape_schedule")) == 1


async def test_two_at_the_same_moment_follow_it_once(salle: Salle, ada: Person, ben: Person) -> None:
    answers = await asyncio.gather(
        *(who.ask("POST", "/api/clubs", {"club": str(CLUB)}) for who in (ada, ada, ada, ben, ben))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    assert len(await salle.people.rows("SELECT 1 FROM scrape_targets WHERE source = 'fencers'")) == 1


async def test_names_filters_and_activity_change_and_what_is_left_out_stays(salle: Salle, ada: Person) -> None:
    made = (await salle.track(ada, "club", CLUB, name="Home", weapons="foil"))["tracked"]
    changed = await ada.ask("PATCH", f"/api/clubs/{made['id']}", {"weapons": "saber,epee,foil"})
    assert (changed.json()["name"], changed.json()["weapons"]) == ("Home", [])
    changed = await ada.ask("PATCH", f"/api/clubs/{made['id']}", {"name": None, "active": False})
    assert (changed.json()["name"], changed.json()["active"]) == (None, False)
    noted = await salle.people.rows("SELECT event, payload FROM outbox_events WHERE event LIKE 'club.%' ORDER BY id")
    assert [(row["event"], row["payload"]["weapons"], row["payload"]["active"]) for row in noted] == [
        ("club.tracked", ["foil"], True),
        ("club.tracking_updated", [], True),
        ("club.tracking_updated", [], False),
    ]
    listed = await salle.read(ada, "/api/clubs?active=true")
    assert (listed["total"], listed["items"]) == (0, [])
    assert (await salle.read(ada, "/api/clubs"))["total"] == 1


async def test_what_nobody_follows_any_more_is_not_looked_at(salle: Salle, ada: Person, ben: Person) -> None:
    salle.stage()
    mine = (await salle.track(ada, "fencer", ALEX))["tracked"]
    theirs = (await salle.track(ben, "fencer", ALEX))["tracked"]
    assert (await ada.ask("DELETE", f"/api/fencers/{mine['id']}")).status_code == 204
    await salle.look()
    assert len(salle.site.requests("/p/")) == 1
    assert (await ben.ask("DELETE", f"/api/fencers/{theirs['id']}")).status_code == 204
    await salle.look(again=True)
    assert len(salle.site.requests("/p/")) == 1
    assert problem(await ada.ask("GET", f"/api/fencers/{mine['id']}")) == (404, "tracked_not_found")


async def test_strangers_neither_read_nor_change(salle: Salle, ada: Person, ben: Person) -> None:
    made = (await salle.track(ada, "fencer", ALEX))["tracked"]
    for method, body in (("GET", None), ("PATCH", {"active": False}), ("DELETE", None)):
        assert problem(await ben.ask(method, f"/api/fencers/{made['id']}", body)) == (403, "forbidden")
    assert problem(await ben.ask("GET", f"/api/clubs/{uuid4()}")) == (404, "tracked_not_found")


async def test_a_person_has_so_many_and_no_more(salle: Salle, ada: Person) -> None:
    await salle.execute(
        "INSERT INTO fencing_clubs (id, upstream_id) SELECT uuidv7(), n FROM generate_series(1, 50) AS n"
    )
    await salle.execute(
        "INSERT INTO tracked_clubs (id, user_id, club_id, created_at, followed_since)"
        " SELECT uuidv7(), :user, id, now(), now() FROM fencing_clubs",
        user=ada.id,
    )
    assert problem(await ada.ask("POST", "/api/clubs", {"club": str(CLUB)})) == (400, "tracking_limit_reached")


async def test_deactivating_makes_no_room_for_more_and_reactivating_does_not_either(salle: Salle, ada: Person) -> None:
    await salle.execute(
        "INSERT INTO fencing_clubs (id, upstream_id) SELECT uuidv7(), n FROM generate_series(1, 51) AS n"
    )
    await salle.execute(
        "INSERT INTO tracked_clubs (id, user_id, club_id, created_at, followed_since)"
        " SELECT uuidv7(), :user, id, now(), now() FROM fencing_clubs WHERE upstream_id <= 50",
        user=ada.id,
    )
    mine = (await salle.read(ada, "/api/clubs"))["items"][0]
    at = f"/api/clubs/{mine['id']}"
    assert (await ada.ask("POST", f"{at}/deactivate")).status_code == 200
    refused = await ada.ask("POST", "/api/clubs", {"club": "51"})
    assert problem(refused) == (400, "tracking_limit_reached")
    assert "deactivated" in refused.json()["detail"]
    # What is kept may be followed again, by either way.
    assert (await ada.ask("PATCH", at, {"active": True})).json()["active"] is True
    assert (await ada.ask("POST", f"{at}/deactivate")).status_code == 200
    assert (await ada.ask("POST", "/api/clubs", {"club": str(mine["upstream_id"])})).status_code == 201
    # As many as that are active already, where two accounts became one.
    assert (await ada.ask("POST", f"{at}/deactivate")).status_code == 200
    await salle.execute(
        "INSERT INTO tracked_clubs (id, user_id, club_id, created_at, followed_since)"
        " SELECT uuidv7(), :user, id, now(), now() FROM fencing_clubs WHERE upstream_id = 51",
        user=ada.id,
    )
    assert problem(await ada.ask("PATCH", at, {"active": True})) == (400, "tracking_limit_reached")
    again = await ada.ask("POST", "/api/clubs", {"club": str(mine["upstream_id"])})
    assert problem(again) == (400, "tracking_limit_reached")
    # Whoever removes one has room for another.
    assert (await ada.ask("DELETE", at)).status_code == 204
    other = (await salle.read(ada, "/api/clubs"))["items"][0]
    assert (await ada.ask("DELETE", f"/api/clubs/{other['id']}")).status_code == 204
    assert (await ada.ask("POST", "/api/clubs", {"club": str(CLUB)})).status_code == 201


async def test_bots_follow_for_their_people(salle: Salle) -> None:
    salle.stage()
    key = await salle.people.bot("fencers")
    http, headers = salle.bench.http, {"Authorization": f"Bearer {key}"}
    body = {"user_id": "281474976710656001", "fencer": str(BLAKE), "user_data": {"username": "blake"}}
    made = await http.post("/internal/fencers", json=body, headers=headers)
    assert made.status_code == 201, made.text
    await salle.look()
    found = await http.get(f"/internal/fencers/{made.json()['tracked']['id']}", headers=headers)
    assert [one["event_url"] for one in found.json()["registrations"]] == ["https://fencingtracker.com/event/18502"]
    user_id = made.json()["tracked"]["user_id"]
    listed = await http.get(f"/internal/fencers?user_id={user_id}", headers=headers)
    assert listed.json()["total"] == 1
    other = await salle.people.bot("trackers")
    refused = await http.get("/internal/fencers", headers={"Authorization": f"Bearer {other}"})
    assert problem(refused) == (403, "forbidden")


async def test_a_persons_data_is_shown_handed_over_and_erased(salle: Salle, ada: Person, ben: Person) -> None:
    await salle.track(ada, "fencer", ALEX, weapons="epee")
    await salle.track(ada, "club", CLUB)
    await salle.track(ben, "club", CLUB)
    exported = (await salle.read(ada, "/api/users/me/export"))["data"]["fencers"]
    assert [one["upstream_id"] for one in exported["fencers"]] == [ALEX]
    assert [one["upstream_id"] for one in exported["clubs"]] == [CLUB]
    async with salle.container.database().unit_of_work():
        await salle.container.fencers.personal_data().hand_over(ada.id, to=ben.id)
    assert (await salle.read(ada, "/api/fencers"))["total"] == 0
    assert [(await salle.read(ben, f"/api/{kind}"))["total"] for kind in ("fencers", "clubs")] == [1, 1]
    async with salle.container.database().unit_of_work():
        await salle.container.fencers.personal_data().erase(ben.id)
    assert await salle.people.rows("SELECT 1 FROM scrape_schedule") == []
