"""Which known event an entry without a number is about, when its day or its name has changed."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from trackers.fencers.matching import ListedEvent, changed_events
from trackers.fencers.names import fold, without_days
from trackers.fencers.parser import PageEntry

CUP, OTHER_CUP = "harbour cup", "october nac"
DAY, NEXT_DAY = date(2026, 12, 12), date(2026, 12, 13)
WEEK = timedelta(days=7)


def entry(
    day: date | None, *, name: str = "Foil (DV1MF)", code: str | None = "DV1MF", who: int = 1, number: int | None = None
) -> PageEntry:
    return PageEntry(
        fencer_id=who,
        fencer=f"Fencer {who}",
        tournament="Harbour Cup",
        event_id=number,
        event=name,
        code=code,
        weapon=None,
        day=day,
        year_told=True,
    )


def told(
    held_on: date | None,
    *,
    code: str = "DV1MF",
    who: int = 1,
    tournament: str = CUP,
    number: int | None = None,
    said: date | None = None,
) -> ListedEvent:
    return ListedEvent(
        id=uuid4(),
        upstream_id=number,
        tournament_id=uuid4(),
        code=code,
        held_on=held_on,
        tournament=tournament,
        numbers=[who],
        names=[],
        days=[day for day in (said or held_on,) if day is not None],
    )


def became(entries: list[PageEntry], events: list[ListedEvent], *taken: UUID) -> list[int | None]:
    """For each entry, which of the events it is."""
    found = changed_events({place: (CUP, one) for place, one in enumerate(entries)}, events, taken=taken)
    ids = [event.id for event in events]
    return [ids.index(found[place].id) if place in found else None for place in range(len(entries))]


def test_what_stands_under_another_day_is_the_same_event() -> None:
    assert became([entry(NEXT_DAY)], [told(DAY)]) == [0]


@pytest.mark.parametrize(
    "event",
    [
        told(DAY, who=2),
        told(DAY, code="DV1WF"),
        told(DAY, tournament=OTHER_CUP),
        told(DAY - timedelta(days=200)),
    ],
    ids=["of others", "of another code", "of another tournament", "too far off"],
)
def test_what_differs_by_more_is_another_event(event: ListedEvent) -> None:
    assert became([entry(NEXT_DAY)], [event]) == [None]


def test_an_event_that_still_stands_there_is_not_moved() -> None:
    event = told(DAY)
    assert became([entry(NEXT_DAY)], [event], event.id) == [None]


def test_two_numbers_are_two_events() -> None:
    assert became([entry(NEXT_DAY, number=7)], [told(DAY, number=8)]) == [None]
    assert became([entry(NEXT_DAY)], [told(DAY, number=8)]) == [0]
    assert became([entry(NEXT_DAY, number=7)], [told(DAY)]) == [0]


def test_two_days_of_one_code_move_in_their_order() -> None:
    events = [told(NEXT_DAY), told(DAY)]
    assert became([entry(DAY + WEEK), entry(NEXT_DAY + WEEK)], events) == [1, 0]


def test_all_who_stand_under_the_new_day_go_with_it() -> None:
    assert became([entry(NEXT_DAY, who=2), entry(NEXT_DAY)], [told(DAY)]) == [0, 0]


def test_a_page_that_says_what_it_said_means_the_event_that_another_page_moved() -> None:
    events = [told(DAY + WEEK, said=DAY), told(DAY + 2 * WEEK)]
    assert became([entry(DAY)], events) == [0]
    assert became([entry(DAY + 3 * WEEK), entry(DAY)], events) == [1, 0]


def test_a_name_that_says_its_day_may_change_with_it() -> None:
    on_sunday = entry(NEXT_DAY, name="Women\u2019s Foil, Sunday", code=None)
    assert became([on_sunday], [told(DAY, code=fold("Women\u2019s Foil, Saturday"))]) == [0]
    assert became([on_sunday], [told(DAY, code=fold("Men\u2019s Foil, Saturday"))]) == [None]


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("Foil Saturday", "foil"), ("Sat. Foil", "foil"), ("Foil (Dec 12th)", "foil"),
        ("Foil December 12, 2026", "foil"),
        ("Sunday", "sunday"), ("Thursday Night Saber", "night saber"), ("Saturn Foil", "saturn foil"),
    ],
)  # fmt: skip
def test_names_without_days(name: str, bare: str) -> None:
    assert without_days(fold(name)) == bare
