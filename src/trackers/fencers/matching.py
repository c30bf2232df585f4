"""Match page entries without a number to stored events, even if the day or name has changed. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from trackers.fencers.names import fold, fold_person, without_days
from trackers.fencers.parser import PageEntry

FURTHEST: Final = timedelta(days=183)
"""Maximum time by which an event is moved; an event further away is another one."""


class StoredEvent(Struct, frozen=True, kw_only=True):
    """An event as it is stored."""

    id: UUID
    upstream_id: int | None
    tournament_id: UUID
    code: str
    held_on: date | None
    upheld: bool = False
    """True if another fetched page names this day."""


class ListedEvent(StoredEvent, frozen=True, kw_only=True):
    """An event that a page listed at its last fetch, with its fencers on that page."""

    tournament: str
    """Folded name."""
    numbers: Sequence[int]
    """Numbers of the fencers."""
    names: Sequence[str]
    """Folded names of the fencers."""
    days: Sequence[date]
    """Days that the page named."""


def code_in(entry: PageEntry) -> str:
    """Return what identifies an event within its tournament: its code, or else its folded name."""
    return entry.code or fold(entry.event)


def same_event(entry: PageEntry, tournament: UUID, known: Iterable[StoredEvent]) -> StoredEvent | None:
    """Return the stored event with the tournament, code and day of an entry, unless both have a number."""
    for event in known:
        if event.tournament_id != tournament or event.code != code_in(entry) or _are_two(entry, event):
            continue
        if entry.day is None or event.held_on is None or entry.day == event.held_on:
            return event
    return None


def changed_events(
    entries: Mapping[int, tuple[str, PageEntry]], listed: Iterable[ListedEvent], *, taken: Collection[UUID]
) -> dict[int, ListedEvent]:
    """Match entries without a stored event to listed events whose day, or the day in their name, has changed.

    `entries`: place -> (folded tournament, entry). A listed event that the page no longer has under its old day (it is
    not in `taken`) is matched to a new entry for one of the same fencers. Several events with the same code are matched
    in the order of their days. Returns place -> event.
    """
    groups: dict[tuple[str, str], dict[tuple[str, date | None], list[int]]] = {}
    for place, (tournament, entry) in entries.items():
        alike = groups.setdefault((tournament, _undated(code_in(entry))), {})
        alike.setdefault((code_in(entry), entry.day), []).append(place)
    free: dict[tuple[str, str], list[ListedEvent]] = {}
    for event in listed:
        if event.id not in taken:
            free.setdefault((event.tournament, _undated(event.code)), []).append(event)
    matches: dict[int, ListedEvent] = {}
    for key, alike in groups.items():
        here = sorted(alike.values(), key=lambda places: _by_day(entries[places[0]][1].day))
        left = sorted(free.get(key, ()), key=lambda event: _by_day(event.held_on))
        # First the entries with the same day as before, even if another page has moved the event meanwhile.
        same_day = [(places, event) for places in here for event in left if entries[places[0]][1].day in event.days]
        for places, event in [*same_day, *((places, event) for places in here for event in left)]:
            if places in here and event in left and _is_moved([entries[place][1] for place in places], event):
                matches |= dict.fromkeys(places, event)
                here.remove(places)
                left.remove(event)
    return matches


def _is_moved(entries: Sequence[PageEntry], event: ListedEvent) -> bool:
    """True if entries may be a listed event with a new day: for one of its fencers, and not too far away."""
    entry = entries[0]
    if _are_two(entry, event):
        return False
    if entry.day is not None and event.held_on is not None and abs(entry.day - event.held_on) > FURTHEST:
        return False
    return any(e.fencer_id in event.numbers or fold_person(e.fencer) in event.names for e in entries)


def _are_two(entry: PageEntry, event: StoredEvent) -> bool:
    """True if both have a number, so that they are different events even if all else is equal."""
    return entry.event_id is not None and event.upstream_id is not None


def _undated(code: str) -> str:
    """Return the code without weekdays and dates; codes of the site, in capitals, stay as they are."""
    return code if code.isupper() else without_days(code)


def _by_day(day: date | None) -> date:
    return day or date.max
