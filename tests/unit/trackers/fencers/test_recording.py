"""What a page changes, and what several changes come to."""

from datetime import date
from itertools import product
from uuid import uuid4

import pytest

from trackers.fencers.digest import _Net, _net
from trackers.fencers.messages import RegistrationChange, in_words
from trackers.fencers.parser import PageEntry
from trackers.fencers.recording import ChangeKind, ListedRegistration, day_now, missing_from, withdrawn

TODAY = date(2026, 11, 22)
DAY, OTHER, NEXT_YEAR = date(2026, 12, 12), date(2026, 12, 13), date(2027, 12, 12)


def entry(day: date | None, *, told: bool = True) -> PageEntry:
    return PageEntry(
        fencer_id=1, fencer="A", tournament="T", event_id=2, event="E", code=None, weapon=None, day=day, year_told=told
    )


def listed(
    held_on: date | None = DAY,
    *,
    by_page: date | None = DAY,
    here: bool = True,
    elsewhere: bool = False,
    gone: bool = False,
) -> ListedRegistration:
    return ListedRegistration(
        registration_id=uuid4(),
        event_id=uuid4(),
        held_on=held_on,
        withdrawn=gone,
        listed=here,
        listed_on=by_page,
        told_here=here,
        elsewhere=elsewhere,
    )


@pytest.mark.parametrize(
    ("says", "told", "known", "day"),
    [
        (OTHER, True, listed(), OTHER),  # the page named another day than before
        (DAY, True, listed(OTHER), OTHER),  # it says what it said: another page moved the event
        (None, False, listed(), DAY),  # an open day takes none away
        (DAY, True, listed(None, by_page=None), DAY),
        (NEXT_YEAR, False, listed(), DAY),  # the same day, its year only worked out
        (NEXT_YEAR, True, listed(), NEXT_YEAR),
        (OTHER, True, listed(here=False, by_page=None), DAY),  # a page that tells of it for the first time
    ],
)
def test_a_page_moves_an_event_by_naming_another_day_than_it_did(
    says: date | None, told: bool, known: ListedRegistration, day: date
) -> None:
    assert day_now(entry(says, told=told), known) == day


def test_two_pages_that_disagree_move_nothing_to_and_fro() -> None:
    held = DAY
    pages = {"fencer": (DAY, DAY), "club": (OTHER, OTHER)}  # what each says now, and said before
    for _ in range(5):
        for says, before in pages.values():
            held = day_now(entry(says), listed(held, by_page=before)) or held
    assert held == DAY


@pytest.mark.parametrize(
    ("held_on", "missing"), [(TODAY, False), (date(2026, 11, 1), False), (DAY, True), (None, True)]
)
def test_what_has_begun_leaves_by_itself(held_on: date | None, missing: bool) -> None:
    one = listed(held_on)
    assert bool(missing_from([one], {}, today=TODAY)) is missing


def test_withdrawn_is_what_no_page_has() -> None:
    gone, there, known = listed(), listed(elsewhere=True), listed(gone=True)
    assert [change.registration_id for change in withdrawn([gone, there, known])] == [gone.registration_id]


R, W, B, M = ChangeKind.REGISTERED, ChangeKind.WITHDRAWN, ChangeKind.RETURNED, ChangeKind.MOVED


@pytest.mark.parametrize(
    ("kinds", "net"),
    [
        ([R], _Net.NEW), ([R, M], _Net.NEW), ([W], _Net.GONE), ([M], _Net.MOVED), ([B], _Net.BACK),
        ([W, B], _Net.NOTHING),
        ([R, W], _Net.CAME_AND_WENT), ([R, W, B], _Net.NEW), ([W, B, M], _Net.MOVED), ([M, W], _Net.GONE),
        ([B, W], _Net.CAME_AND_WENT), ([W, B, W], _Net.GONE),
    ],
)  # fmt: skip
def test_changes_of_a_window_come_to_one_thing(kinds: list[ChangeKind], net: _Net) -> None:
    assert _net(kinds) is net


def test_whatever_happens_comes_to_something() -> None:
    for length in range(1, 5):
        for kinds in product(ChangeKind, repeat=length):
            assert isinstance(_net(kinds), _Net)


def test_changes_in_words() -> None:
    def say(kind: ChangeKind, before: date | None = None, day: date | None = DAY) -> str:
        return in_words(
            RegistrationChange(
                kind=kind, tournament="October NAC", event="Epee (JNRWE)", event_url=None, day_before=before, day=day
            )
        )

    assert say(R) == "Registered: Epee (JNRWE), October NAC, Sat 12 Dec 2026"
    assert say(M, before=None) == "New date: Epee (JNRWE), October NAC: date to be announced -> Sat 12 Dec 2026"
    assert say(W, day=None) == "Withdrawn: Epee (JNRWE), October NAC, date to be announced"
