"""Channels, preferences and deliveries on the wire."""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from shared.events import Event
from shared.web.identity import Identity

EVERYTHING: Final = UUID(int=0)
"""The subject of a preference that is about all of them."""
ANY: Final = "*"
Url = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[!-~]+$(?!\n)")]
ChannelName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S", examples=["My server"])]
EventName = Annotated[
    str,
    Meta(pattern=r"^([a-z_]+\.[a-z_]+|\*)$(?!\n)", max_length=100, examples=["game_account.changed"]),
]
Code = Annotated[str, Meta(min_length=8, max_length=20, examples=["K7QD-93XM"])]


class ChannelKind(StrEnum):
    """What carries the news."""

    WEBHOOK = "webhook"
    DISCORD = "discord"
    EMAIL = "email"
    APPRISE = "apprise"


class ChannelState(StrEnum):
    """Whether a channel is told of anything."""

    UNVERIFIED = "unverified"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class DeliveryState(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Mode(StrEnum):
    """How somebody hears of an event: at once, gathered with what else a run brings, in their digest only, or not."""

    INSTANT = "instant"
    BATCHED = "batched"
    DIGEST = "digest"
    OFF = "off"


# ---- what comes in ----


class NewChannel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A way to reach somebody."""

    name: ChannelName | None = None


class NewWebhook(NewChannel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="webhook"):
    """An endpoint of one's own: signed JSON (docs/webhooks.md)."""

    url: Annotated[Url, Meta(examples=["https://bot.example.org/hooks/trackers"])]


class NewDiscord(NewChannel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="discord"):
    """A webhook of a Discord channel."""

    url: Annotated[Url, Meta(examples=["https://discord.com/api/webhooks/281474976710656001/TOKEN"])]


class NewEmail(NewChannel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="email"):
    """A mailbox."""

    address: Annotated[str, Meta(min_length=3, max_length=254, examples=["ada@example.org"])]


class NewApprise(NewChannel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="apprise"):
    """A push service, by its Apprise address."""

    url: Annotated[Url, Meta(examples=["tgram://TOKEN/CHAT"])]


AnyNewChannel = NewWebhook | NewDiscord | NewEmail | NewApprise


class ChangeChannel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only the given changes; another address is another channel."""

    name: ChannelName | UnsetType = UNSET


class Verify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code that was sent; without one, a new one is sent (a webhook is asked again)."""

    code: Code | None = None


WallTime = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)", description="By the clock on one's wall.", examples=["22:00"]
    ),
]


class QuietHoursView(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When one wants to hear nothing, in one's own time zone; over midnight where `to` is earlier."""

    from_: WallTime = field(name="from")
    to: WallTime


class ChangePreferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it: what is left out is the default again."""

    defaults: Annotated[
        dict[EventName, Mode], Meta(max_length=100, description="By event; * for those that are not named.")
    ] = {}
    quiet_hours: QuietHoursView | None = None


class SubjectPreferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one wants to hear of one thing (a tracker, say), whatever the defaults are; empty: as they are."""

    events: Annotated[
        dict[EventName, Mode], Meta(max_length=100, description="By event; * for those that are not named.")
    ]


# ---- what comes out ----


class ChannelView(Struct, frozen=True, kw_only=True):
    """A channel, without its secrets."""

    id: UUID
    kind: ChannelKind
    name: str
    address: Annotated[str, Meta(description="Without what is secret in it.")]
    state: ChannelState
    created_at: datetime
    verified_at: datetime | None
    suspended_at: datetime | None
    suspended_because: str | None
    failures: Annotated[int, Meta(description="In a row; a message that arrives ends the count.")]
    last_error: Annotated[str | None, Meta(description="What went wrong last; null once a message arrived.")]


class ChannelMade(Struct, frozen=True, kw_only=True):
    """A new channel, to be verified."""

    channel: ChannelView
    secret: Annotated[str | None, Meta(description="Of a webhook: what it is signed with; shown only now.")] = None


class SecretMade(Struct, frozen=True, kw_only=True):
    """A webhook's new secret, shown only now."""

    secret: str
    old_valid_until: Annotated[datetime, Meta(description="Until then messages carry a signature by each.")]


class Channels(Struct, frozen=True, kw_only=True):
    items: list[ChannelView]


class DeliveryStarted(Struct, frozen=True, kw_only=True):
    """A message on its way."""

    delivery_id: UUID


class Preferences(Struct, frozen=True, kw_only=True):
    """How one hears of what; what is not named is told at once."""

    defaults: dict[str, Mode]
    quiet_hours: QuietHoursView | None
    subjects: Annotated[dict[str, dict[str, Mode]], Meta(description="Exceptions: by thing, then by event.")]
    events: Annotated[list[str], Meta(description="Every event that one can be told of.")]


class DeliveryView(Struct, frozen=True, kw_only=True):
    """One event for one channel, and what became of it."""

    id: UUID
    channel_id: UUID
    event_id: UUID
    event: str
    subject_id: UUID
    state: DeliveryState
    attempts: int
    last_error: str | None
    due_at: Annotated[datetime, Meta(description="When it is, or was last, tried.")]
    sent_at: datetime | None


class Deliveries(Struct, frozen=True, kw_only=True):
    items: list[DeliveryView]
    next_before: Annotated[UUID | None, Meta(description="`before` of the next page; null on the last one.")] = None


# ---- within ----


class Owner(Struct, frozen=True, kw_only=True):
    """Whose channels are meant: a person's own, or a guild's; and who asks, from where."""

    asker: Identity
    address: str
    user_id: UUID | None = None
    guild_id: str | None = None


class ChannelAddress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a channel leads, as it is sealed."""

    address: str
    secret: str = ""
    """Of a webhook."""
    old_secret: str = ""
    old_until: datetime | None = None


class TargetView(Struct, frozen=True, kw_only=True):
    """A target that was checked."""

    target: ChannelAddress
    kind: ChannelKind
    shown: str
    host: str


class ExportedNotification(Struct, frozen=True, kw_only=True):
    """One delivery as the sender takes it up."""

    delivery_id: UUID
    subject_id: UUID
    event: Event
    gone: bool
    """Whoever it was news to has left the guild, or is deactivated."""


class Claimed(Struct, frozen=True, kw_only=True):
    """A channel that is the sender's for a while, and what is to be told through it now, as one message."""

    channel_id: UUID
    user_id: UUID | None
    guild_id: str | None
    kind: ChannelKind
    target: bytes
    host: str
    failures: int
    locale: str
    time_zone: str
    quiet: tuple[dt.time, dt.time] | None
    lease_until: datetime
    """Tells this claim from a later one."""
    message_id: UUID
    deliveries: list[ExportedNotification]
