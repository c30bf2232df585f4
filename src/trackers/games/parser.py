"""Parses bodies of Tracker Network to profiles and ratings. Pure; raises PageChanged if a body has another format.

Two versions of the format are accepted: bodies of 2023 have null where bodies of 2025 omit the key.
Unknown segment types, stats, playlists and tiers are ignored. A missing part that is needed raises PageChanged with
its place in the body.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NoReturn, TypeVar

import msgspec
from msgspec import Raw, Struct

from shared.scraping.failures import HostUnavailable, PageChanged
from shared.scraping.pages import is_json
from trackers.games import catalogue
from trackers.games.error_answers import raise_for_200, raise_for_messages
from trackers.games.tracker_network import (
    NO_NAMES,
    AvailableSegment,
    Envelope,
    EnvelopeOfUnknownSegments,
    HistoryEnvelope,
    Overview,
    PeakRatingSegment,
    Playlist,
    ProfileBody,
    ProfileMetadata,
    Segment,
    SegmentMetadata,
    SegmentsEnvelope,
    SegmentType,
    StreakStat,
)

# ---- results ----


class PlaylistState(Struct, frozen=True, kw_only=True):
    """The state of a player in one playlist of one season."""

    season_key: str
    playlist_key: str
    name: str
    rating: int
    """Matchmaking rating (MMR)."""
    tier: int | None
    tier_name: str | None
    division: int | None
    """0-3; shown as I-IV."""
    division_name: str | None
    matches_played: int
    win_streak: int
    """Wins in a row; negative: losses in a row."""
    peak_rating: int | None
    """In this season; None if the playlist was not played."""
    peak_tier: int | None
    peak_division: int | None
    delta_up: int | None
    """Rating points up to the next division."""
    delta_down: int | None
    """Rating points above the previous division."""
    estimated: bool
    """True if tier and division are a guess of the site and not a rank from played matches."""


class PeakRating(Struct, frozen=True, kw_only=True):
    """The best rating that a player ever had in one playlist."""

    playlist_key: str
    name: str
    season_key: str | None
    """The season in which it was reached."""
    rating: int
    tier_name: str | None
    division_name: str | None


class SeasonName(Struct, frozen=True, kw_only=True):
    key: str
    name: str
    number: int | None
    """The running number, if the game counts its seasons."""


class Profile(Struct, frozen=True, kw_only=True):
    """A player at one moment: the account, and every playlist of the current season."""

    platform: str
    platform_user_id: str | None
    handle: str
    identifier: str | None
    avatar_url: str | None
    upstream_player_id: int | None
    current_season: str
    updated_at: datetime | None
    """The site's last update from the game; None if the site does not show it."""
    expires_at: datetime | None
    """The site answers from its own cache until then."""
    lifetime: dict[str, int | float]
    peaks: list[PeakRating]
    seasons: list[SeasonName]
    playlists: list[PlaylistState]


class RatingDay(Struct, frozen=True, kw_only=True):
    """A playlist's rating as the site collected it on a day."""

    playlist_key: str
    collected_at: datetime
    rating: int
    tier: int | None
    tier_name: str | None
    division: int | None
    division_name: str | None


_profile_decoder: Final = msgspec.json.Decoder(Envelope)
_raw_profile_decoder: Final = msgspec.json.Decoder(EnvelopeOfUnknownSegments)
_segment_type_decoder: Final = msgspec.json.Decoder(SegmentType)
_segment_decoder: Final = msgspec.json.Decoder(Segment)
_segments_decoder: Final = msgspec.json.Decoder(SegmentsEnvelope)
_history_decoder: Final = msgspec.json.Decoder(HistoryEnvelope)
_Body = TypeVar("_Body")
_Read = TypeVar("_Read")
_NUL: Final = rb"\u0000"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_KNOWN_SEGMENTS: Final = frozenset({"overview", "playlist", "peak-rating"})


def parse_profile(body: bytes) -> Profile:
    """Parse a profile with every playlist of its current season.

    For any other body, raises the matching ScrapeFailure.
    """
    try:
        page = _profile_decoder.decode(body).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        rest = _decode(_raw_profile_decoder, body).data
        page = ProfileBody(
            platform_info=rest.platform_info,
            segments=_known_segments(rest.segments),
            metadata=rest.metadata,
            available_segments=rest.available_segments,
            expiry_date=rest.expiry_date,
        )
    return _storable(_profile(page), body)


