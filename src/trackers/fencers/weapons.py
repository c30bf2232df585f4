"""Weapons of events, by their codes, and of the filters that people enter. Pure."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from trackers.fencers.errors import UnknownWeapon
from trackers.fencers.names import fold


class Weapon(StrEnum):
    """A weapon of fencing."""

    EPEE = "epee"
    FOIL = "foil"
    SABER = "saber"


_SPELLINGS: Final = {
    "epee": Weapon.EPEE,
    "foil": Weapon.FOIL,
    "saber": Weapon.SABER,
    "sabre": Weapon.SABER,
}
_LETTERS: Final = {"E": Weapon.EPEE, "F": Weapon.FOIL, "S": Weapon.SABER}
_CODE: Final = re.compile(r"\(\s*([A-Z0-9]{1,10}[MWX0-9][EFS])\s*\)")
"""JNRWE, DV1ME, Y12MS: the last letter is the weapon, the letter before it is women, men or both."""


def code_of(event: str) -> str | None:
    """Return the code in an event's name, the last of several; None without a code."""
    codes = _CODE.findall(event)
    return codes[-1] if codes else None


def weapon_of(event: str) -> Weapon | None:
    """Return the weapon of an event by its code, or else by the only weapon word in its name; None if unknown."""
    code = code_of(event)
    if code is not None:
        return _LETTERS[code[-1]]
    named = {_SPELLINGS[word] for word in fold(event).split() if word in _SPELLINGS}
    return named.pop() if len(named) == 1 else None


def weapon_filter(given: str | Sequence[str]) -> list[Weapon]:
    """Parse a filter (epee, Épée, sabre; with commas); return it sorted without duplicates. [] lets all events through.

    Without weapons, or with all three, the filter lets all events through. Raises UnknownWeapon with the unknown word.
    """
    parts = [part for text in ([given] if isinstance(given, str) else given) for part in text.split(",")]
    chosen = set()
    for part in parts:
        word = fold(part)
        if not word and not part.strip():
            continue
        if word not in _SPELLINGS:
            raise UnknownWeapon(part.strip())
        chosen.add(_SPELLINGS[word])
    return [] if len(chosen) == len(Weapon) else sorted(chosen)


def lets_through(weapons: Iterable[str], weapon: str | None) -> bool:
    """True if a filter lets an event through; an event with an unknown weapon always passes."""
    allowed = frozenset(weapons)
    return not allowed or weapon is None or weapon in allowed
