"""Which known event an entry without a number is about; also when its day, or its name, has changed. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from trackers.fencers.names import fold, fold_person, without_days
from trackers.fencers.parser import PageEntry

FURTHEST: Final = timedelta(days=183)
"""That an event is moved by; further off it is another one."""


class StoredEvent(Struct, frozen=True, kw_only=True):
    """An event as it is known."""

    id: UUID
    upstream_id: int | None
    tournament_id: UUID
    code: str
    held_on: date | None
    upheld: bool = False
    """Whether another page that is looked at names this day."""


class ListedEvent(StoredEvent, frozen=True, kw_only=True):
    """One that a page told of last time, with who was in it."""

    tournament: str
    """Folded."""
    numbers: Sequence[int]
    """Of fencers."""
    names: Sequence[str]
    """Of fencers, folded."""
    days: Sequence[date]
    """That the page named."""


def code_in(entry: PageEntry) -> str:
    """What an event goes by within its tournament: its code, else its folded name."""
    return entry.code or fold(entry.event)


def same_event(entry: PageEntry, tournament: UUID, known: Iterable[StoredEvent]) -> StoredEvent | None:
    """An event known without a number, or by an entry without one: by tournament, code and day."""
    for event in known:
        if event.tournament_id != tournament or event.code != code_in(entry) or _are_two(entry, event):
            continue
        if entry.day is None or event.held_on is None or entry.day == event.held_on:
            return event
    return None


def changed_events(
    entries: Mapping[int, tuple[str, PageEntry]], told: Iterable[ListedEvent], *, taken: Collection[UUID]
) -> dict[int, ListedEvent]:
    """Of entries that are about no known event: those that have a new day, or a new name by its day.

    `entries`: place -> (folded tournament, entry). What a page told of, and has under its old day no more (it is not
    among the `taken`), is what stands there anew for one of the same fencers; several of one code in the order of their
    days.
    """
    groups: dict[tuple[str, str], dict[tuple[str, date | None], list[int]]] = {}
    for place, (tournament, entry) in entries.items():
        alike = groups.setdefault((tournament, _undated(code_in(entry))), {})
        alike.setdefault((code_in(entry), entry.day), []).append(place)
    free: dict[tuple[str, str], list[ListedEvent]] = {}
    for event in told:
        if event.id not in taken:
            free.setdefault((event.tournament, _undated(event.code)), []).append(event)
    found: dict[int, ListedEvent] = {}
    for key, alike in groups.items():
        here = sorted(alike.values(), key=lambda places: _by_day(entries[places[0]][1].day))
        left = sorted(free.get(key, ()), key=lambda event: _by_day(event.held_on))
        # What the page says as it said it, though another page has moved the event meanwhile.
        said = [(places, event) for places in here for event in left if entries[places[0]][1].day in event.days]
        for places, event in [*said, *((places, event) for places in here for event in left)]:
            if places in here and event in left and _is_moved([entries[place][1] for place in places], event):
                found |= dict.fromkeys(places, event)
                here.remove(places)
                left.remove(event)
    return found


def _is_moved(entries: Sequence[PageEntry], event: ListedEvent) -> bool:
    """Whether entries of one event may be what another event became: for one of its fencers, and not too far off."""
    entry = entries[0]
    if _are_two(entry, event):
        return False
    if entry.day is not None and event.held_on is not None and abs(entry.day - event.held_on) > FURTHEST:
        return False
    return any(one.fencer_id in event.numbers or fold_person(one.fencer) in event.names for one in entries)


def _are_two(entry: PageEntry, event: StoredEvent) -> bool:
    """Whether both have a number of their own, so that they are two, whatever else is the same."""
    return entry.event_id is not None and event.upstream_id is not None


def _undated(code: str) -> str:
    """What events go by that differ by their day alone; codes of the site, in capitals, as they are."""
    return code if code.isupper() else without_days(code)


def _by_day(day: date | None) -> date:
    return day or date.max
