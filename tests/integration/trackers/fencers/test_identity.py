"""What is one thing though pages write it differently: events without a link, fencers by name alone; told once."""

from typing import Any

import pytest
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import ALEX, CLUB, EPEE, FOIL, SABER, SOON, Salle, followers


async def changes(salle: Salle) -> list[tuple[Any, ...]]:
    return [
        (change["kind"], change["day_before"], change["day"])
        for news in await salle.told()
        for change in news["changes"]
    ]


@pytest.mark.parametrize("layout", [2025, 2026])
@pytest.mark.parametrize(
    ("name", "renamed"),
    [
        ("Junior Women\u2019s Epee (JNRWE)", "Junior Women\u2019s Epee (JNRWE)"),
        ("Women\u2019s Epee, Saturday", "Women\u2019s Epee, Sunday"),
    ],
    ids=["day", "name"],
)
async def test_a_new_day_of_an_event_without_a_link_is_told_as_one(
    salle: Salle, ada: Person, layout: int, name: str, renamed: str
) -> None:
    salle.stage()
    salle.site.configure(layout=layout)
    salle.site.add_event(EPEE, name, "October NAC", SOON, linked=False)
    club = (await salle.track(ada, "club", CLUB))["tracked"]["id"]
    await salle.look()
    salle.site.add_event(EPEE, renamed, "October NAC", "2026-12-13", linked=False)
    await salle.look(again=True)
    await salle.look(again=True)
    assert await changes(salle) == [("moved", SOON, "2026-12-13")]
    shown = await salle.read(ada, f"/api/clubs/{club}")
    assert [(one["event"], one["date"]) for one in shown["registrations"] if one["weapon"] == "epee"] == [
        (renamed, "2026-12-13")
    ]


async def test_a_day_that_moves_into_the_next_season_is_still_a_new_day(salle: Salle, ada: Person) -> None:
    salle.stage()
    salle.site.add_event(EPEE, "Junior Women\u2019s Epee (JNRWE)", "October NAC", "2027-07-31", linked=False)
    await salle.track(ada, "club", CLUB)
    await salle.look()
    salle.site.move(EPEE, "2027-08-07")
    await salle.look(again=True)
    await salle.look(again=True)
    assert await changes(salle) == [("moved", "2027-07-31", "2027-08-07")]


async def test_a_page_without_links_moves_the_event_that_another_page_numbers(
    salle: Salle, ada: Person, ben: Person
) -> None:
    salle.stage()
    salle.site.add_event(EPEE, "Junior Women\u2019s Epee (JNRWE)", "October NAC", SOON, linked=False)
    await salle.track(ada, "club", CLUB)
    await salle.track(ben, "fencer", ALEX)
    await salle.look()
    salle.site.move(EPEE, "2026-12-13")
    await salle.look(again=True)
    await salle.look(again=True)
    assert await changes(salle) == [("moved", SOON, "2026-12-13")]
    assert await followers(salle) == [{ada.id, ben.id}]


async def test_who_changes_to_another_day_of_an_event_without_a_link_withdrew_from_the_first(
    salle: Salle, ada: Person
) -> None:
    salle.stage()
    salle.site.add_event(EPEE, "Junior Women\u2019s Epee (JNRWE)", "October NAC", SOON, linked=False)
    salle.site.add_event(18_777, "Junior Women\u2019s Epee (JNRWE)", "October NAC", "2026-12-13", linked=False)
    salle.site.register(100_000_012, 18_777)
    await salle.track(ada, "club", CLUB)
    await salle.look()
    salle.site.withdraw(ALEX, EPEE)
    salle.site.register(ALEX, 18_777)
    await salle.look(again=True)
    assert sorted(kind for kind, *_ in await changes(salle)) == ["registered", "withdrawn"]


async def by_name_alone(salle: Salle, *people: Person) -> Person:
    """Ada follows the club, Ben the fencer, Cara both; the club has told of the saber by the fencer's name alone."""
    ada, ben = people
    both = await salle.people.register("cara")
    salle.stage()
    salle.site.add_fencer(ALEX, "Alex Abendroth", CLUB, linked=False)
    salle.site.register(ALEX, EPEE, on="fencer")
    await salle.track(ada, "club", CLUB)
    await salle.track(ben, "fencer", ALEX)
    await salle.track(both, "club", CLUB)
    await salle.track(both, "fencer", ALEX)
    await salle.look()
    salle.site.register(ALEX, SABER, on="club")
    await salle.look(again=True)
    assert await followers(salle) == [{ada.id, both.id}]
    return both


@pytest.mark.parametrize("identified_by", ["the fencer's page", "a link on the club's"])
async def test_what_a_name_told_is_told_to_who_follows_the_fencer_when_it_turns_out_whose_it_is(
    salle: Salle, ada: Person, ben: Person, identified_by: str
) -> None:
    await by_name_alone(salle, ada, ben)
    if identified_by == "the fencer's page":
        salle.site.register(ALEX, SABER)
    else:
        salle.site.add_fencer(ALEX, "Alex Abendroth", CLUB)
    await salle.look(again=True)
    await salle.look(again=True)
    assert (await followers(salle))[1:] == [{ben.id}]
    assert (await salle.told())[-1]["changes"][0]["kind"] == "registered"
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    assert len(await followers(salle)) == 2, "both pages have told of it"
    salle.site.withdraw(ALEX, SABER)
    await salle.look(again=True)
    assert len((await followers(salle))[-1]) == 3


