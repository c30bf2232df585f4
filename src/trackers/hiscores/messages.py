"""Payloads of events about players, and the messages about them. Pure."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.events import Event
from users.notifications.messages import Message, RecipientLocale

PROGRESSED: Final = "player.progressed"
MISSING: Final = "player.missing"
DECREASED: Final = "player.decreased"
RENAMED: Final = "player.renamed"
STOPPED: Final = "player.stopped"
TOLD: Final = frozenset({PROGRESSED, MISSING, DECREASED, RENAMED, STOPPED})
"""Events about which followers get a message."""
MAX_LINES: Final = 12
PAGE: Final = "https://secure.runescape.com/m=hiscore_oldschool/hiscorepersonal?user1="


class LevelUp(Struct, frozen=True, kw_only=True):
    """A skill's level before and after a fetch."""

    skill: str
    name: str
    before: int
    now: int


class PlayerUpdate(Struct, frozen=True, kw_only=True):
    """Payload of an event about a player: what changed."""

    player_id: UUID
    username: str
    display_name: str
    mode: str
    url: str
    xp_gained: int = 0
    """Overall experience since the record before."""
    levels: Sequence[LevelUp] = ()
    achievements: Sequence[str] = ()
    """In words, such as `99 Slayer`."""
    decreased: Sequence[str] = ()
    """Names of metrics that show less than before."""
    former: str | None = None
    """The name before a rename."""
    removed: bool = False
    """In `player.stopped`: True if the player was removed, False if it was deactivated."""

    @property
    def worth_telling(self) -> bool:
        """True if followers get a message: for levels and achievements, not for experience alone."""
        return bool(self.levels or self.achievements)


class HiscoreMessages:
    """Writes messages about players, such as `Slayer 97 -> 99` and `Reached: first Vorkath`."""

    events: Final = TOLD

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        """Return the message, which is the same for all followers; None if there is nothing worth a message."""
        update = msgspec.convert(event.payload, PlayerUpdate)
        content = _WORDS[event.event](update)
        if content is None:
            return None
        title, lines = content
        if len(lines) > MAX_LINES:
            lines = [*lines[: MAX_LINES - 1], f"and {len(lines) - MAX_LINES + 1} more"]
        return Message(title=title, lines=tuple(lines), url=update.url)


def _progressed(update: PlayerUpdate) -> tuple[str, list[str]] | None:
    if not update.worth_telling:
        return None
    lines = [f"{level.name} {level.before} -> {level.now}" for level in update.levels]
    lines += [f"Reached: {achievement}" for achievement in update.achievements]
    if update.xp_gained > 0:
        lines.append(f"+{update.xp_gained:,} experience in total")
    return update.display_name, lines


def _missing(update: PlayerUpdate) -> tuple[str, list[str]]:
    mode = update.mode.replace("_", " ")
    line = f"The {mode} hiscores no longer list this player. If the player has a new name, tell an admin."
    return f"{update.display_name} is not on the hiscores", [line]


def _decreased(update: PlayerUpdate) -> tuple[str, list[str]]:
    names = ", ".join(update.decreased)
    line = f"Less than before: {names}. A rollback, or another account under the name; gains count from here on."
    return f"Progress of {update.display_name} decreased", [line]


def _renamed(update: PlayerUpdate) -> tuple[str, list[str]]:
    return f"{update.former} is now called {update.display_name}", ["The history continues under the new name."]


def _stopped(update: PlayerUpdate) -> tuple[str, list[str]]:
    removed = "The player was removed. The history comes back if somebody adds the player again."
    line = removed if update.removed else "The player was deactivated."
    return f"Updates of {update.display_name} have stopped", [line]


_WORDS: Final = {
    PROGRESSED: _progressed,
    MISSING: _missing,
    DECREASED: _decreased,
    RENAMED: _renamed,
    STOPPED: _stopped,
}


def page_of(username: str) -> str:
    """Return the URL of a player's page on the game's site."""
    return f"{PAGE}{username.replace(' ', '+')}"
