"""What became known of registrations, in Structs for events and in words for people. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.events import Event
from trackers.fencers.recording import ChangeKind
from users.notifications.messages import Message, RecipientLocale

CHANGED: Final = "fencer.registrations_changed"


class RegistrationChange(Struct, frozen=True, kw_only=True):
    """What became known of one registration."""

    kind: ChangeKind
    tournament: str
    event: str
    event_url: str | None
    day_before: date | None
    day: date | None


class FencerUpdate(Struct, frozen=True, kw_only=True):
    """What an event tells of a fencer; all of one weapon, so that filters decide about the whole of it."""

    fencer_id: UUID
    name: str
    url: str | None
    weapon: str | None
    clubs: Sequence[UUID]
    """To whose followers it is news, besides the fencer's: their pages tell of it."""
    known_through: Sequence[UUID] = ()
    """Whoever follows one of these, the fencer or a club, knows it already."""
    changes: Sequence[RegistrationChange]


class RegistrationMessages:
    """Says what became known: `Registered: Junior Women's Epee (JNRWE), October NAC, Sat 4 Oct 2026`."""

    events: Final = frozenset({CHANGED})

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        """The same for everybody whose filter lets the weapon through."""
        news = msgspec.convert(event.payload, FencerUpdate)
        if not news.changes:
            return None
        return Message(title=news.name, lines=tuple(in_words(change) for change in news.changes), url=news.url)


def in_words(change: RegistrationChange) -> str:
    """One line of news."""
    what = f"{change.event}, {change.tournament}"
    match change.kind:
        case ChangeKind.MOVED:
            return f"New date: {what}: {shown_day(change.day_before)} -> {shown_day(change.day)}"
        case ChangeKind.WITHDRAWN:
            return f"Withdrawn: {what}, {shown_day(change.day)}"
        case ChangeKind.RETURNED:
            return f"Registered again: {what}, {shown_day(change.day)}"
        case _:
            return f"Registered: {what}, {shown_day(change.day)}"


def shown_day(day: date | None) -> str:
    """`Sat 4 Oct 2026`; what is open says so."""
    return "date to be announced" if day is None else f"{day:%a} {day.day} {day:%b %Y}"
