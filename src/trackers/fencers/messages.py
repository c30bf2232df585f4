"""Updates of registrations: the payloads of events (Structs) and the messages for people. Pure."""

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
    """A change of a registration."""

    kind: ChangeKind
    tournament: str
    event: str
    event_url: str | None
    day_before: date | None
    day: date | None


class FencerUpdate(Struct, frozen=True, kw_only=True):
    """Changes of a fencer's registrations, all for one weapon, so that a weapon filter applies to all of them."""

    fencer_id: UUID
    name: str
    url: str | None
    weapon: str | None
    clubs: Sequence[UUID]
    """Clubs whose pages list the registrations; their followers are notified besides those of the fencer."""
    known_through: Sequence[UUID] = ()
    """Ids of the fencer or of clubs whose followers know the changes already."""
    changes: Sequence[RegistrationChange]


class RegistrationMessages:
    """Writes messages, such as `Registered: Junior Women's Epee (JNRWE), October NAC, Sat 4 Oct 2026`."""

    events: Final = frozenset({CHANGED})

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        """Write the message of an event; it is the same for every recipient. None without changes."""
        update = msgspec.convert(event.payload, FencerUpdate)
        if not update.changes:
            return None
        return Message(title=update.name, lines=tuple(in_words(change) for change in update.changes), url=update.url)


def in_words(change: RegistrationChange) -> str:
    """Return the line of a message about a change."""
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
    """Format a day, such as `Sat 4 Oct 2026`; an open day is `date to be announced`."""
    return "date to be announced" if day is None else f"{day:%a} {day.day} {day:%b %Y}"
