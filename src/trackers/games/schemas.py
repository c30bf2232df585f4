"""Bodies of requests about game trackers, and of their answers."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.scraping.target import Status
from shared.scraping.targets import FetchStatus
from users.accounts.schemas import SNOWFLAKE, ExternalId, UserData

MAX_TRACKERS = 4
"""Maximum number of active trackers of a person."""
MAX_LINK = 8192
"""Maximum characters that are decoded; `links.py` refuses long or invalid links with a helpful message."""

PastedLink = Annotated[
    str,
    Meta(
        max_length=MAX_LINK,
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


class RegisterOwnTrackers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One to four of your own profile links."""

    urls: Annotated[list[PastedLink], Meta(description="1 to 4 profile links.", max_length=50)]


class AddOwnTracker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more of your own profile links."""

    url: PastedLink


class RegisterByStaff(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Links that guild staff register for a member, who may already have trackers."""

    guild_id: Annotated[str, Meta(pattern=SNOWFLAKE, description="The guild's Discord id.")]
    staff_id: Annotated[
        str, Meta(pattern=SNOWFLAKE, description="The Discord id of the guild admin who registers them.")
    ]
    user_id: ExternalId
    urls: Annotated[list[PastedLink], Meta(description="1 to 4 profile links.", max_length=50)]
    user_data: UserData = UserData()


class UpdateTracker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of a tracker. Omitted fields keep their values."""

    url: PastedLink | UnsetType = UNSET
    active: Annotated[
        bool | UnsetType, Meta(description="A deactivated tracker is not fetched and does not count towards the four.")
    ] = UNSET


class TrackerSort(StrEnum):
    """Order of a list; a dash reverses it."""

    CREATED = "created_at"
    CREATED_DOWN = "-created_at"
    NAME = "display"
    NAME_DOWN = "-display"
    CHANGED = "last_changed_at"
    CHANGED_DOWN = "-last_changed_at"


class TrackerFilter(Struct, frozen=True, kw_only=True):
    """Filter of trackers; a field of None does not restrict. The caller sees only permitted trackers."""

    user_id: UUID | None = None
    guild_id: str | None = None
    platform: str | None = None
    status: Status | None = None
    active: bool | None = None


class ParseLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pasted link to parse; nothing is stored."""

    url: PastedLink


class ParsedLink(Struct, frozen=True, kw_only=True):
    """The account that a link names."""

    game: str
    platform: str
    identifier: str
    display: str
    profile_url: str


class TrackerStatus(FetchStatus, frozen=True, kw_only=True):
    """Scraping status of a tracker; skipped if all guilds of its followers switched processing off."""

    id: UUID


class TrackerView(FetchStatus, frozen=True, kw_only=True):
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


class Trackers(Struct, frozen=True, kw_only=True):
    items: list[TrackerView]


class TrackerPage(Struct, frozen=True, kw_only=True):
    items: list[TrackerView]
    page: int
    per_page: int
    total: int


class RegisteredTracker(Struct, frozen=True, kw_only=True):
    """A new tracker, and the task of its first fetch."""

    id: UUID
    task_id: UUID
    url: str
    profile_url: str
    game: str
    platform: str
    identifier: str
    display: str


class RegisteredTrackers(Struct, frozen=True, kw_only=True):
    """Result of a registration."""

    user_id: UUID
    trackers: list[RegisteredTracker]


class ProcessingStarted(Struct, frozen=True, kw_only=True):
    """The number of accounts that are fetched before the others."""

    queued: int


class RefreshStarted(Struct, frozen=True, kw_only=True):
    """The task that fetches a tracker now; see `/api/tasks/{task_id}` for its status."""

    task_id: UUID


class PlaylistView(Struct, frozen=True, kw_only=True):
    """State of an account in a playlist; divisions count from 0, a negative streak counts losses."""

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
    manual: bool = False
    """True if the person entered it; false if it was fetched."""


class SeasonView(Struct, frozen=True, kw_only=True):
    """A season with its known playlist states."""

    key: str
    name: str
    number: int | None
    current: bool
    playlists: list[PlaylistView]


class TrackerDetail(Struct, frozen=True, kw_only=True):
    """A tracker with every season in which its account was seen."""

    tracker: TrackerView
    seasons: list[SeasonView]


class Seasons(Struct, frozen=True, kw_only=True):
    items: list[SeasonView]


class RatingView(Struct, frozen=True, kw_only=True):
    """The state of a playlist at a snapshot."""

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
    """A moment at which playlists changed, with the changed playlists."""

    id: UUID
    season: str
    captured_at: datetime
    manual: bool
    """True if the person entered it; false if it was fetched."""
    note: str | None
    """Of a manual snapshot; shown only to the person, admins, and staff of guilds that review it."""
    evidence_url: str | None
    """Shown to the same people as the note."""
    playlists: list[RatingView]


class Snapshots(Struct, frozen=True, kw_only=True):
    """Snapshots, the newest first; `next_before` is the `before` of the next page."""

    items: list[SnapshotView]
    next_before: UUID | None
