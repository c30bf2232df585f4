"""Bodies of requests about manual snapshots, and of their answers."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.moments import Moment

MAX_NOTE = 1000
MAX_URL = 1000
MAX_RATING = 5000
MAX_MATCHES = 50_000
MAX_PLAYLISTS = 20

Season = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{0,2}$(?!\n)",
        description="The season's number, 1 to 999, without leading zeros.",
        examples=["34"],
    ),
]
Note = Annotated[
    str,
    Meta(min_length=3, max_length=MAX_NOTE, pattern=r"\S", description="Where the ratings come from."),
]
EvidenceUrl = Annotated[
    str,
    Meta(
        max_length=MAX_URL,
        pattern=r"^https://[^\s/][^\s]*$(?!\n)",
        description="For example a link to a picture. It is shown and never fetched.",
    ),
]
CapturedAt = Annotated[Moment, Meta(description="The time at which the ratings were correct.")]


class ManualPlaylist(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A playlist's rating as a person read it."""

    playlist: Annotated[
        str,
        Meta(pattern=r"^(?:0|[1-9][0-9]{0,3})$(?!\n)", description="The playlist's number.", examples=["11"]),
    ]
    rating: Annotated[int, Meta(ge=0, le=MAX_RATING)]
    matches_played: Annotated[int, Meta(ge=0, le=MAX_MATCHES, description="Matches in this season.")]
    win_streak: Annotated[int, Meta(ge=-MAX_MATCHES, le=MAX_MATCHES, description="Negative: losses in a row.")] = 0
    tier: Annotated[int, Meta(ge=0, le=22)] | None = None
    division: Annotated[int, Meta(ge=0, le=3)] | None = None


Playlists = Annotated[
    list[ManualPlaylist],
    Meta(min_length=1, max_length=MAX_PLAYLISTS, description="Ratings by playlist; no playlist may occur twice."),
]


class AddManualSnapshot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A manual snapshot of a tracker, with a note and evidence to check it by."""

    playlists: Playlists
    note: Note
    evidence_url: EvidenceUrl | None = None
    season: Season | None = None
    """Default: the current season, as the site showed it last."""
    captured_at: CapturedAt | None = None
    """Default: now."""


class ChangeManualSnapshot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of a manual snapshot. Omitted fields keep their values."""

    playlists: Playlists | UnsetType = UNSET
    note: Note | UnsetType = UNSET
    evidence_url: EvidenceUrl | UnsetType | None = UNSET
    season: Season | UnsetType = UNSET
    captured_at: CapturedAt | UnsetType = UNSET


class ConfirmManualSnapshot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version to confirm. Corrections change `entered_at`, so that nobody confirms figures without seeing them."""

    entered_at: Annotated[Moment, Meta(description="`entered_at` of the snapshot that you saw in the list.")]


class ManualPlaylistView(Struct, frozen=True, kw_only=True):
    """A playlist of a manual snapshot."""

    playlist: str
    name: str
    rating: int
    tier: int | None
    division: int | None
    matches_played: int
    win_streak: int


class ReviewStatus(StrEnum):
    """The review of a manual snapshot by the staff of a guild."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class GuildReview(Struct, frozen=True, kw_only=True):
    """The decision of a guild's staff."""

    guild_id: str
    status: ReviewStatus
    reviewed_at: datetime


class ManualSnapshotView(Struct, frozen=True, kw_only=True):
    """A manual snapshot with its account."""

    id: UUID
    user_id: UUID
    tracker_id: UUID | None
    """The person's tracker of the account; null if they no longer follow it."""
    game: str
    platform: str
    identifier: str
    display: str
    season: str
    captured_at: datetime
    entered_at: datetime
    """Time of entry, or of the last correction."""
    note: str
    evidence_url: str | None
    playlists: list[ManualPlaylistView]


class MyManualSnapshot(ManualSnapshotView, frozen=True, kw_only=True):
    """A person's own manual snapshot with the decisions of their guilds; undecided guilds are left out."""

    reviews: list[GuildReview]


class MyManualSnapshots(Struct, frozen=True, kw_only=True):
    """Manual snapshots, the latest entered first; `next_before` is the `before` of the next page."""

    items: list[MyManualSnapshot]
    next_before: UUID | None


class GuildManualSnapshot(ManualSnapshotView, frozen=True, kw_only=True):
    """A member's manual snapshot as the staff of a guild see it."""

    display_name: str | None
    status: ReviewStatus
    reviewed_at: datetime | None


class GuildManualSnapshots(Struct, frozen=True, kw_only=True):
    """Manual snapshots of members, the latest entered first; `next_before` is the `before` of the next page."""

    items: list[GuildManualSnapshot]
    next_before: UUID | None
