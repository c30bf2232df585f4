"""Structs of the parts of Tracker Network's bodies that are needed; every game answers in this format.

Every field that a body may omit may also be null, and is None here. Stored numbers and texts have limits: a value
outside means that the format has changed, and must not reach a column that it does not fit.
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Raw, Struct

Number = Annotated[int, Meta(ge=-(10**15), le=10**15)] | Annotated[float, Meta(ge=-1e15, le=1e15)]
Rating = Annotated[int, Meta(ge=-100_000, le=100_000)] | Annotated[float, Meta(ge=-100_000, le=100_000)]
Count = Annotated[int, Meta(ge=0, le=10_000_000)] | Annotated[float, Meta(ge=0, le=10_000_000)]
Step = Annotated[int, Meta(ge=0, le=1_000)] | Annotated[float, Meta(ge=0, le=1_000)]
Signed = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] | Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
MANY: Final = Meta(max_length=5_000)
Text = Annotated[str, Meta(max_length=2_000)]
Key = Annotated[str, Meta(min_length=1, max_length=100)]
"""Short enough for an index."""
PlaylistId = Annotated[int, Meta(ge=-(10**9), le=10**9)] | Key
Season = (
    Annotated[int, Meta(ge=0, le=999_999)]
    | Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^(?![0-9]{7,}$)")]
)
"""A running number, as a number or as text, or another name."""
PlayerId = Annotated[int, Meta(ge=0, le=10**15)]


class Names(Struct, rename="camel"):
    name: Text | None = None
    tier_name: Text | None = None
    division: Text | None = None
    type: str | None = None
    estimated: bool | None = None
    delta_up: Rating | None = None
    delta_down: Rating | None = None


NO_NAMES: Final = Names()


class RatingStat(Struct):
    value: Rating | None = None
    metadata: Names | None = None


class StepStat(Struct):
    """A tier or a division: a number with a name."""

    value: Step | None = None
    metadata: Names | None = None


class CountStat(Struct):
    value: Count | None = None


class StreakStat(Struct, rename="camel"):
    value: Signed | None = None
    display_value: str | None = None
    metadata: Names | None = None


class LifetimeStat(Struct):
    value: Number | str | bool | None = None


class PlaylistStats(Struct, rename="camel"):
    rating: RatingStat
    tier: StepStat
    division: StepStat
    matches_played: CountStat
    win_streak: StreakStat | None = None
    peak_rating: RatingStat | None = None
    peak_tier: StepStat | None = None
    peak_division: StepStat | None = None


class PeakStats(Struct, rename="camel"):
    peak_rating: RatingStat


class PlaylistAttributes(Struct, rename="camel"):
    playlist_id: PlaylistId
    season: Season | None = None


class SegmentMetadata(Struct):
    name: Text | None = None


class Overview(Struct, tag="overview", tag_field="type"):
    stats: dict[Key, LifetimeStat | None]


class Playlist(Struct, tag="playlist", tag_field="type"):
    attributes: PlaylistAttributes
    stats: PlaylistStats
    metadata: SegmentMetadata | None = None


class PeakRatingSegment(Struct, tag="peak-rating", tag_field="type"):
    attributes: PlaylistAttributes
    stats: PeakStats
    metadata: SegmentMetadata | None = None


class PlaylistAverage(Struct, tag="playlistAverage", tag_field="type"):
    """Per-game averages; ignored."""


Segment = Overview | Playlist | PeakRatingSegment | PlaylistAverage


class PlatformInfo(Struct, rename="camel"):
    platform_slug: Key
    platform_user_handle: Text | None = None
    platform_user_id: Text | Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    platform_user_identifier: Text | None = None
    avatar_url: Text | None = None


class SiteTime(Struct):
    value: datetime | None = None


class ProfileMetadata(Struct, rename="camel"):
    last_updated: SiteTime | None = None
    player_id: PlayerId | None = None
    current_season: Season | None = None


class SeasonAttributes(Struct):
    season: Season | None = None


class AvailableSegment(Struct):
    type: str
    attributes: SeasonAttributes
    metadata: SegmentMetadata | None = None


class ProfileBody(Struct, rename="camel"):
    platform_info: PlatformInfo
    segments: Annotated[list[Segment], MANY]
    metadata: ProfileMetadata | None = None
    available_segments: Annotated[list[AvailableSegment], MANY] | None = None
    expiry_date: datetime | None = None


class ProfileOfUnknownSegments(Struct, rename="camel"):
    platform_info: PlatformInfo
    segments: Annotated[list[Raw], MANY]
    metadata: ProfileMetadata | None = None
    available_segments: Annotated[list[AvailableSegment], MANY] | None = None
    expiry_date: datetime | None = None


class SegmentType(Struct):
    type: str


class SiteHistoryEntry(Struct, rename="camel"):
    rating: Rating
    collect_date: datetime
    tier: Text | int | None = None
    division: Text | int | None = None
    tier_id: Step | None = None
    division_id: Step | None = None


class Envelope(Struct):
    data: ProfileBody


class EnvelopeOfUnknownSegments(Struct):
    data: ProfileOfUnknownSegments


class SegmentsEnvelope(Struct):
    data: list[Raw]


class HistoryEnvelope(Struct):
    data: dict[Key, list[SiteHistoryEntry] | None]
