"""What players reached, in Structs for events and in words for people. Pure."""

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
"""What followers are told."""
MAX_LINES: Final = 12
PAGE: Final = "https://secure.runescape.com/m=hiscore_oldschool/hiscorepersonal?user1="


class LevelUp(Struct, frozen=True, kw_only=True):
    """Levels that a skill has gained."""

    skill: str
    name: str
    before: int
    now: int


class PlayerUpdate(Struct, frozen=True, kw_only=True):
    """What an event tells of a player."""

    player_id: UUID
    username: str
    display_name: str
    mode: str
    url: str
    xp_gained: int = 0
    """In all, since the record before."""
    levels: Sequence[LevelUp] = ()
    achievements: Sequence[str] = ()
    """In words."""
    decreased: Sequence[str] = ()
    """Names of what shows less than before."""
    former: str | None = None
    """The name before."""
    removed: bool = False
    """Of whom is looked at no longer: whether the player is gone from the list, not only at rest."""

    @property
    def worth_telling(self) -> bool:
        """Whether people want to hear of it: experience alone is no news."""
        return bool(self.levels or self.achievements)


class HiscoreMessages:
    """Says what was reached: `Slayer 97 -> 99`, `first Vorkath`."""

    events: Final = TOLD

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        """The same for everybody who follows the player."""
        news = msgspec.convert(event.payload, PlayerUpdate)
        said = _WORDS[event.event](news)
        if said is None:
            return None
        title, lines = said
        if len(lines) > MAX_LINES:
            lines = [*lines[: MAX_LINES - 1], f"and {len(lines) - MAX_LINES + 1} more"]
        return Message(title=title, lines=tuple(lines), url=news.url)


def _progressed(news: PlayerUpdate) -> tuple[str, list[str]] | None:
    if not news.worth_telling:
        return None
    lines = [f"{level.name} {level.before} -> {level.now}" for level in news.levels]
    lines += [f"Reached: {achievement}" for achievement in news.achievements]
    if news.xp_gained > 0:
        lines.append(f"+{news.xp_gained:,} experience in all")
    return news.display_name, lines


def _missing(news: PlayerUpdate) -> tuple[str, list[str]]:
    why = f"The {news.mode.replace('_', ' ')} hiscores know no such player any more. Renamed? Then tell an admin."
    return f"{news.display_name} is not on the hiscores", [why]


def _decreased(news: PlayerUpdate) -> tuple[str, list[str]]:
    what = ", ".join(news.decreased)
    why = f"Less than before: {what}. A rollback, or somebody else plays under the name; gains count from here."
    return f"{news.display_name} begins anew", [why]


def _renamed(news: PlayerUpdate) -> tuple[str, list[str]]:
    return f"{news.former} is called {news.display_name} now", ["The history goes on under the new name."]


def _stopped(news: PlayerUpdate) -> tuple[str, list[str]]:
    what = "removed; the history comes back with whoever adds the player again" if news.removed else "put to rest"
    return f"Nobody looks at {news.display_name} any more", [f"The player was {what}."]


_WORDS: Final = {
    PROGRESSED: _progressed,
    MISSING: _missing,
    DECREASED: _decreased,
    RENAMED: _renamed,
    STOPPED: _stopped,
}


def page_of(username: str) -> str:
    """The site's own page of a player."""
    return f"{PAGE}{username.replace(' ', '+')}"
