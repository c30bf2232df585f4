"""What bots send, and what they get to see."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from users.accounts.schemas import ExternalId, UserData

MAX_TRACKERS = 4
"""Trackers that a person may have at once."""

PastedLink = Annotated[
    str,
    Meta(
        description="A profile link as people paste it.",
        examples=["https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm/overview"],
    ),
]


class RegisterTrackers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One to four profile links of a person who has no tracker yet."""

    user_id: ExternalId
    urls: Annotated[list[PastedLink], Meta(description="1 to 4 profile links.", max_length=50)]
    user_data: UserData = UserData()


class AddTracker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more profile link of a person."""

    user_id: ExternalId
    url: PastedLink
    user_data: UserData = UserData()


class ParseLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pasted link to look at; nothing is stored."""

    url: PastedLink


class ParsedLink(Struct, frozen=True, kw_only=True):
    """The account that a link means."""

    game: str
    platform: str
    identifier: str
    display: str
    profile_url: str


class TrackerStatus(Struct, frozen=True, kw_only=True):
    """How the scraping of a tracker stands."""

    id: UUID
    status: str
    """pending, in_progress, completed or failed."""
    reason: str | None
    """With failed: not_found, private, blocked, throttled, unavailable, page_changed or error."""
    error: str | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    last_changed_at: datetime | None
    next_attempt_at: datetime | None


class TrackerView(Struct, frozen=True, kw_only=True):
    """A tracker with the account that it follows."""

    id: UUID
    user_id: UUID
    url: str
    profile_url: str
    game: str
    platform: str
    identifier: str
    display: str
    handle: str | None
    avatar_url: str | None
    current_season: str | None
    active: bool
    created_at: datetime
    status: str
    reason: str | None
    error: str | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    last_changed_at: datetime | None
    next_attempt_at: datetime | None


class Trackers(Struct, frozen=True, kw_only=True):
    items: list[TrackerView]


class RegisteredTracker(Struct, frozen=True, kw_only=True):
    """A tracker just made, and the task that fetches it for the first time."""

    id: UUID
    task_id: UUID
    url: str
    profile_url: str
    game: str
    platform: str
    identifier: str
    display: str


class RegisteredTrackers(Struct, frozen=True, kw_only=True):
    """What a registration made."""

    user_id: UUID
    trackers: list[RegisteredTracker]


class ProcessingStarted(Struct, frozen=True, kw_only=True):
    """How many trackers were put ahead to be fetched now."""

    queued: int


class RefreshStarted(Struct, frozen=True, kw_only=True):
    """The task that fetches a tracker now; ask `/api/tasks/{task_id}` what became of it."""

    task_id: UUID


class StandingView(Struct, frozen=True, kw_only=True):
    """Where an account stands in a playlist; divisions count from 0, a negative streak is one of losses."""

    playlist: str
    name: str
    rating: int
    tier: int | None
    tier_name: str | None
    division: int | None
    division_name: str | None
    matches_played: int
    win_streak: int
    peak_rating: int | None
    peak_tier: int | None
    peak_division: int | None
    estimated: bool
    changed_at: datetime


class SeasonView(Struct, frozen=True, kw_only=True):
    """A season, with the standings that are known of it."""

    key: str
    name: str
    number: int | None
    current: bool
    playlists: list[StandingView]


class Seasons(Struct, frozen=True, kw_only=True):
    items: list[SeasonView]


class RatingView(Struct, frozen=True, kw_only=True):
    """What a playlist's standing had become."""

    playlist: str
    name: str
    rating: int
    rating_before: int | None
    tier: int | None
    division: int | None
    matches_played: int
    win_streak: int
    estimated: bool


class SnapshotView(Struct, frozen=True, kw_only=True):
    """A moment at which something moved, with the playlists that did."""

    id: UUID
    season: str
    captured_at: datetime
    playlists: list[RatingView]


class Snapshots(Struct, frozen=True, kw_only=True):
    """Snapshots, the newest first; `next_before` asks for the page after this one."""

    items: list[SnapshotView]
    next_before: UUID | None