async def test_what_the_first_look_at_a_fencer_identifies_is_no_news_to_who_began_to_follow(
    salle: Salle, ada: Person, ben: Person
) -> None:
    salle.stage()
    salle.site.add_fencer(ALEX, "Alex Abendroth", CLUB, linked=False)
    await salle.track(ada, "club", CLUB)
    await salle.look()
    await salle.track(ben, "fencer", ALEX)
    await salle.look()
    assert await followers(salle) == []


async def test_what_a_clubs_page_has_no_more_is_not_the_clubs_while_the_fencers_still_has_it(
    salle: Salle, ada: Person, ben: Person
) -> None:
    salle.stage()
    club = (await salle.track(ada, "club", CLUB))["tracked"]["id"]
    alex = (await salle.track(ben, "fencer", ALEX))["tracked"]["id"]
    await salle.look()
    salle.site.register(ALEX, EPEE, on="fencer")
    await salle.look(again=True)
    shown = await salle.read(ada, f"/api/clubs/{club}")
    assert ([one["fencer"] for one in shown["registrations"]], shown["tracked"]["registrations"]) == (
        ["Blake Brandauer"],
        1,
    )
    assert len((await salle.read(ben, f"/api/fencers/{alex}"))["registrations"]) == 1
    assert await followers(salle) == [], "nobody withdrew"
    # A new day is the fencer's news alone; that it ended is told to all who heard of it.
    salle.site.move(EPEE, "2026-12-13")
    await salle.look(again=True)
    assert await followers(salle) == [{ben.id}]
    salle.site.withdraw(ALEX, EPEE)
    await salle.look(again=True)
    assert (await followers(salle))[1:] == [{ada.id, ben.id}]
    history = (await salle.read(ada, f"/api/clubs/{club}/history"))["items"]
    assert [one["kind"] for one in history if one["fencer"] == "Alex Abendroth"] == ["withdrawn", "registered"]


async def test_what_a_club_lists_again_is_the_clubs_again(salle: Salle, ada: Person, ben: Person) -> None:
    salle.stage()
    club = (await salle.track(ada, "club", CLUB))["tracked"]["id"]
    await salle.track(ben, "fencer", ALEX)
    await salle.look()
    salle.site.register(ALEX, EPEE, on="fencer")
    await salle.look(again=True)
    salle.site.register(ALEX, EPEE)
    await salle.look(again=True)
    assert (await salle.read(ada, f"/api/clubs/{club}"))["tracked"]["registrations"] == 2
    assert await followers(salle) == []


async def test_links_are_the_pages_own_whoever_pasted_what(salle: Salle, ada: Person, ben: Person) -> None:
    salle.stage()
    site = "https://fencingtracker.com"
    first = (await salle.track(ada, "fencer", f"{site}/p/{ALEX}/Visit-My-Shop"))["tracked"]
    club = (await salle.track(ada, "club", f"{site}/club/{CLUB}/Visit-My-Shop/registrations"))["tracked"]
    assert first["url"] == f"{site}/p/{ALEX}/x"
    await salle.look()
    second = (await salle.track(ben, "fencer", ALEX))["tracked"]
    assert second["url"] == f"{site}/p/{ALEX}/Alex-Abendroth"
    shown = await salle.read(ada, f"/api/clubs/{club['id']}")
    assert shown["tracked"]["url"] == f"{site}/club/{CLUB}/LakesideFencing/registrations"
    assert {one["fencer"]: one["fencer_url"] for one in shown["registrations"]} == {
        "Alex Abendroth": f"{site}/p/{ALEX}/Alex-Abendroth",
        "Blake Brandauer": f"{site}/p/100000012/Blake-Brandauer",
    }


async def test_a_page_that_links_nothing_of_its_own_is_named_by_where_the_site_sends_us_or_by_its_fencers(
    salle: Salle, ada: Person
) -> None:
    salle.stage()
    salle.site.configure(own_links=False, slugs=True)
    site = "https://fencingtracker.com"
    club = (await salle.track(ada, "club", f"{site}/club/{CLUB}/Visit-My-Shop/registrations"))["tracked"]
    alex = (await salle.track(ada, "fencer", f"{site}/p/{ALEX}/Visit-My-Shop"))["tracked"]
    await salle.look()
    assert (await salle.read(ada, f"/api/fencers/{alex['id']}"))["tracked"]["url"] == f"{site}/p/{ALEX}/Alex-Abendroth"
    named = (await salle.read(ada, f"/api/clubs/{club['id']}"))["tracked"]["url"]
    assert named == f"{site}/club/{CLUB}/LakesideFencing/registrations"


async def test_an_open_day_and_a_filled_one_of_an_event_without_a_link_are_one(salle: Salle, ada: Person) -> None:
    salle.stage()
    salle.site.add_event(FOIL, "Division I Men\u2019s Foil (DV1MF)", "October NAC", None, linked=False)
    await salle.track(ada, "club", CLUB)
    await salle.look()
    salle.site.move(FOIL, SOON)
    await salle.look(again=True)
    assert await changes(salle) == [("moved", None, SOON)]
