"""Levels from experience, combat level, total level: the game's own arithmetic, in integers.

The experience for level L is floor(sum over n = 1 .. L-1 of floor(n + 300 * 2^(n/7)) / 4): 83 for level 2, 13,034,431
for 99, 188,884,740 for 126. Combat: floor(0.25 * (defence + max(hitpoints, 10) + floor(prayer / 2)) + max(0.325 *
(attack + strength), 0.325 * floor(1.5 * ranged), 0.325 * floor(1.5 * magic))).
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

HIGHEST: Final = 99
HIGHEST_VIRTUAL: Final = 126
MAX_XP: Final = 200_000_000
"""Maximum experience of a skill."""
FIRST_HITPOINTS: Final = 10


def _table() -> tuple[int, ...]:
    points, table = 0, [0]
    for level in range(1, HIGHEST_VIRTUAL):
        points += int(level + 300 * 2 ** (level / 7))
        table.append(points // 4)
    return tuple(table)


XP_OF_LEVEL: Final = _table()
"""Experience at which each level begins, from level 1."""


def xp_for(level: int) -> int:
    """Return the experience at which a level, 1 to 126, begins."""
    return XP_OF_LEVEL[level - 1]


def virtual_level(xp: int) -> int:
    """Return the level, 1 to 126, of an experience if levels did not end at 99."""
    return bisect_right(XP_OF_LEVEL, xp)


def level_for(xp: int) -> int:
    """Return the level, 1 to 99, of an experience."""
    return min(HIGHEST, virtual_level(xp))


def combat_level(levels: Mapping[str, int]) -> int:
    """Return the combat level from levels by slug of the skill; a missing skill counts with its first level."""
    attack, strength = levels.get("attack", 1), levels.get("strength", 1)
    defence, prayer = levels.get("defence", 1), levels.get("prayer", 1)
    hitpoints = max(levels.get("hitpoints", FIRST_HITPOINTS), FIRST_HITPOINTS)
    ranged, magic = levels.get("ranged", 1) * 3 // 2, levels.get("magic", 1) * 3 // 2
    return (250 * (defence + hitpoints + prayer // 2) + 325 * max(attack + strength, ranged, magic)) // 1000
