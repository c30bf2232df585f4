"""What is said about an event: every module says it of its own events."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable
from uuid import UUID

from msgspec import Struct

from shared.events import Event


class RecipientLocale(Struct, frozen=True, kw_only=True):
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

    def write(self, event: Event, subject_id: UUID, locale: RecipientLocale, /) -> Message | None:
        """What a recipient is told; None where there is nothing to say."""


@runtime_checkable
class SendTimeWriter(MessageWriter, Protocol):
    """A MessageWriter that is asked once more when a message leaves: quiet hours may have kept it for a night."""

    async def enrich_at_send(self, events: Sequence[Event], /) -> Mapping[UUID, Sequence[str]]:
        """Event id -> lines for the person alone, which no event may hold and no guild's channel is told; of those that
        are news still. On a session of the sender's; repeatable.
        """


class Notifier(Protocol):
    """Has people told, from inside a handler's transaction; the sending comes later."""

    async def notify(self, event: Event, recipients: Sequence[Recipient]) -> int:
        """One delivery to each verified channel of each recipient, as they prefer, and to those of their guilds unless
        it is private; how many. Repeated for the same event it adds none. Events whose payload names a `batch` gather
        for who prefers so.
        """

    async def release(self, batch: str) -> None:
        """A batch is complete: what gathered in it is told now, in one message a channel."""
