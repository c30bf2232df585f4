"""Digests: their parts, and the protocol by which a module adds sections.

A module with updates for people provides a DigestWriter (`Module.digest_writers`, a function of its container like
`handlers`; the writer is built on the open session). The writer gets the windows of a batch of people and returns
sections for people with updates. It queries the database once per batch, not once per person. It reports each update
once, and skips updates that `window.wants` excludes. A person without sections gets no mail. The window is half open:
`since < t <= until`. `until` lies so far back that all transactions that wrote before it have committed, so let `t` be
the time at which rows were written.

    class Watches:                                            # trackers/flights/digest.py
        name = "flights"

        def __init__(self, queries: TransactionQueries) -> None: ...

        async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
            rows = await self._queries.rows(_DECREASES, spans(windows))   # unnest(:users, :since, :until)
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
"""Event that carries a digest to a channel."""
MAX_ENTRIES: Final = 500
"""Limit per digest; further entries are only counted."""


class Label(StrEnum):
    """Kind of an entry; mails show each kind in its own colour."""

    NEW = "new"
    GONE = "gone"
    MOVED = "moved"
    NEWS = "news"


class DigestEntry(Struct, frozen=True, kw_only=True):
    """One update in a digest."""

    title: str
    detail: str = ""
    label: Label = Label.NEWS
    note: str = ""
    """Shown after the entry in small print."""
    url: str | None = None


class DigestGroup(Struct, frozen=True, kw_only=True):
    """Entries that belong together within a section; the title is optional."""

    entries: tuple[DigestEntry, ...]
    title: str = ""


class DigestSection(Struct, frozen=True, kw_only=True):
    """Updates of one module, or of one thing that the module follows."""

    title: str
    groups: tuple[DigestGroup, ...]
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class DigestWindow:
    """Person and time span of a digest."""

    user_id: UUID
    since: datetime
    until: datetime
    time_zone: str = "UTC"
    modes: Mapping[tuple[UUID, str], Mode] = field(default_factory=dict)
    """The person's preferences by subject (zeros: all subjects) and event (empty: all events)."""

    def wants(self, subject_id: UUID, event: str) -> bool:
        """True if the person wants to receive an event of a subject that they follow."""
        for key in ((subject_id, event), (subject_id, ""), (EVERYTHING, event), (EVERYTHING, "")):
            if key in self.modes:
                return self.modes[key] is not Mode.OFF
        return True


class DigestWriter(Protocol):
    """Writes a module's sections."""

    name: str

    async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
        """Return sections by person, in the order of the mail; people without updates are missing."""


class Digest(Struct, frozen=True, kw_only=True):
    """Data from which text and HTML are rendered."""

    title: str
    since: datetime
    until: datetime
    entries: int
    sections: tuple[DigestSection, ...]
    time_zone: str = "UTC"
    """Time zone of the person, for the times in the mail."""
    left_out: int = 0
    """Number of entries beyond the limit."""


def spans(windows: Sequence[DigestWindow]) -> dict[str, Any]:
    """Return windows as parameters of SQL: `unnest(CAST(:users AS uuid[]), CAST(:since AS timestamptz[]), ...)`."""
    return {
        "users": [window.user_id for window in windows],
        "since": [window.since for window in windows],
        "until": [window.until for window in windows],
    }


def composed(window: DigestWindow, sections: Sequence[DigestSection]) -> Digest:
    """Compose a person's digest of at most MAX_ENTRIES entries; a digest without entries is not sent."""
    included, left_out, shown = 0, 0, []
    for section in sections:
        groups = []
        for group in section.groups:
            entries = group.entries[: max(0, MAX_ENTRIES - included)]
            included += len(entries)
            left_out += len(group.entries) - len(entries)
            if entries:
                groups.append(DigestGroup(title=group.title, entries=entries))
        if groups:
            shown.append(DigestSection(title=section.title, url=section.url, groups=tuple(groups)))
    count = included + left_out
    return Digest(
        title="1 update" if count == 1 else f"{count:,} updates" if count else "no updates",
        since=window.since,
        until=window.until,
        entries=count,
        sections=tuple(shown),
        time_zone=window.time_zone,
        left_out=left_out,
    )
