"""The events of game trackers, and the readers that may see each."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from shared.events import EventType, Readers
from trackers.games.messages import CHANGED, UNREACHABLE, AccountUpdate
from trackers.games.schedule_schemas import ProcessingFinished
from trackers.games.schemas import RegisteredTracker


class TrackerUpdated(Struct, frozen=True, kw_only=True):
    """The state of a tracker after a change."""

    id: UUID
    active: bool
    account: str
    """`<game>:<platform>:<identifier>` of the followed account."""


class TrackerMoved(Struct, frozen=True, kw_only=True):
    """A tracker that was transferred, as its old or its new owner sees it; the other person is not named."""

    id: UUID
    account: str


TRACKER_REGISTERED: Final = EventType(
    name="tracker.registered",
    when="A person, a bot or guild staff registers a tracker.",
    payload=RegisteredTracker,
    readers=Readers.OWNERS_GUILDS,
)
TRACKER_UPDATED: Final = EventType(
    name="tracker.updated",
    when="A tracker is activated, deactivated, or follows another account.",
    payload=TrackerUpdated,
    readers=Readers.OWNERS_GUILDS,
)
TRACKER_REMOVED: Final = EventType(
    name="tracker.removed",
    when="A tracker is removed.",
    payload=TrackerMoved,
    readers=Readers.OWNERS_GUILDS,
)
TRACKER_HANDED_OVER: Final = EventType(
    name="tracker.handed_over",
    when="An admin transfers a tracker: the event of its old owner.",
    payload=TrackerMoved,
    readers=Readers.OWNERS_GUILDS,
)
TRACKER_TAKEN_OVER: Final = EventType(
    name="tracker.taken_over",
    when="An admin transfers a tracker: the event of its new owner.",
    payload=TrackerMoved,
    readers=Readers.OWNERS_GUILDS,
)
ACCOUNT_CHANGED: Final = EventType(
    name=CHANGED,
    when="A fetch finds new ratings of a game account.",
    payload=AccountUpdate,
    readers=Readers.ALL_GUILDS,
)
ACCOUNT_UNREACHABLE: Final = EventType(
    name=UNREACHABLE,
    when="A game account is private or not found any more.",
    payload=AccountUpdate,
    readers=Readers.ALL_GUILDS,
)
PROCESSING_FINISHED: Final = EventType(
    name="processing.finished",
    when="The scheduled processing of a guild's trackers ends.",
    payload=ProcessingFinished,
    readers=Readers.NAMED_GUILD,
)
EVENTS: Final = (
    TRACKER_REGISTERED,
    TRACKER_UPDATED,
    TRACKER_REMOVED,
    TRACKER_HANDED_OVER,
    TRACKER_TAKEN_OVER,
    ACCOUNT_CHANGED,
    ACCOUNT_UNREACHABLE,
    PROCESSING_FINISHED,
)
