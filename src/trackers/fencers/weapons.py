"""Weapons: of an event by its code, and as people name them in a filter. Pure."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from trackers.fencers.errors import UnknownWeapon
from trackers.fencers.names import fold


class Weapon(StrEnum):
    """What is fenced with."""

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
"""JNRWE, DV1ME, Y12MS: the last letter is the weapon, the one before it women, men or both."""


def code_of(event: str) -> str | None:
    """The code in an event's name, the last one where there are several."""
    found = _CODE.findall(event)
    return found[-1] if found else None


def weapon_of(event: str) -> Weapon | None:
    """By the event's code, else by the one weapon that its name has as a word; None where neither tells."""
    code = code_of(event)
    if code is not None:
        return _LETTERS[code[-1]]
    named = {_SPELLINGS[word] for word in fold(event).split() if word in _SPELLINGS}
    return named.pop() if len(named) == 1 else None


def weapon_filter(given: str | Sequence[str]) -> list[Weapon]:
    """A filter as people type it (epee, Épée, sabre; with commas) -> sorted, each once; [] lets everything through.

    Nothing and all three are no filter. Raises UnknownWeapon, naming the word.
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
    """Whether a filter lets an event through; one whose weapon nobody could tell always comes through."""
    allowed = frozenset(weapons)
    return not allowed or weapon is None or weapon in allowed
