"""From pages to what is stored and told: registrations, withdrawals, new days; once, whichever page tells first."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.integration.locks import locked, waiting
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import (
    ALEX,
    BLAKE,
    CASEY,
    CLUB,
    EPEE,
    FOIL,
    OTHER_CLUB,
    SABER,
    SOON,
    Salle,
    followers,
)

from trackers.fencers.registration_repository import LISTED


async def test_a_first_look_is_stored_and_logged_but_no_news(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    with capture_logs() as logs:
        await salle.look()
    (said,) = [entry for entry in logs if entry["event"] == "registrations_changed"]
    assert (said["log_level"], said["registered"], said["page"], said["first_fetch"]) == ("info", 2, "club", True)
    assert await salle.kinds() == ["registered", "registered"]
    assert await salle.told() == []


async def test_a_second_event_of_a_known_fencer_is_told(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    (news,) = await salle.told()
    assert (news["name"], news["weapon"]) == ("Alex Abendroth", "saber")
    (change,) = news["changes"]
    assert (change["kind"], change["tournament"], change["day"]) == ("registered", "Harbour Cup", "2026-12-19")
    assert change["event_url"] == f"https://fencingtracker.com/event/{SABER}"


@pytest.mark.parametrize("layout", [2025, 2026])
async def test_withdrawals_returns_and_new_days_are_told_once(salle: Salle, ada: Person, layout: int) -> None:
    salle.stage()
    salle.site.configure(layout=layout)
    await salle.track(ada, "club", CLUB)
    await salle.look()
    salle.site.withdraw(ALEX, EPEE)
    await salle.look(again=True)
    await salle.look(again=True)
    salle.site.register(ALEX, EPEE)
    await salle.look(again=True)
    salle.site.move(EPEE, "2026-12-13")
    await salle.look(again=True)
    assert [change["kind"] for news in await salle.told() for change in news["changes"]] == [
        "withdrawn",
        "returned",
        "moved",
    ]
    moved = (await salle.told())[-1]["changes"][0]
    assert (moved["day_before"], moved["day"]) == ("2026-12-12", "2026-12-13")


async def test_a_status_of_withdrawn_is_a_withdrawal(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    await salle.look()
    salle.site.withdraw(ALEX, EPEE, status=True)
    await salle.look(again=True)
    assert await salle.kinds() == ["registered", "registered", "withdrawn"]


async def test_what_one_page_lost_and_another_has_is_not_withdrawn(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    salle.site.register(ALEX, EPEE, on="fencer")
    await salle.look(again=True)
    assert await salle.kinds() == ["registered", "registered"]
    salle.site.withdraw(ALEX, EPEE)
    await salle.look(again=True)
    assert await salle.kinds() == ["registered", "registered", "withdrawn"]


async def test_what_only_a_page_kept_that_nobody_follows_any_more_is_withdrawn(
    salle: Salle, ada: Person, ben: Person
) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    alex = (await salle.track(ben, "fencer", ALEX))["tracked"]
    await salle.look()
    salle.site.register(ALEX, EPEE, on="fencer")
    await salle.look(again=True)
    assert (await ben.ask("DELETE", f"/api/fencers/{alex['id']}")).status_code == 204
    salle.site.register(BLAKE, SABER)
    await salle.look(again=True)
    assert sorted((await salle.kinds())[2:]) == ["registered", "withdrawn"]


async def test_one_registration_on_two_pages_is_one(salle: Salle, ada: Person) -> None:
    salle.stage()
    salle.site.configure(layout=2025)
    await salle.track(ada, "fencer", ALEX)
    await salle.track(ada, "club", CLUB)
    await salle.look()
    (count,) = await salle.people.rows("SELECT count(*) AS all FROM fencing_registrations")
    assert count["all"] == 2
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    assert await followers(salle) == [{ada.id}]


async def test_somebody_whom_the_club_does_not_link_is_one_person_with_their_page(salle: Salle, ada: Person) -> None:
    salle.stage()
    salle.site.add_fencer(ALEX, "Alex Abendroth", CLUB, linked=False)
    await salle.track(ada, "club", CLUB)
    await salle.look()
    assert await salle.kinds() == ["registered", "registered"]
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    await salle.look(again=True)
    assert await salle.kinds() == ["registered", "registered"]
    owners = await salle.people.rows(
        "SELECT f.upstream_id FROM fencing_registrations r JOIN fencers f ON f.id = r.fencer_id ORDER BY 1"
    )
    assert [row["upstream_id"] for row in owners] == [ALEX, BLAKE]
    salle.site.register(ALEX, SABER, on="club")
    await salle.look(again=True)
    salle.site.withdraw(ALEX, EPEE)
    await salle.look(again=True)
    assert await salle.kinds() == ["registered", "registered", "registered", "withdrawn"]


async def test_somebody_whom_two_clubs_name_without_a_link_is_one_person_with_their_page(
    salle: Salle, ada: Person
) -> None:
    salle.stage()
    salle.site.add_club(OTHER_CLUB, "Second Hall")
    salle.site.add_fencer(ALEX, "Alex Abendroth", CLUB, linked=False)
    salle.site.add_fencer(CASEY, "Alex Abendroth", OTHER_CLUB, linked=False)
    salle.site.register(CASEY, EPEE)
    clubs = [(await salle.track(ada, "club", club))["tracked"]["id"] for club in (CLUB, OTHER_CLUB)]
    await salle.look()
    alex = (await salle.track(ada, "fencer", ALEX))["tracked"]["id"]
    await salle.look()
    shown = await salle.read(ada, f"/api/fencers/{alex}")
    assert (shown["tracked"]["status"], len(shown["registrations"])) == ("completed", 1)
    (registration,) = shown["registrations"]
    for club in clubs:
        listed = await salle.read(ada, f"/api/clubs/{club}")
        assert registration["id"] in {one["id"] for one in listed["registrations"]}
    await salle.look(again=True)
    assert await salle.told() == []


async def test_a_look_reads_its_own_registrations_and_not_everybodys(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    await salle.look()
    await salle.execute("INSERT INTO fencers (id, upstream_id) SELECT uuidv7(), n FROM generate_series(1, 20000) AS n")
    await salle.execute(
        "INSERT INTO fencing_registrations (id, fencer_id, event_id, first_seen_at, last_seen_at)"
        " SELECT uuidv7(), f.id, (SELECT id FROM fencing_events LIMIT 1), now(), now() FROM fencers f"
        " WHERE f.upstream_id <= 20000"
    )
    await salle.execute("ANALYZE fencing_registrations")
    pairs = await salle.people.rows("SELECT fencer_id, event_id FROM fencing_registrations LIMIT 100")
    values = {
        "target_id": uuid4(),
        "pairs": msgspec.json.encode([dict(pair) for pair in pairs]).decode(),
        "today": salle.clock.now().date(),
    }
    plan = await salle.container.reader().rows(text(f"EXPLAIN {LISTED}"), values)
    assert [row for row in plan if "Seq Scan on fencing_registrations" in row["QUERY PLAN"]] == []


async def test_a_day_that_no_page_names_any_more_gives_way(salle: Salle, ada: Person) -> None:
    salle.stage()
    alex = (await salle.track(ada, "fencer", ALEX))["tracked"]
    await salle.look()
    assert (await ada.ask("DELETE", f"/api/fencers/{alex['id']}")).status_code == 204
    salle.site.move(EPEE, "2026-12-20")
    club = (await salle.track(ada, "club", CLUB))["tracked"]
    await salle.look()
    shown = await salle.read(ada, f"/api/clubs/{club['id']}")
    assert {one["fencer"]: one["date"] for one in shown["registrations"]} == {
        "Alex Abendroth": "2026-12-20",
        "Blake Brandauer": SOON,
    }


async def test_an_event_that_is_over_leaves_without_a_withdrawal(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    await salle.execute("UPDATE fencing_events SET held_on = '2026-11-21'")
    salle.site.withdraw(ALEX, EPEE)
    await salle.look(again=True)
    assert await salle.kinds() == ["registered"]


async def test_next_seasons_tournament_of_the_same_name_is_another(salle: Salle, ada: Person) -> None:
    salle.stage()
    salle.site.add_event(19_900, "Junior Women\u2019s Epee (JNRWE)", "October NAC", "2027-10-09")
    salle.site.register(ALEX, 19_900)
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    seasons = await salle.people.rows("SELECT season FROM fencing_tournaments ORDER BY season")
    assert [row["season"] for row in seasons] == [2027, 2028]


async def test_filters_decide_who_is_told(salle: Salle, ada: Person, ben: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB, weapons="foil")
    await salle.track(ben, "fencer", ALEX)
    await salle.look()
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    assert await followers(salle) == [{ben.id}]


async def test_what_the_fencers_page_told_first_is_told_to_who_follows_the_club_alone(
    salle: Salle, ada: Person, ben: Person
) -> None:
    salle.stage()
    both = await salle.people.register("cara")
    await salle.track(ada, "club", CLUB)
    await salle.track(ben, "fencer", ALEX)
    for kind, given in (("club", CLUB), ("fencer", ALEX)):
        await salle.track(both, kind, given)
    await salle.look()
    salle.site.register(ALEX, SABER, on="fencer")
    await salle.look(again=True)
    assert await followers(salle) == [{ben.id, both.id}]
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    await salle.look(again=True)
    assert (await followers(salle))[1:] == [{ada.id}]
    assert await salle.kinds() == ["registered", "registered", "registered"]


async def test_the_first_look_at_a_club_is_news_to_who_follows_its_fencers(
    salle: Salle, ada: Person, ben: Person
) -> None:
    salle.stage()
    await salle.track(ben, "fencer", ALEX)
    await salle.look()
    salle.site.register(ALEX, SABER)
    await salle.track(ada, "club", CLUB)
    await salle.look()
    await salle.look(again=True)
    assert await followers(salle) == [{ben.id}]


async def test_unchanged_pages_are_skipped_but_read_anew_when_they_are_old(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    (first,) = await salle.people.rows("SELECT read_at FROM fencers WHERE read_at IS NOT NULL")
    await salle.look(again=True)
    assert await salle.people.rows("SELECT read_at FROM fencers WHERE read_at IS NOT NULL") == [first]
    assert await salle.job("fencers.invalidate_old_pages") == 0
    salle.clock.ahead += timedelta(hours=80)
    assert await salle.job("fencers.invalidate_old_pages") == 1
    assert await salle.job("fencers.invalidate_old_pages") == 0
    await salle.look(again=True)
    (again,) = await salle.people.rows("SELECT read_at FROM fencers WHERE read_at IS NOT NULL")
    assert again["read_at"] > first["read_at"]
    assert await salle.kinds() == ["registered"]


@pytest.mark.parametrize(
    ("login", "reason"), [("redirect", "login_required"), ("form", "login_required"), ("elsewhere", "login_required")]
)
async def test_a_login_wall_is_a_state_of_its_own_and_nobody_is_withdrawn(
    salle: Salle, ada: Person, login: str, reason: str
) -> None:
    salle.stage()
    made = (await salle.track(ada, "fencer", ALEX))["tracked"]
    await salle.look()
    salle.site.configure(login=login)
    with capture_logs() as logs:
        await salle.look(again=True)
    shown = (await salle.read(ada, f"/api/fencers/{made['id']}"))["tracked"]
    assert (shown["status"], shown["reason"], shown["registrations"]) == ("failed", reason, 1)
    assert await salle.kinds() == ["registered"]
    assert [entry["log_level"] for entry in logs if entry["event"] == "page_failed"] == ["error"]


async def test_a_layout_that_changed_is_loud_and_nobody_is_withdrawn(salle: Salle, ada: Person) -> None:
    salle.stage()
    made = (await salle.track(ada, "club", CLUB))["tracked"]
    await salle.look()
    salle.site.fault("/club/*", "changed")
    await salle.look(again=True)
    shown = (await salle.read(ada, f"/api/clubs/{made['id']}"))["tracked"]
    assert (shown["status"], shown["reason"], shown["registrations"]) == ("failed", "page_changed", 2)


async def test_a_club_whose_tables_are_gone_has_changed_its_layout(salle: Salle, ada: Person) -> None:
    salle.stage()
    made = (await salle.track(ada, "club", CLUB))["tracked"]
    await salle.look()
    salle.site.withdraw(ALEX, EPEE)
    salle.site.withdraw(BLAKE, FOIL)
    await salle.look(again=True)
    shown = (await salle.read(ada, f"/api/clubs/{made['id']}"))["tracked"]
    assert (shown["status"], shown["reason"]) == ("failed", "page_changed")
    assert "layout changed" in shown["error"]
    assert await salle.kinds() == ["registered", "registered"]


async def test_a_club_where_nobody_is_registered_is_no_failure(salle: Salle, ada: Person) -> None:
    salle.site.add_club(OTHER_CLUB, "Empty Hall")
    made = (await salle.track(ada, "club", OTHER_CLUB))["tracked"]
    await salle.look()
    shown = (await salle.read(ada, f"/api/clubs/{made['id']}"))["tracked"]
    assert (shown["status"], shown["name"], shown["registrations"]) == ("completed", "Empty Hall", 0)


async def test_a_slug_of_the_sites_own_is_followed(salle: Salle, ada: Person) -> None:
    salle.stage()
    salle.site.configure(slugs=True)
    made = (await salle.track(ada, "fencer", ALEX))["tracked"]
    await salle.look()
    shown = await salle.read(ada, f"/api/fencers/{made['id']}")
    assert len(shown["registrations"]) == 1


async def test_the_history_pages_through_what_became_known(salle: Salle, ada: Person) -> None:
    salle.stage()
    made = (await salle.track(ada, "club", CLUB))["tracked"]
    await salle.look()
    salle.site.move(EPEE, None)
    await salle.look(again=True)
    salle.site.move(EPEE, SOON)
    salle.site.withdraw(BLAKE, FOIL)
    await salle.look(again=True)
    first = await salle.read(ada, f"/api/clubs/{made['id']}/history?limit=2")
    assert [one["kind"] for one in first["items"]] == ["withdrawn", "registered"]
    rest = await salle.read(ada, f"/api/clubs/{made['id']}/history?before={first['next_before']}")
    assert ([one["kind"] for one in rest["items"]], rest["next_before"]) == (["registered"], None)


async def test_what_changed_long_ago_goes_and_the_registrations_stay(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    await salle.look()
    salle.clock.ahead += timedelta(days=390)
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    registered = await salle.people.rows("SELECT id FROM fencing_registrations ORDER BY id")
    assert await salle.job("fencers.remove_old_changes") == 0
    salle.clock.ahead += timedelta(days=20)
    assert await salle.job("fencers.remove_old_changes") == 2
    assert len(await salle.kinds()) > 0
    assert await salle.people.rows("SELECT id FROM fencing_registrations ORDER BY id") == registered


async def test_a_page_that_is_being_recorded_does_not_hold_up_the_relay(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    async with locked(salle.container, "FROM fencing_clubs"):
        looking = asyncio.create_task(salle.look())
        await waiting(salle.container, 1)  # in the middle of the recording
        await salle.track(ada, "fencer", BLAKE)
        await salle.container.events.relay().run()
        waits = await salle.people.rows("SELECT event FROM outbox_events WHERE relayed_at IS NULL")
    await looking
    assert waits == []
    assert await salle.kinds() == ["registered", "registered"]