def parse_playlists(body: bytes, season: str | int) -> list[PlaylistState]:
    """Parse the playlists of one season from `segments/playlist?season=N`; empty if the season was not played.

    Raises PageChanged for a body about another season than the requested one: it would overwrite past seasons.
    """
    requested = str(season)
    segments = _known_segments(_decode(_segments_decoder, body).data)
    playlist_states = _playlist_states([s for s in segments if type(s) is Playlist], requested)
    others = {state.season_key for state in playlist_states} - {requested}
    if others:
        raise PageChanged(f"season {requested} was requested, the body is about season {', '.join(sorted(others))}")
    return _storable(playlist_states, body)


def parse_rating_history(body: bytes) -> list[RatingDay]:
    """Parse the daily ratings of all playlists, the oldest first within each playlist."""
    days = [
        RatingDay(
            playlist_key=playlist,
            collected_at=collected,
            rating=round(entry.rating),
            tier=(tier := _whole(entry.tier_id)),
            tier_name=entry.tier if isinstance(entry.tier, str) else _tier_name(tier),
            division=(division := _whole(entry.division_id)),
            division_name=entry.division if isinstance(entry.division, str) else _division_name(division),
        )
        for playlist, entries in _decode(_history_decoder, body).data.items()
        for entry in entries or ()
        if (collected := _moment(entry.collect_date)) is not None
    ]
    days.sort(key=lambda day: (day.playlist_key, day.collected_at))
    return _storable(days, body)


# ---- conversion ----


def _profile(page: ProfileBody) -> Profile:
    info = page.platform_info
    metadata = page.metadata or ProfileMetadata()
    handle = info.platform_user_handle or info.platform_user_identifier
    if not handle:
        raise PageChanged("the profile has neither platformUserHandle nor platformUserIdentifier")
    playlists = [segment for segment in page.segments if type(segment) is Playlist]
    overview = next((segment for segment in page.segments if type(segment) is Overview), None)
    if not playlists:
        raise PageChanged("the profile has no segment of type playlist")
    if overview is None:
        raise PageChanged("the profile has no segment of type overview")
    current = metadata.current_season
    if current is None:
        current = playlists[0].attributes.season
    if current is None:
        raise PageChanged("neither metadata.currentSeason nor the playlists name the season")
    user_id = info.platform_user_id
    playlist_states = _playlist_states(playlists, str(current))
    return Profile(
        platform=info.platform_slug,
        platform_user_id=None if user_id is None else str(user_id),
        handle=handle,
        identifier=info.platform_user_identifier,
        avatar_url=info.avatar_url,
        upstream_player_id=metadata.player_id,
        current_season=str(current),
        updated_at=_moment(metadata.last_updated.value) if metadata.last_updated else None,
        expires_at=_moment(page.expiry_date),
        lifetime=_lifetime(overview),
        peaks=_peaks(page.segments),
        seasons=_seasons(page.available_segments or (), playlist_states),
        playlists=playlist_states,
    )


def _playlist_states(segments: list[Playlist], season: str) -> list[PlaylistState]:
    """Return one state per season and playlist; playlists without a rating are left out."""
    playlist_states: dict[tuple[str, str], PlaylistState] = {}
    for segment in segments:
        state = _state(segment, season)
        if state is not None:
            playlist_states.setdefault((state.season_key, state.playlist_key), state)
    return list(playlist_states.values())


def _state(segment: Playlist, season: str) -> PlaylistState | None:
    stats, attributes = segment.stats, segment.attributes
    name = _playlist_name(segment.metadata, attributes.playlist_id)
    matches = _whole(stats.matches_played.value) or 0
    if stats.rating.value is None:
        if matches:
            raise PageChanged(f"{name}: {matches} matches played, but stats.rating.value is null")
        return None
    tier_names = stats.tier.metadata or NO_NAMES
    division_names = stats.division.metadata or NO_NAMES
    tier, division = _whole(stats.tier.value), _whole(stats.division.value)
    return PlaylistState(
        season_key=season if attributes.season is None else str(attributes.season),
        playlist_key=str(attributes.playlist_id),
        name=name,
        rating=round(stats.rating.value),
        tier=tier,
        tier_name=tier_names.name or _tier_name(tier),
        division=division,
        division_name=division_names.name or _division_name(division),
        matches_played=matches,
        win_streak=_streak(stats.win_streak),
        peak_rating=_whole(stats.peak_rating.value) if stats.peak_rating else None,
        peak_tier=_whole(stats.peak_tier.value) if stats.peak_tier else None,
        peak_division=_whole(stats.peak_division.value) if stats.peak_division else None,
        delta_up=_whole(division_names.delta_up),
        delta_down=_whole(division_names.delta_down),
        # A rank needs matches: old bodies without the flag estimate a rank of unplayed playlists, too.
        estimated=bool(tier_names.estimated or division_names.estimated or (tier and not matches)),
    )


