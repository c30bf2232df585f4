"""What admins send about game trackers, and what they get to see."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from shared.scraping.failures import Reason
from shared.scraping.target import Status
from trackers.games.schemas import TrackerFilter, TrackerView
from users.accounts.schemas import SNOWFLAKE


class FetchReason(StrEnum):
    """Why a tracker stands as it does: why it failed, or that its guilds switched it off."""

    NOT_FOUND = "not_found"
    PRIVATE = "private"
    BLOCKED = "blocked"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    PAGE_CHANGED = "page_changed"
    ERROR = "error"
    SKIPPED = "skipped"


class AdminTrackerFilter(TrackerFilter, frozen=True, kw_only=True):
    """Which trackers are asked for; None: all."""

    reason: FetchReason | None = None
    account_id: UUID | None = None
    removed: bool = False
    """Those that were removed, instead of those that were not."""


class AdminTracker(TrackerView, frozen=True, kw_only=True):
    """A tracker, with the account that it shares with everybody who follows the same."""

    account_id: UUID
    deleted_at: datetime | None


class AdminTrackerPage(Struct, frozen=True, kw_only=True):
    items: list[AdminTracker]
    page: int
    per_page: int
    total: int


class ScrapingStatus(Struct, frozen=True, kw_only=True):
    """How the scraping of all active trackers stands."""

    total: int
    by_status: dict[Status, int]
    by_reason: Annotated[dict[str, int], Meta(description="Why failed, or skipped.")]
    oldest_due: Annotated[datetime | None, Meta(description="Since when the one that waits longest has been due.")]
    never_fetched: int


class RunFilter(Struct, frozen=True, kw_only=True):
    """Which runs are asked for; None: all."""

    status: Status | None = None
    reason: Reason | None = None
    tracker_id: UUID | None = None


class ScrapeLog(Struct, frozen=True, kw_only=True):
    """One attempt at an account; its id is the task that people were given."""

    id: UUID
    account_id: UUID
    game: str
    platform: str
    identifier: str
    display: str
    trigger: Annotated[str, Meta(description="schedule, request or registration.")]
    status: Status
    reason: str | None
    error: str | None
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    http_status: int | None
    requests: int | None
    bytes: int | None
    changed: bool | None


class ScrapeLogs(Struct, frozen=True, kw_only=True):
    items: list[ScrapeLog]
    next_before: Annotated[UUID | None, Meta(description="`before` of the next page; null on the last one.")]


class BatchRefresh(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trackers by their ids, or by how they stand; active ones only."""

    tracker_ids: Annotated[list[UUID], Meta(min_length=1, max_length=1000)] | None = None
    status: Status | None = None
    reason: FetchReason | None = None
    guild_id: Annotated[str, Meta(pattern=SNOWFLAKE)] | None = None

    @property
    def by_standing(self) -> bool:
        """Whether it says how they stand."""
        return not (self.status is None and self.reason is None and self.guild_id is None)


class BatchQueued(Struct, frozen=True, kw_only=True):
    queued: Annotated[int, Meta(description="Accounts put ahead; several trackers may share one.")]
    left_out: Annotated[int, Meta(description="Ids that no active tracker has.")]


class TransferTracker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    user_id: Annotated[UUID, Meta(description="Whose it is from now on.")]


class MergeAccounts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    into: Annotated[UUID, Meta(description="The account that stays: the player's name of now.")]


class AccountsMerged(Struct, frozen=True, kw_only=True):
    """What a merger moved."""

    account_id: Annotated[UUID, Meta(description="The account that stays.")]
    moved: Annotated[int, Meta(description="Trackers that follow it from now on.")]
    duplicates: Annotated[int, Meta(description="Trackers removed, because their owners followed both.")]
    seasons: int
    snapshots: int
