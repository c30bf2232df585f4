"""What the numbers of Rocket League mean: playlists, tiers, divisions and seasons, as Tracker Network names them.

These tables only give names. New playlists appear with new seasons, so an id that is not here is no error:
the site's own name is used, and where it gives none, the id is.
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
"""With this season the game became free to play, and the names of seasons count from 1 again."""
RELEASE: Final = datetime(2015, 7, 7, tzinfo=UTC)
_FREE_TO_PLAY_SINCE: Final = datetime(2020, 9, 23, tzinfo=UTC)
MIN_SEASON: Final = timedelta(days=60)
"""No season since then took less: most take three months."""


def playlist_name(playlist: int) -> str:
    """The playlist's name; of one that is newer than this table, its number."""
    return PLAYLISTS.get(playlist, f"Playlist {playlist}")


def tier_name(tier: int) -> str:
    """The tier's name; of one that is newer than this table, its number."""
    return TIERS[tier] if 0 <= tier < len(TIERS) else f"Tier {tier}"


def division_name(division: int) -> str:
    """The division's name, counted from 0: 0 is "Division I"."""
    return DIVISIONS[division] if 0 <= division < len(DIVISIONS) else f"Division {division + 1}"


def season_name(season: int) -> str:
    """The season's name, from its running number: 14 is "14", 34 is "Season 20 (34)"."""
    if season < _FREE_TO_PLAY_SEASONS_START:
        return str(season)
    return f"Season {season - _FREE_TO_PLAY_SEASONS_START + 1} ({season})"


def playlist_called(playlist: str, name: str) -> str:
    """The name of a playlist, where the site gave none but its number."""
    return playlist_name(int(playlist)) if name == playlist and playlist.isdecimal() else name


def earliest_start(season: int) -> datetime:
    """A moment before which a season cannot have begun."""
    if season < _FREE_TO_PLAY_SEASONS_START:
        return RELEASE
    return _FREE_TO_PLAY_SINCE + (season - _FREE_TO_PLAY_SEASONS_START) * MIN_SEASON


def newest_possible(now: datetime, *, known: int | None = None, known_at: datetime | None = None) -> int:
    """The newest season that can have begun, from the one that the site showed as current at some moment."""
    if known is None or known_at is None:
        return _FREE_TO_PLAY_SEASONS_START + (now - _FREE_TO_PLAY_SINCE) // MIN_SEASON
    return known + 1 + max(0, (now - known_at) // MIN_SEASON)
