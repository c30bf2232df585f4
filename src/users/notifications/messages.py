"""What is said about an event: every module says it of its own events."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from shared.outbox.events import Event


class Reader(Struct, frozen=True, kw_only=True):
    """For whom a message is written."""

    locale: str
    time_zone: str


class Message(Struct, frozen=True, kw_only=True):
    """What somebody is told; channels give it their form."""

    title: str
    """One line, without markup: what it is about."""
    lines: tuple[str, ...]
    """The news itself, a diff and not 'updated'; without markup."""
    url: str | None = None
    """Where to look."""


class Recipient(Struct, frozen=True, kw_only=True):
    """Whom an event is news to, and through which thing of theirs (a tracker, a watch)."""

    user_id: UUID
    subject_id: UUID
    private: bool = False
    """Nobody else's business: the channels of their guilds are not told."""


class MessageWriter(Protocol):
    """Puts a module's events into words."""

    events: frozenset[str]

    def write(self, event: Event, subject_id: UUID, reader: Reader, /) -> Message | None:
        """What a recipient is told; None where there is nothing to say."""


class Notifier(Protocol):
    """Has people told, from inside a handler's transaction; the sending comes later."""

    async def notify(self, event: Event, recipients: Sequence[Recipient]) -> int:
        """One delivery to each verified channel of each recipient, as they prefer, and to those of their guilds; how
        many. Repeated for the same event it adds none. Events whose payload names a `batch` gather for who prefers so.
        """

    async def release(self, batch: str) -> None:
        """A batch is complete: what gathered in it is told now, in one message a channel."""
