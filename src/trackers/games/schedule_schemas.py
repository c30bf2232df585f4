"""What bots send about scheduled processing, and what they get to see."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from users.accounts.schemas import SNOWFLAKE

MAX_METADATA: Final = 4096
"""Bytes of JSON that a bot may leave with a schedule."""

GuildIdText = Annotated[str, Meta(pattern=SNOWFLAKE, description="The guild's Discord id (a snowflake).")]


class ScheduleStatus(StrEnum):
    """Where a schedule stands, in the contract's words; PENDING too while it is under way."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class ScheduleReason(StrEnum):
    """Why the last time of a schedule brought nothing, or not all."""

    MISSED = "missed"
    """Nobody was there to begin it in time."""
    PROCESSING_OFF = "processing_off"
    """The guild had switched processing off: its trackers were skipped."""
    UNFINISHED = "unfinished"
    """It took too long; what was still waiting counts as failed."""


class ProcessGuild(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guild whose members' trackers are to be fetched now."""

    guild_id: GuildIdText


class GuildProcessingStarted(Struct, frozen=True, kw_only=True):
    """How many accounts were put ahead to be fetched now, and how many not, because the guild switched that off."""

    queued: int
    skipped: int


class ScheduleProcessing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a guild's trackers are to be processed: once, at `scheduled_at`, or as `cron` says."""

    guild_id: GuildIdText
    scheduled_at: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="With its offset from UTC; in the future.", examples=["2026-12-01T18:00:00+01:00"]),
    ] = None
    cron: Annotated[
        Annotated[str, Meta(max_length=100)] | None,
        Meta(description="Again and again: minute, hour, day of month, month, day of week.", examples=["0 18 * * MON"]),
    ] = None
    time_zone: Annotated[
        Annotated[str, Meta(max_length=64)] | None,
        Meta(description="IANA zone that `cron` is read in; left out: UTC.", examples=["Europe/Berlin"]),
    ] = None
    metadata: Annotated[
        dict[str, Any],
        Meta(max_length=100, description=f"Whatever the bot wants to find again; {MAX_METADATA} bytes of JSON."),
    ] = {}

    def __post_init__(self) -> None:
        encoded = msgspec.json.encode(self.metadata)
        if len(encoded) > MAX_METADATA:
            raise ValueError(f"metadata has {len(encoded)} bytes of JSON; the most is {MAX_METADATA}")
        if rb"\u0000" in encoded:
            raise ValueError("metadata holds a NUL character, which cannot be stored")


class ProcessingProgress(Struct, frozen=True, kw_only=True):
    """How far processing has got, in accounts: `ok` brought something new, `unchanged` nothing new."""

    total: int
    ok: int
    unchanged: int
    failed: int


class ProcessingReport(ProcessingProgress, frozen=True, kw_only=True):
    """What came of processing a guild."""

    skipped: int = 0
    """Accounts left alone because the guild had switched processing off."""
    failures: dict[str, int] = {}
    """Reason -> how many failed for it."""


class ScheduleView(Struct, frozen=True, kw_only=True):
    """A schedule; of a recurring one, `scheduled_at` is the next time and the rest tells of the last."""

    id: UUID
    guild_id: str
    status: ScheduleStatus
    reason: ScheduleReason | None
    scheduled_at: datetime
    cron: str | None
    time_zone: str | None
    metadata: dict[str, Any]
    created_at: datetime
    cancelled_at: datetime | None
    planned_for: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    progress: ProcessingProgress | None
    """While it is under way."""
    report: ProcessingReport | None


class Schedules(Struct, frozen=True, kw_only=True):
    """Schedules of a guild, the newest first."""

    items: list[ScheduleView]
    page: int
    per_page: int
    total: int


class ScheduleFilters(Struct, frozen=True, kw_only=True):
    """Which schedules of a guild: those of a status; or all, with or without the completed ones."""

    status: ScheduleStatus | None = None
    include_completed: bool = True
    """Says nothing where a status is given."""


class ProcessingFinished(Struct, frozen=True, kw_only=True):
    """What the event `processing.finished` tells."""

    schedule_id: UUID
    guild_id: str
    planned_for: datetime
    status: ScheduleStatus
    reason: ScheduleReason | None
    report: ProcessingReport
    metadata: dict[str, Any]
