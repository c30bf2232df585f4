"""Player names as the game compares them: without case, and with space, underscore and hyphen as the same character.

Format, by the game's own rules: 1 to 12 letters, digits and spaces; inner double spaces are kept.
"""

import re
from typing import Final

from trackers.hiscores.errors import InvalidUsername

MAX_NAME_LENGTH: Final = 12
_SEPARATORS: Final = re.compile(r"[-_\s]")
_POSSIBLE: Final = re.compile(r"[a-z0-9 ]{1,12}")


def standard(entered: str) -> str:
    """Return a text in canonical spelling, even if it is not a possible name.

    `___hello_WORLD123  ` becomes `hello world123`, which is longer than a name may be.
    """
    return _SEPARATORS.sub(" ", entered).strip().lower()


def canonical(entered: str) -> str:
    """Return the canonical spelling of a player's name. Raises InvalidUsername if no player can have the name."""
    name = standard(entered)
    if not _POSSIBLE.fullmatch(name) or not _SEPARATORS.sub(" ", entered).isascii():
        raise InvalidUsername(entered)
    return name


def beginning(entered: str) -> str:
    """Return the canonical spelling of the beginning of a name: `Lynx_` becomes `lynx `. Raises InvalidUsername."""
    name = _SEPARATORS.sub(" ", entered).lstrip().lower()
    if not _POSSIBLE.fullmatch(name):
        raise InvalidUsername(entered)
    return name


def is_name(entered: str) -> bool:
    """True if a player can have this name."""
    try:
        canonical(entered)
    except InvalidUsername:
        return False
    return True


def shown(entered: str) -> str:
    """Return the display name until the hiscores show the game's spelling: as entered, with plain spaces."""
    return _SEPARATORS.sub(" ", entered).strip()


def spells(display: str, username: str) -> bool:
    """True if a display name is a spelling of a canonical name."""
    return is_name(display) and canonical(display) == username
