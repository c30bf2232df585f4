"""Digests as plain messages, for channels other than mail: a title, and a line for each entry. Pure."""

from typing import Final
from uuid import UUID

import msgspec

from shared.events import Event
from users.notifications.digest import READY, Digest, DigestEntry
from users.notifications.messages import Message, RecipientLocale


class DigestMessages:
    """Writes digests as messages (a MessageWriter)."""

    events: Final = frozenset({READY})

    def write(self, event: Event, subject_id: UUID, locale: RecipientLocale) -> Message | None:  # noqa: ARG002 -- the protocol passes them
        digest = msgspec.convert(event.payload, Digest)
        return Message(title=f"Your digest: {digest.title}", lines=tuple(_lines(digest)))


def _lines(digest: Digest) -> list[str]:
    lines: list[str] = []
    for section in digest.sections:
        lines.append(section.title)
        for group in section.groups:
            lines += [group.title] if group.title else []
            lines += [_line(entry) for entry in group.entries]
    if digest.left_out:
        lines.append(f"and {digest.left_out:,} more")
    return lines


def _line(entry: DigestEntry) -> str:
    parts = [part for part in (entry.title, entry.detail) if part]
    return f"{': '.join(parts)}{f' ({entry.note})' if entry.note else ''}"
