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
            description="Days to keep events after they were relayed, for bots to read, and dead events, for a retry. "
            "0: without end.",
        ),
    ] = 30
