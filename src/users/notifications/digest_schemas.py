"""Digests on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from users.notifications.digest import DigestSection
from users.notifications.digest_schedule import Period


class SettleDigest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often, and when by one's own clock, a digest comes; and to which mailbox."""

    period: Period
    hour: Annotated[int, Meta(ge=0, le=23, description="In one's own time zone.")] = 8
    weekday: Annotated[int, Meta(ge=1, le=7, description="Of a weekly one; 1 is Monday.")] = 1
    channel_id: Annotated[
        UUID | None, Meta(description="A verified e-mail channel of one's own; null: the oldest that there is.")
    ] = None


class DigestSettings(Struct, frozen=True, kw_only=True):
    """How somebody gets digests."""

    period: Period
    hour: int
    weekday: int
    channel_id: UUID | None
    time_zone: str
    next_at: Annotated[datetime | None, Meta(description="When the next one is due; null while they are off.")]
    last_sent_at: datetime | None


class DigestPreview(Struct, frozen=True, kw_only=True):
    """What a digest would tell now; nothing is sent, and nothing counts as told."""

    subject: str
    since: datetime
    until: datetime
    entries: int
    sections: list[DigestSection]
    text: str
    html: str


class DigestView(Struct, frozen=True, kw_only=True):
    """A digest of one period, and what became of it."""

    id: UUID
    period: str
    since: datetime
    until: datetime
    entries: int
    state: Annotated[str, Meta(description="pending, sent, empty (nothing was new: no mail), superseded or failed.")]
    created_at: datetime
    sent_at: datetime | None


class SentDigests(Struct, frozen=True, kw_only=True):
    items: list[DigestView]


class RunDigests(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which digests to see to now."""

    user_id: Annotated[
        UUID | None,
        Meta(description="Only this person's, of the present period, due or not; null: everybody's that is due."),
    ] = None


class DigestsRun(Struct, frozen=True, kw_only=True):
    """What a run came to."""

    sent_off: Annotated[int, Meta(description="Handed to the sender.")] = 0
    empty: Annotated[int, Meta(description="There was nothing new; no mail.")] = 0
    had: Annotated[int, Meta(description="This period's was made before.")] = 0
    without_mailbox: Annotated[int, Meta(description="No verified mailbox; what is new waits.")] = 0
    put_off: Annotated[
        int, Meta(description="Tried again soon: the last one is just being sent, or something failed.")
    ] = 0

    def plus(self, other: "DigestsRun") -> "DigestsRun":
        return DigestsRun(**{name: getattr(self, name) + getattr(other, name) for name in DigestsRun.__struct_fields__})


class DigestExport(Struct, frozen=True, kw_only=True):
    """What is kept about a person's digests."""

    settings: DigestSettings
    digests: list[DigestView]
