"""Bodies of admin requests about game trackers, and of their answers."""

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
    """Why a tracker failed, or that its guilds switched it off (`skipped`)."""

    NOT_FOUND = "not_found"
    PRIVATE = "private"
    BLOCKED = "blocked"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    PAGE_CHANGED = "page_changed"
    ERROR = "error"
    SKIPPED = "skipped"


class AdminTrackerFilter(TrackerFilter, frozen=True, kw_only=True):
    """Filter of trackers; a field of None does not restrict."""

    reason: FetchReason | None = None
    account_id: UUID | None = None
    removed: bool = False
    """True: removed trackers only; False: trackers that are not removed."""


class AdminTracker(TrackerView, frozen=True, kw_only=True):
    """A tracker with the id of its account, which all its followers share."""

    account_id: UUID
    deleted_at: datetime | None


class AdminTrackerPage(Struct, frozen=True, kw_only=True):
    items: list[AdminTracker]
    page: int
    per_page: int
    total: int


class ScrapingStatus(Struct, frozen=True, kw_only=True):
    """Scraping status of all active trackers."""

    total: int
    by_status: dict[Status, int]
    by_reason: Annotated[dict[str, int], Meta(description="Failed or skipped trackers by reason.")]
    oldest_due: Annotated[datetime | None, Meta(description="When the longest-waiting tracker became due.")]
    never_fetched: int


class RunFilter(Struct, frozen=True, kw_only=True):
    """Filter of runs; a field of None does not restrict."""

    status: Status | None = None
    reason: Reason | None = None
    tracker_id: UUID | None = None


class ScrapeLog(Struct, frozen=True, kw_only=True):
    """One run of an account; its id is the task id that the API returned."""

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
    """Active trackers to refresh, given by their ids or selected by status, reason or guild."""

    tracker_ids: Annotated[list[UUID], Meta(min_length=1, max_length=1000)] | None = None
    status: Status | None = None
    reason: FetchReason | None = None
    guild_id: Annotated[str, Meta(pattern=SNOWFLAKE)] | None = None

    @property
    def by_standing(self) -> bool:
        """True if trackers are selected by status, reason or guild."""
        return not (self.status is None and self.reason is None and self.guild_id is None)


class BatchQueued(Struct, frozen=True, kw_only=True):
    queued: Annotated[int, Meta(description="Accounts that are fetched sooner; several trackers may share an account.")]
    left_out: Annotated[int, Meta(description="Ids without an active tracker.")]


class TransferTracker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    user_id: Annotated[UUID, Meta(description="The new owner.")]


class MergeAccounts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    into: Annotated[UUID, Meta(description="The account that stays; it has the player's current name.")]


class AccountsMerged(Struct, frozen=True, kw_only=True):
    """Result of a merger of two accounts."""

    account_id: Annotated[UUID, Meta(description="The account that stays.")]
    moved: Annotated[int, Meta(description="Trackers that now follow this account.")]
    duplicates: Annotated[
        int, Meta(description="Trackers that were removed because their owners followed both accounts.")
    ]
    seasons: int
    snapshots: int
