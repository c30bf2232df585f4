"""What goes out: one message to one channel, of one event or of several that were gathered; and how that can fail."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from shared.events import Event
from users.notifications.messages import Message
from users.notifications.schemas import ChannelAddress


class MessageUpdate(Struct, frozen=True, kw_only=True):
    """One event in words."""

    event: Event
    message: Message


class OutboundMessage(Struct, frozen=True, kw_only=True):
    """What is sent at once; under the same id however often."""

    id: UUID
    news: tuple[MessageUpdate, ...]

    @property
    def title(self) -> str:
        return self.news[0].message.title if len(self.news) == 1 else f"{len(self.news)} things happened"

    @property
    def occurred_at(self) -> datetime:
        """When the last of it happened."""
        return max(one.event.occurred_at for one in self.news)

    @property
    def text(self) -> str:
        """All of it as plain text, without the title of a single one."""
        alone = len(self.news) == 1
        return "\n\n".join(
            "\n".join((*(() if alone else (message.title,)), *message.lines, *((message.url,) if message.url else ())))
            for message in (one.message for one in self.news)
        )


class SendFailed(Exception):  # noqa: N818 -- what happened
    """It did not go out, or nobody knows. The text is shown to the channel's owner: it holds no secrets."""

    def __init__(
        self, why: str, *, retry_after: float | None = None, for_good: bool = False, ours: bool = False
    ) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after
        """Seconds that the other side asks us to wait."""
        self.for_good = for_good
        """Nothing will ever arrive there."""
        self.ours = ours
        """A part of ours failed (the mail server, say); the channel is not to blame."""


class Transport(Protocol):
    """Carries to one kind of channel. Raises SendFailed."""

    async def send(self, target: ChannelAddress, outbound: OutboundMessage) -> None: ...

    async def challenge(self, target: ChannelAddress, code: str) -> bool:
        """Have the channel prove that it reaches its owner; whether it did so at once. Else the code is typed in."""


def code_message(code: str) -> tuple[str, str]:
    """Title and text of a message that brings a code."""
    return "Confirm this channel", f"Your code is {code}. Whoever asked for it types it in; if nobody did, ignore this."
