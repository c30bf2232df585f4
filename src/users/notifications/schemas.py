"""Requests and responses about channels, preferences and deliveries."""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from shared.events import Event
from shared.web.identity import Identity

EVERYTHING: Final = UUID(int=0)
"""Subject of a preference that applies to all subjects."""
ANY: Final = "*"
Url = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[!-~]+$(?!\n)")]
ChannelName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S", examples=["My server"])]
EventName = Annotated[
    str,
    Meta(pattern=r"^([a-z_]+\.[a-z_]+|\*)$(?!\n)", max_length=100, examples=["game_account.changed"]),
]
Code = Annotated[str, Meta(min_length=8, max_length=20, examples=["K7QD-93XM"])]


class ChannelKind(StrEnum):
    """Service that delivers the messages of a channel."""

    WEBHOOK = "webhook"
    DISCORD = "discord"
    EMAIL = "email"
    APPRISE = "apprise"


class ChannelState(StrEnum):
    """State of a channel; only active channels get messages."""

    UNVERIFIED = "unverified"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class DeliveryState(StrEnum):
    """State of a delivery."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Mode(StrEnum):
    """Mode in which a person receives an event: at once, gathered with others, in the digest only, or not at all."""

    INSTANT = "instant"
    BATCHED = "batched"
    DIGEST = "digest"
    OFF = "off"


# ---- requests ----


class NewChannel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A channel to add."""

    name: ChannelName | None = None


class NewWebhook(NewChannel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="webhook"):
    """An endpoint of yours that receives signed JSON (docs/webhooks.md)."""

    url: Annotated[Url, Meta(examples=["https://bot.example.org/hooks/trackers"])]


class NewDiscord(NewChannel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="discord"):
    """A webhook of a Discord channel."""

    url: Annotated[Url, Meta(examples=["https://discord.com/api/webhooks/281474976710656001/TOKEN"])]


class NewEmail(NewChannel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="email"):
    """An e-mail address."""

    address: Annotated[str, Meta(min_length=3, max_length=254, examples=["ada@example.org"])]


class NewApprise(NewChannel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="apprise"):
    """A push service, by its Apprise address."""

    url: Annotated[Url, Meta(examples=["tgram://TOKEN/CHAT"])]


AnyNewChannel = NewWebhook | NewDiscord | NewEmail | NewApprise


class ChangeChannel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields to change; for another address, add another channel."""

    name: ChannelName | UnsetType = UNSET


class Verify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code that was sent; without a code, a new one is sent (a webhook is challenged again)."""

    code: Code | None = None


WallTime = Annotated[
    str,
    Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)", description="In your time zone.", examples=["22:00"]),
]


class QuietHoursView(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Time of day without messages, in your time zone; it lasts past midnight if `to` is earlier than `from`."""

    from_: WallTime = field(name="from")
    to: WallTime


class ChangePreferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of your general preferences; fields that you leave out return to their defaults."""

    defaults: Annotated[
        dict[EventName, Mode], Meta(max_length=100, description="Mode for each event; `*` stands for all other events.")
    ] = {}
    quiet_hours: QuietHoursView | None = None


class SubjectPreferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Preferences for one subject, such as a tracker; they override the defaults. Empty: the defaults apply."""

    events: Annotated[
        dict[EventName, Mode], Meta(max_length=100, description="Mode for each event; `*` stands for all other events.")
    ]


# ---- responses ----


class ChannelView(Struct, frozen=True, kw_only=True):
    """A channel, without its secrets."""

    id: UUID
    kind: ChannelKind
    name: str
    address: Annotated[str, Meta(description="With secret parts masked.")]
    state: ChannelState
    created_at: datetime
    verified_at: datetime | None
    suspended_at: datetime | None
    suspended_because: str | None
    failures: Annotated[int, Meta(description="Failures in a row; a message that arrives resets the count.")]
    last_error: Annotated[str | None, Meta(description="Last error; null after a message has arrived.")]


class ChannelMade(Struct, frozen=True, kw_only=True):
    """A new channel, which must be verified."""

    channel: ChannelView
    secret: Annotated[str | None, Meta(description="Secret for the signatures of a webhook; shown only now.")] = None


class SecretMade(Struct, frozen=True, kw_only=True):
    """A webhook's new secret; shown only now."""

    secret: str
    old_valid_until: Annotated[datetime, Meta(description="Until then, messages are signed with both secrets.")]


class Channels(Struct, frozen=True, kw_only=True):
    items: list[ChannelView]


class DeliveryStarted(Struct, frozen=True, kw_only=True):
    """A message that will be sent soon."""

    delivery_id: UUID


class Preferences(Struct, frozen=True, kw_only=True):
    """Your preferences; events without a preference are sent at once."""

    defaults: dict[str, Mode]
    quiet_hours: QuietHoursView | None
    subjects: Annotated[dict[str, dict[str, Mode]], Meta(description="Exceptions, by subject and event.")]
    events: Annotated[list[str], Meta(description="All events that you can receive.")]


class DeliveryView(Struct, frozen=True, kw_only=True):
    """One event for one channel, with its state."""

    id: UUID
    channel_id: UUID
    event_id: UUID
    event: str
    subject_id: UUID
    state: DeliveryState
    attempts: int
    last_error: str | None
    due_at: Annotated[datetime, Meta(description="When it is due, or was due last.")]
    sent_at: datetime | None


class Deliveries(Struct, frozen=True, kw_only=True):
    items: list[DeliveryView]
    next_before: Annotated[UUID | None, Meta(description="`before` of the next page; null on the last one.")] = None


# ---- internal ----


class Owner(Struct, frozen=True, kw_only=True):
    """Owner of channels, a person or a guild, with the identity and network address of the request."""

    asker: Identity
    address: str
    user_id: UUID | None = None
    guild_id: str | None = None


class ChannelAddress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Address and secrets of a channel, in the form that is encrypted."""

    address: str
    secret: str = ""
    """Only of a webhook."""
    old_secret: str = ""
    old_until: datetime | None = None


class TargetView(Struct, frozen=True, kw_only=True):
    """A checked target of a new channel."""

    target: ChannelAddress
    kind: ChannelKind
    shown: str
    host: str


class ExportedNotification(Struct, frozen=True, kw_only=True):
    """One delivery as the sender claims it."""

    delivery_id: UUID
    subject_id: UUID
    event: Event
    gone: bool
    """True if the recipient has left the guild, or is deactivated or erased."""


class Claimed(Struct, frozen=True, kw_only=True):
    """A channel that the sender has leased, with the deliveries that go out now as one message."""

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
    """End of the lease; it distinguishes this claim from a later one."""
    message_id: UUID
    deliveries: list[ExportedNotification]
