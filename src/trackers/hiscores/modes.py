"""Tables of the hiscores: the main game, its restricted accounts, and game modes with separate progress."""

from enum import StrEnum
from typing import Final

SOURCE: Final = "hiscores"
"""Name of the source whose targets are players."""


class GameMode(StrEnum):
    """The hiscores table of a player."""

    REGULAR = "regular"
    IRONMAN = "ironman"
    HARDCORE_IRONMAN = "hardcore_ironman"
    ULTIMATE = "ultimate"
    DEADMAN = "deadman"
    SEASONAL = "seasonal"
    TOURNAMENT = "tournament"
    SKILLER = "skiller"
    SKILLER_DEFENCE = "skiller_defence"
    FRESH_START = "fresh_start"


APART: Final = frozenset({GameMode.DEADMAN, GameMode.SEASONAL, GameMode.TOURNAMENT, GameMode.FRESH_START})
"""Game modes with separate progress: gains there do not count in the main game."""


def table_path(mode: GameMode) -> str:
    """Return the part of a URL that names a table."""
    return "/m=hiscore_oldschool" if mode is GameMode.REGULAR else f"/m=hiscore_oldschool_{mode}"


def same_world(mode: GameMode, other: GameMode) -> bool:
    """True if a player has the same experience in both tables."""
    return mode is other or not {mode, other} & APART


def key_of(mode: GameMode, username: str) -> str:
    """Return the key of a target, which is also its address: `regular:lynx titan`."""
    return f"{mode}:{username}"


def of_key(key: str) -> tuple[GameMode, str]:
    """Return the mode and the name in the key of a target."""
    mode, _, username = key.partition(":")
    return GameMode(mode), username
