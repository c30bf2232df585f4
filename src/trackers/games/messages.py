"""What moved, in Structs for events and in words for people. Pure."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.events import Event
from trackers.games.adapters import ADAPTERS
from users.notifications.messages import Message, RecipientLocale

CHANGED: Final = "game_account.changed"
UNREACHABLE: Final = "game_account.unreachable"
SHORT: Final = {"10": "1v1", "11": "2v2", "13": "3v3", "61": "4v4"}
WHY: Final = {
    "not_found": "The site knows no such account any more. Was it renamed? Then hand in its new link.",
    "private": "The account has become private; its owner can open it again on the site.",
}


class PlaylistChange(Struct, frozen=True, kw_only=True):
    """How a playlist's standing moved."""

    playlist: str
    name: str
    rating_before: int
    rating: int
    tier_before: int | None
    tier: int | None
    tier_name: str | None
    division_name: str | None
    matches: int
    """Played since the last look."""
    win_streak: int
    new_peak: bool
    """Whether the rating is the season's best so far."""


class AccountUpdate(Struct, frozen=True, kw_only=True):
    """What an event tells of an account: who it is, and what moved or why nothing is known of it."""

    account_id: UUID
    game: str
    platform: str
    name: str
    url: str
    season: str | None = None
    changes: Sequence[PlaylistChange] = ()
    reason: str | None = None
    batch: str | None = None
    """The scheduled processing that found it, for who prefers to hear of one at once."""


class GameMessages:
    """Says what moved: `2v2 1,204 -> 1,251 (+47), Diamond III, new peak`."""

    events: Final = frozenset({CHANGED, UNREACHABLE})

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        """The same for everybody who follows the account."""
        news = msgspec.convert(event.payload, AccountUpdate)
        game = ADAPTERS[news.game].name if news.game in ADAPTERS else news.game
        if event.event == UNREACHABLE:
            why = WHY.get(news.reason or "", "The site gave no data for it.")
            return Message(title=f"{news.name} ({game}) cannot be looked at", lines=(why,), url=news.url)
        if not news.changes:
            return None
        return Message(
            title=f"{news.name} ({game})", lines=tuple(in_words(change) for change in news.changes), url=news.url
        )


def _matches(count: int) -> str:
    return "1 match" if count == 1 else f"{count} matches"


def in_words(change: PlaylistChange) -> str:
    """One line of news."""
    moved = change.rating - change.rating_before
    parts = [
        f"{SHORT.get(change.playlist, change.name)} {change.rating_before:,} -> {change.rating:,} ({moved:+,})"
        if moved
        else f"{SHORT.get(change.playlist, change.name)} {change.rating:,} (unchanged after {_matches(change.matches)})"
    ]
    if change.tier_name:
        raised = change.tier_before is not None and change.tier is not None and change.tier != change.tier_before
        word = f" ({'up' if (change.tier or 0) > (change.tier_before or 0) else 'down'})" if raised else ""
        parts.append(f"{change.tier_name}{word}")
    if change.new_peak:
        parts.append("new peak")
    return ", ".join(parts)
