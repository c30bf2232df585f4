"""A digest as a mail: text and HTML of the same data, and the headers for unsubscribing with one click (RFC 8058)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jinja2 import Environment

from shared.zones import kept_zone
from users.notifications.digest import Digest, Label
from users.notifications.unsubscribing import Unsubscribing

COLOURS = {
    Label.NEW: ("New", "#0b6e4f"),
    Label.GONE: ("Withdrawn", "#a4243b"),
    Label.MOVED: ("Moved", "#8a5a00"),
    Label.NEWS: ("", "#334155"),
}


@dataclass(frozen=True, kw_only=True)
class RenderedDigest:
    subject: str
    text: str
    html: str
    headers: dict[str, str]


class DigestMail:
    """Renders digests."""

    def __init__(self, templates: Environment, *, unsubscribing: Unsubscribing) -> None:
        self._templates = templates
        self._unsubscribing = unsubscribing

    def rendered(self, digest: Digest, user_id: UUID) -> RenderedDigest:
        link = self._unsubscribing.link(user_id)
        view = {
            "digest": digest,
            "since": _local(digest.since, digest.time_zone),
            "until": _local(digest.until, digest.time_zone),
            "subject": f"Your digest: {digest.title}",
            "labels": {label.value: {"word": word, "colour": colour} for label, (word, colour) in COLOURS.items()},
            "unsubscribe": link,
        }
        return RenderedDigest(
            subject=f"Your digest: {digest.title}",
            text=self._templates.get_template("digest.txt").render(view),
            html=self._templates.get_template("digest.html").render(view),
            headers={}
            if link is None
            else {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        )


def _local(at: datetime, time_zone: str) -> str:
    """Format a time in a person's time zone: `Sun 22 Nov 2026, 08:00`."""
    return f"{at.astimezone(kept_zone(time_zone)):%a %d %b %Y, %H:%M}"
