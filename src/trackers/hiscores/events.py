"""The events of players and their readers."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from shared.events import EventType, Readers
from trackers.hiscores.messages import DECREASED, MISSING, PROGRESSED, RENAMED, STOPPED, PlayerUpdate


class PlayerAdded(Struct, frozen=True, kw_only=True):
    """A player that the hiscores have shown for the first time."""

    player_id: UUID
    username: str
    mode: str


class PlayerUpdated(Struct, frozen=True, kw_only=True):
    """Settings of a player after a change."""

    player_id: UUID
    username: str
    mode: str
    active: bool
    interval: float
    """Seconds between two fetches."""
    adaptive: bool


class PlayerRemoved(Struct, frozen=True, kw_only=True):
    """A player that is no longer tracked."""

    player_id: UUID
    username: str
    reason: str | None = None
    """`not_found`: the hiscores do not list the player; null: somebody removed the player."""
    purged: bool = False
    """True if the recorded history was deleted, too."""


ADDED: Final = EventType(
    name="player.added",
    when="The hiscores show a new player for the first time.",
    payload=PlayerAdded,
    readers=Readers.EVERYBODY,
)
UPDATED: Final = EventType(
    name="player.updated",
    when="The mode, the interval or the state of a player changes.",
    payload=PlayerUpdated,
    readers=Readers.EVERYBODY,
)
REMOVED: Final = EventType(
    name="player.removed",
    when="A player is removed, or was never found on the hiscores.",
    payload=PlayerRemoved,
    readers=Readers.EVERYBODY,
)
PLAYER_PROGRESSED: Final = EventType(
    name=PROGRESSED,
    when="A fetch finds experience, levels or achievements gained.",
    payload=PlayerUpdate,
    readers=Readers.EVERYBODY,
)
PLAYER_MISSING: Final = EventType(
    name=MISSING,
    when="A known player is missing on the hiscores three times in a row.",
    payload=PlayerUpdate,
    readers=Readers.EVERYBODY,
)
PLAYER_DECREASED: Final = EventType(
    name=DECREASED,
    when="The hiscores show less of a player than before, for good.",
    payload=PlayerUpdate,
    readers=Readers.EVERYBODY,
)
PLAYER_RENAMED: Final = EventType(
    name=RENAMED,
    when="An admin renames a player.",
    payload=PlayerUpdate,
    readers=Readers.EVERYBODY,
)
PLAYER_STOPPED: Final = EventType(
    name=STOPPED,
    when="A player with followers is removed or deactivated by somebody else.",
    payload=PlayerUpdate,
    readers=Readers.EVERYBODY,
)
EVENTS: Final = (
    ADDED,
    UPDATED,
    REMOVED,
    PLAYER_PROGRESSED,
    PLAYER_MISSING,
    PLAYER_DECREASED,
    PLAYER_RENAMED,
    PLAYER_STOPPED,
)
