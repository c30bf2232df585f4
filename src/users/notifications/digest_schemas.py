"""Requests and responses about digests."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from users.notifications.digest import DigestSection
from users.notifications.digest_schedule import Period


class SettleDigest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Period, time and mailbox of your digest."""

    period: Period
    hour: Annotated[int, Meta(ge=0, le=23, description="Hour of the day, in your time zone.")] = 8
    weekday: Annotated[int, Meta(ge=1, le=7, description="Day of a weekly digest; 1 is Monday.")] = 1
    channel_id: Annotated[
        UUID | None, Meta(description="One of your verified e-mail channels; null: the oldest one.")
    ] = None


class DigestSettings(Struct, frozen=True, kw_only=True):
    """Digest settings of a person."""

    period: Period
    hour: int
    weekday: int
    channel_id: UUID | None
    time_zone: str
    next_at: Annotated[datetime | None, Meta(description="When the next digest is due; null if digests are off.")]
    last_sent_at: datetime | None


class DigestPreview(Struct, frozen=True, kw_only=True):
    """The digest as of now; nothing is sent, and the next digest contains the same updates."""

    subject: str
    since: datetime
    until: datetime
    entries: int
    sections: list[DigestSection]
    text: str
    html: str


class DigestView(Struct, frozen=True, kw_only=True):
    """The digest of one period, with its state."""

    id: UUID
    period: str
    since: datetime
    until: datetime
    entries: int
    state: Annotated[str, Meta(description="pending, sent, empty (no updates, no mail), superseded or failed.")]
    created_at: datetime
    sent_at: datetime | None


class SentDigests(Struct, frozen=True, kw_only=True):
    items: list[DigestView]


class RunDigests(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Digests to make now."""

    user_id: Annotated[
        UUID | None,
        Meta(
            description="Only make this person's digest of the current period, due or not. null: make all due digests."
        ),
    ] = None


class DigestsRun(Struct, frozen=True, kw_only=True):
    """Counts of a run."""

    sent_off: Annotated[int, Meta(description="Digests that were handed to the mail sender.")] = 0
    empty: Annotated[int, Meta(description="People without updates, who get no mail.")] = 0
    had: Annotated[int, Meta(description="People whose digest of the period already existed.")] = 0
    without_mailbox: Annotated[
        int, Meta(description="People without an active e-mail channel; their updates wait.")
    ] = 0
    put_off: Annotated[
        int, Meta(description="People who are tried again soon: their last digest is being sent, or something failed.")
    ] = 0

    def plus(self, other: "DigestsRun") -> "DigestsRun":
        return DigestsRun(**{name: getattr(self, name) + getattr(other, name) for name in DigestsRun.__struct_fields__})


class DigestExport(Struct, frozen=True, kw_only=True):
    """Export of a person's digest data."""

    settings: DigestSettings
    digests: list[DigestView]
