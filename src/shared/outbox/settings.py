"""Settings of the outbox."""

from typing import Annotated

from msgspec import Meta

from shared.settings import LONGEST_AGE, SettingsStruct


class OutboxSettings(SettingsStruct, frozen=True, kw_only=True):
    """Events for bots and notifications."""

    outbox_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days that events are kept for bots to read after they were relayed, and dead ones for a "
            "second try. 0: for ever.",
        ),
    ] = 30
