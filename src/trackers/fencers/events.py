"""Events of fencers and clubs, with their readers."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from shared.events import EventType, Readers
from trackers.fencers.links import SubjectKind
from trackers.fencers.messages import CHANGED, FencerUpdate


class TrackedEvent(Struct, frozen=True, kw_only=True):
    """A fencer or club that a person follows, after a change."""

    id: UUID
    kind: SubjectKind
    upstream_id: int
    weapons: Sequence[str]
    active: bool


_WHEN: Final = {
    "tracked": "A person starts to follow a {}.",
    "reactivated": "A person follows a {} again that was deactivated.",
    "tracking_updated": "A person changes name, weapons or state of a {} that they follow.",
    "untracked": "A person does not follow a {} any more.",
}
TRACKING: Final = {
    (kind, what): EventType(
        name=f"{kind}.{what}", when=when.format(kind), payload=TrackedEvent, readers=Readers.OWNERS_GUILDS
    )
    for kind in SubjectKind
    for what, when in _WHEN.items()
}
"""Event types by kind and change."""
REGISTRATIONS_CHANGED: Final = EventType(
    name=CHANGED,
    when="A page shows new, moved or withdrawn registrations of a fencer.",
    payload=FencerUpdate,
    readers=Readers.ALL_GUILDS,
)
EVENTS: Final = (*TRACKING.values(), REGISTRATIONS_CHANGED)
