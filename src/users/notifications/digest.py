"""What a digest is made of, and what a module does to have a section in it.

A module that has news for people brings a DigestWriter (`Module.digest_writers`, a function of its container, as
`handlers` is: the writer is built on the session that is open). Asked for a batch of people at once, it returns the
sections of those it has news for. It asks the database once per batch, not once per person; it tells each thing once;
and it leaves out what `window.wants` says somebody does not want to hear of. Nothing new: no section; no section of
anybody's: no mail. The window is half open, `since < t <= until`; `until` lies far enough back that every transaction
that wrote before it is in, so compare it with the time that rows were written.

    class Watches:                                            # trackers/flights/digest.py
        name = "flights"

        def __init__(self, questions: TransactionReader) -> None: ...

        async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
            rows = await self._questions.rows(_FELL, spans(windows))      # unnest(:users, :since, :until)
            ...
            entry = DigestEntry(title="LUX to DXB, 3 May", detail="412 EUR (-38)", url=...)
            return {user_id: [DigestSection(title="Flights", groups=(DigestGroup(entries=tuple(entries)),))]}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from msgspec import Struct

from users.notifications.schemas import EVERYTHING, Mode

READY: Final = "digest.ready"
"""The event that carries a digest to a channel."""
MAX_ENTRIES: Final = 500
"""Of one digest; what is more is counted."""


class Label(StrEnum):
    """What an entry is; mails give each its colour."""

    NEW = "new"
    GONE = "gone"
    MOVED = "moved"
    NEWS = "news"


class DigestEntry(Struct, frozen=True, kw_only=True):
    """One thing that is told."""

    title: str
    detail: str = ""
    label: Label = Label.NEWS
    note: str = ""
    """Said after it, in small letters."""
    url: str | None = None


class DigestGroup(Struct, frozen=True, kw_only=True):
    """Entries that belong together within a section; without a title where there is nothing to say of them."""

    entries: tuple[DigestEntry, ...]
    title: str = ""


class DigestSection(Struct, frozen=True, kw_only=True):
    """One module's news, or of one thing that it follows."""

    title: str
    groups: tuple[DigestGroup, ...]
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class DigestWindow:
    """For whom, and of what time."""

    user_id: UUID
    since: datetime
    until: datetime
    time_zone: str = "UTC"
    modes: Mapping[tuple[UUID, str], Mode] = field(default_factory=dict)
    """What they prefer: by subject (zeros: all) and event (empty: all)."""

    def wants(self, subject_id: UUID, event: str) -> bool:
        """Whether they want to hear of an event through something that they follow."""
        for key in ((subject_id, event), (subject_id, ""), (EVERYTHING, event), (EVERYTHING, "")):
            if key in self.modes:
                return self.modes[key] is not Mode.OFF
        return True


class DigestWriter(Protocol):
    """Brings a module's sections."""

    name: str

    async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
        """By person, in the order in which they are told; who is not named has no news."""


class Digest(Struct, frozen=True, kw_only=True):
    """The view that text and HTML are made from."""

    title: str
    since: datetime
    until: datetime
    entries: int
    sections: tuple[DigestSection, ...]
    time_zone: str = "UTC"
    """Of the person, whose clock the mail's times are told by."""
    left_out: int = 0
    """Entries beyond those that one digest tells."""


def spans(windows: Sequence[DigestWindow]) -> dict[str, Any]:
    """Windows as parameters: `unnest(CAST(:users AS uuid[]), CAST(:since AS timestamptz[]), ...)`."""
    return {
        "users": [window.user_id for window in windows],
        "since": [window.since for window in windows],
        "until": [window.until for window in windows],
    }


def composed(window: DigestWindow, sections: Sequence[DigestSection]) -> Digest:
    """A person's digest; one without entries tells nothing and is not sent."""
    told, left_out, kept = 0, 0, []
    for section in sections:
        groups = []
        for group in section.groups:
            entries = group.entries[: max(0, MAX_ENTRIES - told)]
            told += len(entries)
            left_out += len(group.entries) - len(entries)
            if entries:
                groups.append(DigestGroup(title=group.title, entries=entries))
        if groups:
            kept.append(DigestSection(title=section.title, url=section.url, groups=tuple(groups)))
    count = told + left_out
    return Digest(
        title="1 piece of news" if count == 1 else f"{count:,} pieces of news" if count else "nothing new",
        since=window.since,
        until=window.until,
        entries=count,
        sections=tuple(kept),
        time_zone=window.time_zone,
        left_out=left_out,
    )
