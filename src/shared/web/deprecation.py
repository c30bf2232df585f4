"""What is going to go says so, at one place: `opt=deprecated(since=..., sunset=..., link=...)` on its handler.

Every answer of it then carries `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to what comes instead, and the
schema says `deprecated`. With `parameters`, only they are going to go, and only who sends one of them is told.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

DEPRECATED: Final = "deprecated"
"""Key in a handler's `opt`."""
AT_LEAST: Final = timedelta(days=180)
"""From the announcement to the end; what docs/api.md promises."""
SCHEMA: Final = "/schema"
"""Where what stays is described."""

Header = tuple[bytes, bytes]


@dataclass(frozen=True, kw_only=True)
class Deprecation:
    """What a handler, or some of its query parameters, are marked with."""

    since: date
    sunset: date
    """The first day on which it may be gone."""
    link: str
    """Where it is written what to use instead."""
    parameters: frozenset[str]
    """By their names on the wire; none at all: the whole endpoint goes."""

    def __post_init__(self) -> None:
        if self.sunset - self.since < AT_LEAST:
            raise ValueError(f"What is deprecated stays for {AT_LEAST.days} days at least; {self.sunset} is too soon.")

    def headers(self, query: bytes) -> tuple[Header, ...]:
        """What an answer to a request with this query is told; nothing where it uses nothing deprecated."""
        if self.parameters and self.parameters.isdisjoint(
            name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        ):
            return ()
        return (
            (b"deprecation", b"@%d" % _midnight(self.since).timestamp()),
            (b"sunset", format_datetime(_midnight(self.sunset), usegmt=True).encode()),
            (b"link", f'<{self.link}>; rel="deprecation"'.encode()),
        )


def deprecated(*, since: date, sunset: date, link: str = SCHEMA, parameters: tuple[str, ...] = ()) -> dict[str, Any]:
    """The mark, to be put into a handler's `opt`."""
    return {DEPRECATED: Deprecation(since=since, sunset=sunset, link=link, parameters=frozenset(parameters))}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
