"""Compare a page's entries with the stored registrations: new, returned, moved or withdrawn. Pure."""

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
"""Maximum days from the first listing of a registration to its event, because a season is a year.

Older rows are past, and reading them each time would cost more every year.
"""


NAME: Final = "name"


def name_key(name: str) -> str:
    """Return the key that blocks a fencer on pages that give only a name."""
    return f"{NAME}:{fold_person(name)}"


def block_key(entry: PageEntry) -> str:
    """Return the key under which the fencer of an entry may be blocked: the site's number, or else the name."""
    return name_key(entry.fencer) if entry.fencer_id is None else f"{SubjectKind.FENCER}:{entry.fencer_id}"


class ChangeKind(StrEnum):
    """Kind of a change of a registration."""

    REGISTERED = "registered"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    MOVED = "moved"


class ListedRegistration(Struct, frozen=True, kw_only=True):
    """A stored registration with its last listing on the page."""

    registration_id: UUID
    event_id: UUID
    held_on: date | None
    withdrawn: bool
    listed: bool
    """True if this page listed it at its last fetch."""
    listed_on: date | None
    told_here: bool
    """True if this page has ever listed it."""
    elsewhere: bool
    """True if another fetched page lists it."""


class Change(Struct, frozen=True, kw_only=True):
    """A change of a registration."""

    registration_id: UUID
    kind: ChangeKind
    day_before: date | None = None
    day: date | None = None


def day_now(entry: PageEntry, known: ListedRegistration) -> date | None:
    """Return the event's day after a page named a day; a page changes it only by naming another day than before.

    Thus two pages that disagree do not move the event to and fro. An open day never removes a known day, and an
    inferred year never moves a day by a year.
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
    """True if a page decides an event's day alone: no day is known, or no other page names the known day now."""
    if held_on is None:
        return True
    if upheld or entry.day is None:
        return False
    return entry.year_told or not same_day_of_year(entry.day, held_on)


def missing_from(
    listed: Iterable[ListedRegistration], seen: Mapping[UUID, PageEntry], *, today: date
) -> list[ListedRegistration]:
    """Return registrations that a page no longer lists, without events that have begun: those leave the page anyway."""
    return [
        registration
        for registration in listed
        if registration.told_here
        and registration.registration_id not in seen
        and (registration.held_on is None or registration.held_on > today)
    ]


def withdrawn(missing: Sequence[ListedRegistration]) -> list[Change]:
    """Return the withdrawals: missing registrations that no other page lists either."""
    return [
        Change(registration_id=registration.registration_id, kind=ChangeKind.WITHDRAWN, day=registration.held_on)
        for registration in missing
        if not registration.withdrawn and not registration.elsewhere
    ]


def is_news(known: ListedRegistration, today: date) -> bool:
    """True if a stored registration can be new to further followers.

    It must be upcoming and not withdrawn: if a withdrawn registration is listed again, that is a change of its own.
    """
    return not known.withdrawn and (known.held_on is None or known.held_on >= today)
