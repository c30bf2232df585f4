"""Names of Rocket League's playlists, tiers, divisions and seasons, by the numbers that Tracker Network uses.

These tables only give names. New seasons bring new playlists, so a missing id is not an error: the site's own
name is used, or the id if the site gives no name.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

PLAYLISTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "Casual",
        10: "Ranked Duel 1v1",
        11: "Ranked Doubles 2v2",
        12: "Ranked Solo Standard 3v3",
        13: "Ranked Standard 3v3",
        27: "Hoops",
        28: "Rumble",
        29: "Dropshot",
        30: "Snowday",
        34: "Tournament Matches",
        61: "Ranked 4v4 Quads",
    }
)

DIVISIONS: Final = ("Division I", "Division II", "Division III", "Division IV")
"""By the site's number, which starts at 0."""

_LEVELS: Final = ("Bronze", "Silver", "Gold", "Platinum", "Diamond", "Champion", "Grand Champion")

TIERS: Final = (
    "Unranked",
    *(f"{level} {step}" for level in _LEVELS for step in ("I", "II", "III")),
    "Supersonic Legend",
)
"""By the site's number: 0 Unranked, 1-21 three steps of seven levels, 22 Supersonic Legend."""

_FREE_TO_PLAY_SEASONS_START: Final = 15
"""The game became free to play with this season, and the names of seasons count from 1 again."""
RELEASE: Final = datetime(2015, 7, 7, tzinfo=UTC)
_FREE_TO_PLAY_SINCE: Final = datetime(2020, 9, 23, tzinfo=UTC)
MIN_SEASON: Final = timedelta(days=60)
"""Every season since then lasted longer; most last three months."""


def playlist_name(playlist: int) -> str:
    """Return the playlist's name, or its number if it is newer than this table."""
    return PLAYLISTS.get(playlist, f"Playlist {playlist}")


def tier_name(tier: int) -> str:
    """Return the tier's name, or its number if it is newer than this table."""
    return TIERS[tier] if 0 <= tier < len(TIERS) else f"Tier {tier}"


def division_name(division: int) -> str:
    """Return the division's name; divisions count from 0: 0 is "Division I"."""
    return DIVISIONS[division] if 0 <= division < len(DIVISIONS) else f"Division {division + 1}"


def season_name(season: int) -> str:
    """Return the season's name from its running number: 14 is "14", 34 is "Season 20 (34)"."""
    if season < _FREE_TO_PLAY_SEASONS_START:
        return str(season)
    return f"Season {season - _FREE_TO_PLAY_SEASONS_START + 1} ({season})"


def playlist_called(playlist: str, name: str) -> str:
    """Return the name of a playlist, also if the site gave only its number."""
    return playlist_name(int(playlist)) if name == playlist and playlist.isdecimal() else name


def earliest_start(season: int) -> datetime:
    """Return a moment before which the season cannot have started."""
    if season < _FREE_TO_PLAY_SEASONS_START:
        return RELEASE
    return _FREE_TO_PLAY_SINCE + (season - _FREE_TO_PLAY_SEASONS_START) * MIN_SEASON


def newest_possible(now: datetime, *, known: int | None = None, known_at: datetime | None = None) -> int:
    """Return the newest season that can have started, given the season that the site showed as current at a moment."""
    if known is None or known_at is None:
        return _FREE_TO_PLAY_SEASONS_START + (now - _FREE_TO_PLAY_SINCE) // MIN_SEASON
    return known + 1 + max(0, (now - known_at) // MIN_SEASON)
