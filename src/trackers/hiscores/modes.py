"""The hiscore tables: the main game's, those of its restricted accounts, and those of worlds of their own."""

from enum import StrEnum
from typing import Final

SOURCE: Final = "hiscores"
"""The name of the source that players are targets of."""


class GameMode(StrEnum):
    """The table that a player is looked up in."""

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
"""Worlds where a player begins anew: what was gained there says nothing of the main game."""


def table_path(mode: GameMode) -> str:
    """The part of an address that names a table."""
    return "/m=hiscore_oldschool" if mode is GameMode.REGULAR else f"/m=hiscore_oldschool_{mode}"


def same_world(one: GameMode, other: GameMode) -> bool:
    """Whether a player has the same experience in both tables."""
    return one is other or not {one, other} & APART


def key_of(mode: GameMode, username: str) -> str:
    """The target's key, which is also what is asked for: `regular:lynx titan`."""
    return f"{mode}:{username}"


def of_key(key: str) -> tuple[GameMode, str]:
    mode, _, username = key.partition(":")
    return GameMode(mode), username
