"""What the service says it will not have for ever: told once for each endpoint."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

LOG: Final = logging.getLogger("trackers_client")


@dataclass(frozen=True, kw_only=True)
class Deprecated:
    """An endpoint, or a parameter of it, that is going to go."""

    method: str
    path: str
    """With names in braces, as the schema has it."""
    since: datetime | None
    sunset: datetime | None
    """From when on it may be gone; None: not settled."""
    link: str | None


def log_deprecated(told: Deprecated) -> None:
    """What is done with it unless the client is given something else."""
    until = f"until {told.sunset:%Y-%m-%d}" if told.sunset else "no end is settled"
    LOG.warning("%s %s is deprecated (%s); see %s", told.method, told.path, until, told.link or "the changelog")


class DeprecationWatch:
    """Reads `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and the link to what it is about."""

    def __init__(self, tell: Callable[[Deprecated], None]) -> None:
        self._tell = tell
        self._told: set[tuple[str, str]] = set()

    def look(self, method: str, path: str, answer: httpx.Response) -> None:
        told = answer.headers.get("deprecation")
        if told is None or (method, path) in self._told:
            return
        self._told.add((method, path))
        self._tell(
            Deprecated(
                method=method,
                path=path,
                since=_structured_date(told),
                sunset=_http_date(answer.headers.get("sunset")),
                link=answer.links.get("deprecation", {}).get("url"),
            )
        )


def _structured_date(told: str) -> datetime | None:
    """`@1735689600` (RFC 9651, 3.3.7)."""
    try:
        return datetime.fromtimestamp(int(told.partition(";")[0].strip().removeprefix("@")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _http_date(told: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(told) if told else None
    except ValueError:
        return None
