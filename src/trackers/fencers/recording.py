"""How a page's entries become what is stored: which are new, came back, moved, are gone. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from trackers.fencers.dates import same_day_of_year
from trackers.fencers.links import SubjectKind
from trackers.fencers.names import fold_person
from trackers.fencers.parser import PageEntry

MAX_AHEAD_DAYS: Final = 400
"""What is to come was registered for, and told of, within so many days: a season is a year. What is older is the past,
and reading it each time would cost more every year.
"""


NAME: Final = "name"


def name_key(name: str) -> str:
    """The key under which a fencer is blocked where a page gives a name only."""
    return f"{NAME}:{fold_person(name)}"


def block_key(entry: PageEntry) -> str:
    """The key under which the fencer of an entry may be blocked: the site's number, else the name."""
    return name_key(entry.fencer) if entry.fencer_id is None else f"{SubjectKind.FENCER}:{entry.fencer_id}"


class ChangeKind(StrEnum):
    """What became known of a registration."""

    REGISTERED = "registered"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    MOVED = "moved"


class ListedRegistration(Struct, frozen=True, kw_only=True):
    """A registration as it is stored, and what the page said of it last."""

    registration_id: UUID
    event_id: UUID
    held_on: date | None
    withdrawn: bool
    listed: bool
    """Whether this page told of it last time."""
    listed_on: date | None
    told_here: bool
    """Whether this page ever told of it."""
    elsewhere: bool
    """Whether another page that is looked at tells of it."""


class Change(Struct, frozen=True, kw_only=True):
    """One thing that became known."""

    registration_id: UUID
    kind: ChangeKind
    day_before: date | None = None
    day: date | None = None


def day_now(entry: PageEntry, known: ListedRegistration) -> date | None:
    """The event's day after a page named it: a page changes it only by naming another than it did before.

    So two pages that disagree do not move it to and fro. A day that is open never takes a known one away, and a year
    that was worked out never moves a day by a year.
    """
    if entry.day is None or known.held_on is None:
        return entry.day or known.held_on
    if not entry.year_told and same_day_of_year(entry.day, known.held_on):
        return known.held_on
    if known.listed and known.listed_on is not None and entry.day != known.listed_on:
        if not entry.year_told and same_day_of_year(entry.day, known.listed_on):
            return known.held_on
        return entry.day
    return known.held_on


def settles_day(entry: PageEntry, held_on: date | None, upheld: bool) -> bool:
    """Whether a page settles an event's day by itself: none was known, or no other page names that one any more."""
    if held_on is None:
        return True
    if upheld or entry.day is None:
        return False
    return entry.year_told or not same_day_of_year(entry.day, held_on)


def missing_from(
    listed: Iterable[ListedRegistration], seen: Mapping[UUID, PageEntry], *, today: date
) -> list[ListedRegistration]:
    """What a page told of once and does not any more; an event that has begun leaves the page by itself."""
    return [
        one
        for one in listed
        if one.told_here and one.registration_id not in seen and (one.held_on is None or one.held_on > today)
    ]


def withdrawn(missing: Sequence[ListedRegistration]) -> list[Change]:
    """Of those that a page has no more, the ones that no other page has either."""
    return [
        Change(registration_id=one.registration_id, kind=ChangeKind.WITHDRAWN, day=one.held_on)
        for one in missing
        if not one.withdrawn and not one.elsewhere
    ]


def is_news(known: ListedRegistration, today: date) -> bool:
    """Whether a registration is news to who has not heard of it: to come, and nothing else is told of it now."""
    return not known.withdrawn and (known.held_on is None or known.held_on >= today)
