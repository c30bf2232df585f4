"""Outbound messages: one message to one channel, about one event or several; and the failure to send one."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from shared.events import Event
from users.notifications.messages import Message
from users.notifications.schemas import ChannelAddress


class MessageUpdate(Struct, frozen=True, kw_only=True):
    """An event with its message."""

    event: Event
    message: Message


class OutboundMessage(Struct, frozen=True, kw_only=True):
    """A message to send; every attempt has the same id."""

    id: UUID
    news: tuple[MessageUpdate, ...]

    @property
    def title(self) -> str:
        return self.news[0].message.title if len(self.news) == 1 else f"{len(self.news)} updates"

    @property
    def occurred_at(self) -> datetime:
        """Time of the latest event."""
        return max(update.event.occurred_at for update in self.news)

    @property
    def text(self) -> str:
        """All messages as plain text; a single message without its title."""
        alone = len(self.news) == 1
        return "\n\n".join(
            "\n".join((*(() if alone else (message.title,)), *message.lines, *((message.url,) if message.url else ())))
            for message in (update.message for update in self.news)
        )


class SendFailed(Exception):  # noqa: N818 -- an outcome, not always an error
    """A message was not sent, or maybe not. The text is shown to the channel's owner, so it contains no secrets."""

    def __init__(
        self, why: str, *, retry_after: float | None = None, for_good: bool = False, ours: bool = False
    ) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after
        """Seconds to wait, as the receiver asked."""
        self.for_good = for_good
        """True if the address will never accept a message."""
        self.ours = ours
        """True if a part of this installation failed, such as the mail server; the channel gets no failure counted."""


class Transport(Protocol):
    """Sends messages to one kind of channel. Raises SendFailed."""

    async def send(self, target: ChannelAddress, outbound: OutboundMessage) -> None: ...

    async def challenge(self, target: ChannelAddress, code: str) -> bool:
        """Challenge a channel; return True if it answered correctly, False if its owner must enter the code."""


def code_message(code: str) -> tuple[str, str]:
    """Return title and text of a message with a verification code."""
    text = (
        f"Your code is {code}. Enter it in Trackers within 30 minutes. If you did not ask for it, ignore this message."
    )
    return "Confirm this channel", text
