"""Messages about channels themselves: a test, or the suspension of another channel."""

from typing import Final
from uuid import UUID

from shared.events import Event
from users.notifications.messages import Message, RecipientLocale

TEST: Final = "channel.test"
SUSPENDED: Final = "channel.suspended"


class ChannelMessages:
    """Writes messages about channels (a MessageWriter)."""

    events: Final = frozenset({TEST, SUSPENDED})

    def write(self, event: Event, subject_id: UUID, locale: RecipientLocale) -> Message | None:  # noqa: ARG002 -- the protocol passes them
        if event.event == TEST:
            return Message(title="This is a test", lines=("This channel works. Updates will look like this.",))
        payload = event.payload
        return Message(
            title=f"Your channel {payload['name']} was suspended",
            lines=(
                f"Messages to {payload['address']} could not be sent: {payload['because']}.",
                "Fix the problem, then resume the channel.",
            ),
        )
