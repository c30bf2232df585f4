"""The modules of the house, in the order of their needs."""

from collections.abc import Sequence
from typing import Final

from shared.module import Module
from shared.settings import Settings, SettingsStruct
from trackers.games.module import GAMES
from users.module import USERS

MODULES: Final[Sequence[Module]] = (USERS, GAMES)


def all_settings() -> list[type[SettingsStruct]]:
    """Every settings Struct of the house."""
    return [Settings, *(struct for module in MODULES for struct in module.settings)]
