"""Messages about events: each module writes those of its own events."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable
from uuid import UUID

from msgspec import Struct

from shared.events import Event


class RecipientLocale(Struct, frozen=True, kw_only=True):
    """Language and time zone that a message is written for."""

    locale: str
    time_zone: str


class Message(Struct, frozen=True, kw_only=True):
    """Title, lines and link of a message; each transport formats them."""

    title: str
    """The subject: one line, without markup."""
    lines: tuple[str, ...]
    """The change itself, with old and new values instead of just 'updated'; without markup."""
    url: str | None = None
    """Page with the details."""


class Recipient(Struct, frozen=True, kw_only=True):
    """A person to notify of an event, and the subject through which they follow it (a tracker, a watch)."""

    user_id: UUID
    subject_id: UUID
    private: bool = False
    """True if channels of the person's guilds must not get it."""


class MessageWriter(Protocol):
    """Writes the messages about a module's events."""

    events: frozenset[str]

    def write(self, event: Event, subject_id: UUID, locale: RecipientLocale, /) -> Message | None:
        """Return the message for a recipient; None if there is nothing to report."""


@runtime_checkable
class SendTimeWriter(MessageWriter, Protocol):
    """A MessageWriter that is called again when a message leaves: quiet hours may have delayed it by a night."""

    async def enrich_at_send(self, events: Sequence[Event], /) -> Mapping[UUID, Sequence[str]]:
        """Return lines for the person alone: event id -> lines. Outdated events are missing, and are not sent.

        No event may contain these lines, and no guild's channel gets them. Runs on a session of the sender; repeatable.
        """


class Notifier(Protocol):
    """Creates deliveries in the transaction of a handler; a worker sends them later."""

    async def notify(self, event: Event, recipients: Sequence[Recipient]) -> int:
        """Create one delivery per verified channel of the recipients and their guilds; return how many are new.

        Recipients' preferences apply to their own channels. Guilds' channels get nothing private. A repeated call for
        the same event adds none. Events whose payload names a `batch` are gathered for people who prefer that.
        """

    async def release(self, batch: str) -> None:
        """Send the gathered deliveries of a complete batch now, as one message per channel."""
