"""Settings of the outbox."""

from typing import Annotated

from msgspec import Meta

from shared.settings import SettingsStruct


class OutboxSettings(SettingsStruct, frozen=True, kw_only=True):
    """Events for bots and notifications."""

    outbox_keep_days: Annotated[
        int,
        Meta(
            ge=1,
            description="Days that events are kept for bots to read after they were relayed, and dead ones for a "
            "second try.",
        ),
    ] = 30
