"""Player names as the game compares them: case-blind, with space, underscore and hyphen the same.

Format: the game's own rules. 1 to 12 letters, digits and spaces; inner double spaces
stay two.
"""

import re
from typing import Final

from trackers.hiscores.errors import InvalidUsername

MAX_NAME_LENGTH: Final = 12
_SEPARATORS: Final = re.compile(r"[-_\s]")
_POSSIBLE: Final = re.compile(r"[a-z0-9 ]{1,12}")


def standard(entered: str) -> str:
    """What was typed in the one spelling, whether anybody can be called so or not.

    `___hello_WORLD123  ` is `hello world123`, which is longer than names are.
    """
    return _SEPARATORS.sub(" ", entered).strip().lower()


def canonical(entered: str) -> str:
    """The one spelling of a player's name. Raises InvalidUsername for what no player can be called."""
    name = standard(entered)
    if not _POSSIBLE.fullmatch(name) or not _SEPARATORS.sub(" ", entered).isascii():
        raise InvalidUsername(entered)
    return name


def beginning(entered: str) -> str:
    """How canonical names begin that begin as somebody typed: `Lynx_` is `lynx `. Raises InvalidUsername."""
    name = _SEPARATORS.sub(" ", entered).lstrip().lower()
    if not _POSSIBLE.fullmatch(name):
        raise InvalidUsername(entered)
    return name


def is_name(entered: str) -> bool:
    """Whether somebody could be called so."""
    try:
        canonical(entered)
    except InvalidUsername:
        return False
    return True


def shown(entered: str) -> str:
    """How a name is shown until the hiscores tell of its own spelling: as it was typed, tidied."""
    return _SEPARATORS.sub(" ", entered).strip()


def spells(display: str, username: str) -> bool:
    """Whether a display name is a spelling of a canonical one."""
    return is_name(display) and canonical(display) == username
