"""What people and bots send about game trackers, and what they get to see."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.scraping.target import Status
from shared.scraping.targets import FetchStatus
from users.accounts.schemas import SNOWFLAKE, ExternalId, UserData

MAX_TRACKERS = 4
"""Trackers that a person may have at once."""
MAX_LINK = 8192
"""Characters of what is decoded; what is no link, or a longer one, is refused in words that help (`links.py`)."""

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
    """One to four profile links of one's own."""

    urls: Annotated[list[PastedLink], Meta(description="1 to 4 profile links.", max_length=50)]


class AddOwnTracker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more profile link of one's own."""

    url: PastedLink


class RegisterByStaff(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Links that staff of a guild hands in for a member, who may have trackers already."""

    guild_id: Annotated[str, Meta(pattern=SNOWFLAKE, description="The guild's Discord id.")]
    staff_id: Annotated[str, Meta(pattern=SNOWFLAKE, description="The Discord id of the guild's admin who does it.")]
    user_id: ExternalId
    urls: Annotated[list[PastedLink], Meta(description="1 to 4 profile links.", max_length=50)]
    user_data: UserData = UserData()


class UpdateTracker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    url: PastedLink | UnsetType = UNSET
    active: Annotated[
        bool | UnsetType, Meta(description="A deactivated tracker is not fetched and does not count towards four.")
    ] = UNSET


class TrackerSort(StrEnum):
    """By what a list is put in order; with a dash the other way round."""

    CREATED = "created_at"
    CREATED_DOWN = "-created_at"
    NAME = "display"
    NAME_DOWN = "-display"
    CHANGED = "last_changed_at"
    CHANGED_DOWN = "-last_changed_at"


class TrackerFilter(Struct, frozen=True, kw_only=True):
    """Which trackers are asked for; None: all that one may see."""

    user_id: UUID | None = None
    guild_id: str | None = None
    platform: str | None = None
    status: Status | None = None
    active: bool | None = None


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


class TrackerStatus(FetchStatus, frozen=True, kw_only=True):
    """How the scraping of a tracker stands; skipped, where its people's guilds switched processing off."""

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


class PlaylistView(Struct, frozen=True, kw_only=True):
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
    manual: bool = False
    """Whether the person entered it; else the site said so."""


class SeasonView(Struct, frozen=True, kw_only=True):
    """A season, with the playlist states that are known of it."""

    key: str
    name: str
    number: int | None
    current: bool
    playlists: list[PlaylistView]


class TrackerDetail(Struct, frozen=True, kw_only=True):
    """A tracker with every season it was seen in."""

    tracker: TrackerView
    seasons: list[SeasonView]


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
    manual: bool
    """Whether the person entered it; else it was fetched."""
    note: str | None
    """Of a manual one; only for the person, admins, and the staff of guilds that review it."""
    evidence_url: str | None
    """As the note."""
    playlists: list[RatingView]


class Snapshots(Struct, frozen=True, kw_only=True):
    """Snapshots, the newest first; `next_before` asks for the page after this one."""

    items: list[SnapshotView]
    next_before: UUID | None
