"""Changes of ratings as Structs for events, and as messages for people. Pure."""

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
    "not_found": "The site has no such account any more. If it was renamed, enter its new link.",
    "private": "The account has become private; its owner can make it public again on the site.",
}


class PlaylistChange(Struct, frozen=True, kw_only=True):
    """The change of a playlist since the last fetch."""

    playlist: str
    name: str
    rating_before: int
    rating: int
    tier_before: int | None
    tier: int | None
    tier_name: str | None
    division_name: str | None
    matches: int
    """Matches since the last fetch."""
    win_streak: int
    new_peak: bool
    """True if the rating is the best of the season so far."""


class AccountUpdate(Struct, frozen=True, kw_only=True):
    """Payload of the events of an account: the account, and its changed playlists or the reason why it has no data."""

    account_id: UUID
    game: str
    platform: str
    name: str
    url: str
    season: str | None = None
    changes: Sequence[PlaylistChange] = ()
    reason: str | None = None
    batch: str | None = None
    """The scheduled processing that fetched it, for members who want immediate messages."""


class GameMessages:
    """Writes messages such as `2v2 1,204 -> 1,251 (+47), Diamond III, new peak`."""

    events: Final = frozenset({CHANGED, UNREACHABLE})

    def write(self, event: Event, _subject_id: UUID, _locale: RecipientLocale) -> Message | None:
        """Return the message, the same for all followers of the account; None if nothing changed."""
        update = msgspec.convert(event.payload, AccountUpdate)
        game = ADAPTERS[update.game].name if update.game in ADAPTERS else update.game
        if event.event == UNREACHABLE:
            why = WHY.get(update.reason or "", "The site gave no data for it.")
            return Message(title=f"{update.name} ({game}) cannot be fetched", lines=(why,), url=update.url)
        if not update.changes:
            return None
        return Message(
            title=f"{update.name} ({game})", lines=tuple(in_words(change) for change in update.changes), url=update.url
        )


def _matches(count: int) -> str:
    return "1 match" if count == 1 else f"{count} matches"


def in_words(change: PlaylistChange) -> str:
    """Return the change of a playlist as one line."""
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
