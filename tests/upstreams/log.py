"""What was asked of the simulated sites, in order of arrival."""

import time
from collections import deque
from collections.abc import Mapping

from msgspec import Struct

KEPT = 100_000
"""Requests remembered; older ones are dropped, so that a benchmark may run for ever."""


class LoggedRequest(Struct):
    """One request; `status` is None while it has no answer (hanging, reset, cut off before the head)."""

    number: int
    site: str
    time: float
    """Monotonic seconds of the simulator's process: for distances between requests."""
    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int | None = None
    fault: str | None = None


_SHOWN_HEADERS = (
    "User-Agent",
    "If-None-Match",
    "If-Modified-Since",
    "Accept-Encoding",
    "TRN-Api-Key",
    "Cookie",
    "Traceparent",
)


class RequestLog:
    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=KEPT)
        self._count = 0

    def arrived(self, site: str, method: str, path: str, query: str, headers: Mapping[str, str]) -> LoggedRequest:
        self._count += 1
        shown = {name.lower(): headers[name] for name in _SHOWN_HEADERS if name in headers}
        entry = LoggedRequest(self._count, site, time.monotonic(), method, path, query, shown)
        self._entries.append(entry)
        return entry

    def entries(self, *, site: str | None = None, path_prefix: str = "", after: int = 0) -> list[LoggedRequest]:
        """Oldest first; `after` leaves out requests up to that number."""
        return [
            entry
            for entry in self._entries
            if entry.number > after and (site is None or entry.site == site) and entry.path.startswith(path_prefix)
        ]

    def counts(self) -> dict[str, int]:
        """Requests per site since the last reset, as far as they are remembered."""
        counts: dict[str, int] = {}
        for entry in self._entries:
            counts[entry.site] = counts.get(entry.site, 0) + 1
        return counts

    def clear(self) -> None:
        self._entries.clear()
