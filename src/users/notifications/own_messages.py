"""What notifications themselves have to say: that a channel works, or that another one does not any more."""

from typing import Final
from uuid import UUID

from shared.events import Event
from users.notifications.messages import Message, RecipientLocale

TEST: Final = "channel.test"
SUSPENDED: Final = "channel.suspended"


class ChannelMessages:
    """A MessageWriter."""

    events: Final = frozenset({TEST, SUSPENDED})

    def write(self, event: Event, subject_id: UUID, locale: RecipientLocale) -> Message | None:  # noqa: ARG002 -- what every writer is asked
        if event.event == TEST:
            return Message(title="This is a test", lines=("This channel works: news will look like this.",))
        told = event.payload
        return Message(
            title=f"Your channel {told['name']} was suspended",
            lines=(
                f"It leads to {told['address']} and was given up on: {told['because']}.",
                "Put right what is wrong there, then resume the channel.",
            ),
        )
