"""Bodies of bots' requests about scheduled processing, and of their answers."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from users.accounts.schemas import SNOWFLAKE

MAX_METADATA: Final = 4096
"""Maximum size of a schedule's metadata, in bytes of JSON."""

GuildIdText = Annotated[str, Meta(pattern=SNOWFLAKE, description="The guild's Discord id (a snowflake).")]


class ScheduleStatus(StrEnum):
    """Status of a schedule, in the words of the contract. A schedule in progress is PENDING."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class ScheduleReason(StrEnum):
    """The reason why the last time of a schedule processed no accounts, or not all."""

    MISSED = "missed"
    """No worker started it in time."""
    PROCESSING_OFF = "processing_off"
    """The guild had switched processing off, and its trackers were skipped."""
    UNFINISHED = "unfinished"
    """It took too long; accounts that were still waiting count as failed."""


class ProcessGuild(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guild whose members' trackers are fetched now."""

    guild_id: GuildIdText


class GuildProcessingStarted(Struct, frozen=True, kw_only=True):
    """Numbers of accounts that are fetched sooner, and of those skipped because the guild switched processing off."""

    queued: int
    skipped: int


class ScheduleProcessing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Processing of a guild's trackers: once at `scheduled_at`, or repeatedly by `cron`."""

    guild_id: GuildIdText
    scheduled_at: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="A time in the future, with its UTC offset.", examples=["2026-12-01T18:00:00+01:00"]),
    ] = None
    cron: Annotated[
        Annotated[str, Meta(max_length=100)] | None,
        Meta(description="To repeat it: minute, hour, day of month, month, day of week.", examples=["0 18 * * MON"]),
    ] = None
    time_zone: Annotated[
        Annotated[str, Meta(max_length=64)] | None,
        Meta(description="IANA time zone of `cron`; default: UTC.", examples=["Europe/Berlin"]),
    ] = None
    metadata: Annotated[
        dict[str, Any],
        Meta(max_length=100, description=f"Data of the bot, returned with the schedule; {MAX_METADATA} bytes of JSON."),
    ] = {}

    def __post_init__(self) -> None:
        encoded = msgspec.json.encode(self.metadata)
        if len(encoded) > MAX_METADATA:
            raise ValueError(f"metadata has {len(encoded)} bytes of JSON; the maximum is {MAX_METADATA}")
        if rb"\u0000" in encoded:
            raise ValueError("metadata contains a NUL character, which cannot be stored")


class ProcessingProgress(Struct, frozen=True, kw_only=True):
    """Progress of processing, in accounts: `ok` changed, `unchanged` did not."""

    total: int
    ok: int
    unchanged: int
    failed: int


class ProcessingReport(ProcessingProgress, frozen=True, kw_only=True):
    """Result of processing a guild."""

    skipped: int = 0
    """Accounts skipped because the guild had switched processing off."""
    failures: dict[str, int] = {}
    """Reason -> number of failed accounts."""


class ScheduleView(Struct, frozen=True, kw_only=True):
    """A schedule. If it recurs, `scheduled_at` is the next time, and the other times and the report are of the last."""

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
    """Set while processing is in progress."""
    report: ProcessingReport | None


class Schedules(Struct, frozen=True, kw_only=True):
    """Schedules of a guild, the newest first."""

    items: list[ScheduleView]
    page: int
    per_page: int
    total: int


class ScheduleFilters(Struct, frozen=True, kw_only=True):
    """Filter of a guild's schedules: by status; or all, with or without completed ones."""

    status: ScheduleStatus | None = None
    include_completed: bool = True
    """Ignored if `status` is set."""


class ProcessingFinished(Struct, frozen=True, kw_only=True):
    """Payload of the event `processing.finished`."""

    schedule_id: UUID
    guild_id: str
    planned_for: datetime
    status: ScheduleStatus
    reason: ScheduleReason | None
    report: ProcessingReport
    metadata: dict[str, Any]