def _streak(stat: StreakStat | None) -> int:
    """Return the streak, negative for losses: the sign is from `metadata.type`, because `value` may have none."""
    if stat is None or not stat.value:
        return 0
    length = abs(round(stat.value))
    kind = stat.metadata.type if stat.metadata else None
    lost = kind == "loss" if kind else stat.value < 0 or (stat.display_value or "").startswith("-")
    return -length if lost else length


def _peaks(segments: list[Segment]) -> list[PeakRating]:
    peaks: dict[str, PeakRating] = {}
    for segment in segments:
        if type(segment) is not PeakRatingSegment or segment.stats.peak_rating.value is None:
            continue
        attributes, stat = segment.attributes, segment.stats.peak_rating
        names = stat.metadata or NO_NAMES
        playlist = str(attributes.playlist_id)
        peak = PeakRating(
            playlist_key=playlist,
            name=_playlist_name(segment.metadata, attributes.playlist_id),
            season_key=None if attributes.season is None else str(attributes.season),
            rating=round(segment.stats.peak_rating.value),
            tier_name=names.name or names.tier_name,
            division_name=names.division,
        )
        peaks.setdefault(playlist, peak)
    return list(peaks.values())


def _lifetime(segment: Overview) -> dict[str, int | float]:
    return {
        name: stat.value
        for name, stat in segment.stats.items()
        if stat is not None and stat.value is not None and not isinstance(stat.value, str | bool)
    }


def _seasons(available: Iterable[AvailableSegment], playlist_states: Iterable[PlaylistState]) -> list[SeasonName]:
    """Return the seasons that the body lists, and unlisted ones that have playlist states."""
    seasons: dict[str, SeasonName] = {}
    for entry in available:
        season = entry.attributes.season
        if entry.type != "playlist" or season is None:
            continue
        key = str(season)
        seasons[key] = _season(key, entry.metadata.name if entry.metadata else None)
    for state in playlist_states:
        if state.season_key not in seasons:
            seasons[state.season_key] = _season(state.season_key)
    return list(seasons.values())


def _season(key: str, name: str | None = None) -> SeasonName:
    number = int(key) if key.isascii() and key.isdecimal() else None
    return SeasonName(key=key, name=name or (key if number is None else catalogue.season_name(number)), number=number)


def _playlist_name(metadata: SegmentMetadata | None, playlist: int | str) -> str:
    if metadata and metadata.name:
        return metadata.name
    return catalogue.playlist_name(playlist) if isinstance(playlist, int) else playlist


def _tier_name(tier: int | None) -> str | None:
    return None if tier is None else catalogue.tier_name(tier)


def _division_name(division: int | None) -> str | None:
    return None if division is None else catalogue.division_name(division)


def _whole(value: float | None) -> int | None:
    return value if value is None or type(value) is int else round(value)


def _moment(value: datetime | None) -> datetime | None:
    """Convert a time to UTC; None for the year 1, which the site writes for "none"."""
    if value is None or value.year == 1:
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise PageChanged(f"not a possible time: {value.isoformat()}") from error


# ---- decoding ----


def _decode(decoder: msgspec.json.Decoder[_Body], body: bytes) -> _Body:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise_for_messages(body)
        raise PageChanged(f"the body is not in the expected format: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if body.startswith(_BYTE_ORDER_MARK):
            return _decode(decoder, body.removeprefix(_BYTE_ORDER_MARK))
        _raise_unreadable(body, error)


def _storable(read: _Read, body: bytes) -> _Read:
    """Return the parsed value if PostgreSQL can store it: JSON can contain a NUL, PostgreSQL's text cannot.

    No real name contains a NUL, so the body is refused: without the NUL it would be another name. For speed, a search
    for any escape clears nearly every body: a pattern on each text would double the parsing time. Lone surrogates
    never get here, because the decoder refuses them.
    """
    # The search for a single byte runs at the speed of memchr, the search for a word does not.
    if b"\\" in body and _NUL in body and _NUL in msgspec.json.encode(read).replace(b"\\\\", b""):
        raise PageChanged("a text to be stored contains a NUL character")
    return read


def _known_segments(segments: list[Raw]) -> list[Segment]:
    """Return the segments of needed types, each decoded separately so that a new type does not break the rest."""
    known = []
    for index, segment in enumerate(segments):
        try:
            kind = _segment_type_decoder.decode(segment).type
            if kind in _KNOWN_SEGMENTS:
                known.append(_segment_decoder.decode(segment))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PageChanged(f"segment {index} is not in the expected format: {error}") from error
    return known


def _raise_unreadable(body: bytes, error: Exception) -> NoReturn:
    if not is_json(body):
        raise_for_200(body)
    if "truncated" in str(error):
        raise HostUnavailable(f"the body was cut off after {len(body)} bytes") from error
    raise PageChanged(f"the body is not JSON: {error}") from error
