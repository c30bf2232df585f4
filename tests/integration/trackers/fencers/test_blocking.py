"""Fencers and clubs that are blocked: nothing of them is stored, fetched, shown or told again."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.integration.everything import tables_with
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import ALEX, BLAKE, CLUB, EPEE, SABER, Salle

NAME = "Alex Abendroth"


async def blocked(salle: Salle, *keys: str, reason: str | None = None) -> dict[str, Any]:
    root = await salle.people.admin()
    answer = await root.ask("POST", "/api/admin/blocked", {"source": "fencers", "keys": list(keys), "reason": reason})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


CHANNEL = """
INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at, verified_at, rests_until)
VALUES (uuidv7(), :user_id, 'webhook', 'Bot', '', 'bot.invalid', 'bot.invalid', now(), now(), 'infinity')
"""
DIGEST = """
WITH made AS (
    INSERT INTO digests (id, user_id, period, since, until, entries, state, created_at)
    VALUES (uuidv7(), :user_id, 'daily:2026-11-22', now(), now(), 1, 'pending', now()) RETURNING id
)
INSERT INTO notified_events (id, event, aggregate, payload, user_id, occurred_at, noted_at)
SELECT uuidv7(), 'digest.ready', 'digest:' || id, '{"title": "Alex Abendroth: 1 registration"}', :user_id, now(), now()
FROM made
"""


async def followed_by_number_and_club(salle: Salle, ada: Person, ben: Person) -> dict[str, Any]:
    """A fencer whom ada follows, whose club ben follows, with news that waits to be told."""
    salle.stage()
    made = await salle.track(ada, "fencer", f"https://fencingtracker.com/p/{ALEX}/Alex-Abendroth", name="My niece")
    await salle.track(ben, "club", CLUB)
    await salle.execute(CHANNEL, user_id=ada.id)
    await salle.look()
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    assert {one["name"] for one in await salle.told()} == {NAME}
    return made


async def test_nothing_of_a_blocked_fencer_stays(salle: Salle, ada: Person, ben: Person) -> None:
    made = await followed_by_number_and_club(salle, ada, ben)
    await salle.job("outbox.relay")
    await salle.execute(DIGEST, user_id=ada.id)
    known = await tables_with(salle.container, NAME, str(ALEX))
    assert {
        "fencers",
        "outbox_events",
        "notified_events",
        "activity_log",
        "scrape_targets",
    } <= known.keys()
    assert await salle.people.rows("SELECT 1 FROM notification_deliveries WHERE state = 'pending'")
    block = await blocked(salle, str(ALEX), reason="her parents asked")
    assert block["keys"] == [f"fencer:{ALEX}", "name:abendroth alex"]
    assert await tables_with(salle.container, NAME, "Alex-Abendroth", str(ALEX), "abendroth alex") == {}
    gone = await ada.ask("GET", f"/api/fencers/{made['tracked']['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "tracked_not_found")
    assert await salle.told() == []
    assert await salle.people.rows("SELECT 1 FROM notification_deliveries") == []
    assert [row["state"] for row in await salle.people.rows("SELECT state FROM digests")] == ["superseded"]


@pytest.mark.parametrize("name", ['Zephyrine "Ace" Groß', "Zephyrine \\ Groß", "Zephyrine O'Çelik"])
async def test_nothing_of_a_blocked_fencer_stays_however_the_name_is_written(
    salle: Salle, ada: Person, ben: Person, name: str
) -> None:
    salle.stage()
    salle.site.add_fencer(ALEX, name, CLUB)
    await salle.track(ada, "fencer", ALEX, name=f"{name}, my niece")
    await salle.track(ben, "club", CLUB)
    await salle.look()
    title = json.dumps(f"{name}: 1 registration", ensure_ascii=False)
    await salle.execute(
        "INSERT INTO notified_events (id, event, aggregate, payload, user_id, occurred_at, noted_at)"
        " VALUES (uuidv7(), 'digest.ready', 'digest:1', CAST(:payload AS jsonb), :user_id, now(), now())",
        payload=f'{{"title": {title}}}',
        user_id=ada.id,
    )
    known = await tables_with(salle.container, "Zephyrine")
    assert {"fencers", "tracked_fencers", "notified_events"} <= known.keys()
    await blocked(salle, str(ALEX))
    assert await tables_with(salle.container, "Zephyrine") == {}


@pytest.mark.parametrize("linked", [True, False])
async def test_a_clubs_page_brings_no_blocked_fencer_back(salle: Salle, ada: Person, ben: Person, linked: bool) -> None:
    await followed_by_number_and_club(salle, ada, ben)
    await blocked(salle, str(ALEX))
    salle.site.add_fencer(ALEX, NAME, CLUB, linked=linked)
    salle.site.withdraw(ALEX, EPEE)
    salle.site.register(BLAKE, SABER)
    await salle.look(again=True)
    assert await tables_with(salle.container, NAME, "Alex-Abendroth", str(ALEX)) == {}
    assert {one["name"] for one in await salle.told()} <= {"Blake Brandauer"}
    club = (await salle.read(ben, "/api/clubs"))["items"][0]
    detail = await salle.read(ben, f"/api/clubs/{club['id']}")
    assert {one["fencer"] for one in detail["registrations"]} == {"Blake Brandauer"}


async def test_a_page_brings_no_blocked_fencer_back_under_another_name(salle: Salle, ada: Person, ben: Person) -> None:
    await followed_by_number_and_club(salle, ada, ben)
    await blocked(salle, str(ALEX))
    salle.site.add_fencer(ALEX, "Robin Newname", CLUB)
    salle.site.register(ALEX, EPEE)
    await salle.look(again=True)
    assert await tables_with(salle.container, "Newname", str(ALEX)) == {}


@pytest.mark.parametrize("kind", ["fencer", "club"])
async def test_a_member_follows_nobody_blocked_in_no_way_and_is_not_told_why(
    salle: Salle, ada: Person, kind: str
) -> None:
    salle.stage()
    number, page = (ALEX, f"p/{ALEX}/Alex-Abendroth") if kind == "fencer" else (CLUB, f"club/{CLUB}/Lakeside")
    await blocked(salle, f"{kind}:{number}", reason="her parents asked")
    for given in (str(number), f"https://fencingtracker.com/{page}"):
        answer = await ada.ask("POST", f"/api/{kind}s", {kind: given})
        assert (answer.status_code, answer.json()["code"]) == (403, "blocked"), answer.text
        assert "parents" not in answer.text
    assert (await ada.ask("GET", "/api/admin/blocked")).status_code == 403
    assert await salle.people.rows("SELECT 1 FROM tracked_fencers UNION ALL SELECT 1 FROM tracked_clubs") == []


async def test_a_name_without_a_number_is_skipped_and_a_number_of_that_name_is_not(salle: Salle, ben: Person) -> None:
    salle.stage()
    await blocked(salle, "name:Alex ABENDROTH")
    salle.site.add_fencer(ALEX, NAME, CLUB, linked=False)
    salle.site.register(ALEX, EPEE)
    await salle.track(ben, "club", CLUB)
    await salle.look()
    assert await tables_with(salle.container, NAME) == {}
    salle.site.add_fencer(ALEX, NAME, CLUB)
    salle.site.register(ALEX, EPEE)
    await salle.look(again=True)
    assert "fencers" in await tables_with(salle.container, NAME)


async def test_who_follows_a_blocked_fencer_is_told_that_it_is_blocked_and_not_why(salle: Salle, ada: Person) -> None:
    salle.stage()
    await blocked(salle, str(ALEX), reason="her parents asked")
    before = len(salle.site.requests())
    answer = await ada.ask("POST", "/api/fencers", {"fencer": str(ALEX)})
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    assert "parents" not in answer.text
    await salle.look()
    assert len(salle.site.requests()) == before
    assert await salle.people.rows("SELECT 1 FROM fencers") == []


async def test_a_target_that_is_there_all_the_same_is_not_fetched(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "fencer", ALEX)
    await salle.execute("INSERT INTO scrape_blocks (id, source, created_at) VALUES (uuidv7(), 'fencers', now())")
    await salle.execute(
        "INSERT INTO scrape_blocked_keys (source, key, block_id, listed)"
        " SELECT 'fencers', :key, id, true FROM scrape_blocks",
        key=f"fencer:{ALEX}",
    )
    before = len(salle.site.requests())
    await salle.look()
    assert len(salle.site.requests()) == before


async def test_a_blocked_club_goes_with_what_only_its_page_told(salle: Salle, ada: Person, ben: Person) -> None:
    salle.stage()
    salle.site.add_fencer(ALEX, NAME, CLUB, linked=False)
    salle.site.register(ALEX, EPEE)
    await salle.track(ben, "club", CLUB)
    await salle.track(ada, "fencer", BLAKE)
    await salle.look()
    await blocked(salle, f"club:{CLUB}")
    assert await tables_with(salle.container, NAME, "Lakeside", str(CLUB)) == {}
    assert (await salle.read(ben, "/api/clubs"))["items"] == []
    answer = await ben.ask("POST", "/api/clubs", {"club": str(CLUB)})
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    (mine,) = (await salle.read(ada, "/api/fencers"))["items"]
    assert mine["registrations"] == 1  # their own page tells of it


async def test_a_lifted_block_lets_people_follow_again(salle: Salle, ada: Person) -> None:
    salle.stage()
    block = await blocked(salle, str(ALEX))
    root = await salle.people.logged_in("root")
    listed = (await root.ask("GET", "/api/admin/blocked", None)).json()
    assert [one["id"] for one in listed["items"]] == [block["id"]]
    again = await root.ask("POST", "/api/admin/blocked", {"source": "fencers", "keys": [f"fencer:{ALEX}"]})
    assert (again.status_code, again.json()["code"]) == (409, "already_blocked")
    assert (await root.ask("DELETE", f"/api/admin/blocked/{block['id']}")).status_code == 204
    assert (await root.ask("DELETE", f"/api/admin/blocked/{block['id']}")).status_code == 404
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    assert (await salle.read(ada, "/api/fencers"))["items"][0]["name"] == NAME


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"source": "flights", "keys": ["JFK"]}, "nothing_to_block"),
        ({"source": "fencers", "keys": ["name: "]}, "bad_reference"),
        ({"source": "fencers", "keys": ["nobody"]}, "bad_reference"),
        ({"source": "fencers", "keys": []}, "invalid"),
    ],
)
async def test_what_can_be_nobody_is_refused(salle: Salle, body: dict[str, Any], code: str) -> None:
    root = await salle.people.admin()
    answer: httpx.Response = await root.ask("POST", "/api/admin/blocked", body)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["code"] == code or code == "invalid"
    assert await salle.container.reader().value(text("SELECT count(*) FROM scrape_blocks")) == 0
