"""What can go wrong with a foreign site, switchable per path, count and probability.

A fault is told about a request before the site is; the first one that applies answers. `latency` only delays and lets
the next one (or the site) answer.
"""

import fnmatch
import random
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct
from tests.upstreams.site import Answer, Refused, Request, Site


class FaultKind(StrEnum):
    LATENCY = "latency"
    """Answers after `ms` milliseconds, or as soon as faults are cleared."""
    HANG = "hang"
    """Accepts and never answers."""
    THROTTLED = "throttled"
    """429 with Retry-After: `retry_after` seconds, as a date if `as_date`."""
    UNAVAILABLE = "unavailable"
    """`status` (503) with a page for people."""
    STATUS = "status"
    """Any `status` with a short HTML page."""
    BLOCKED = "blocked"
    """A firewall's HTML page titled `title`, with `status` (403)."""
    TRUNCATED = "truncated"
    """The site's answer, cut in the middle: Content-Length is larger than what is sent."""
    CHANGED = "changed"
    """A well-formed answer in which nothing is where it was."""
    MISSING = "missing"
    """The site's own "no such thing"."""
    RESET = "reset"
    """RST instead of an answer."""
    CONTENT_TYPE = "content_type"
    """The site's answer, named `content_type`."""
    EMPTY = "empty"
    """200 and not one byte."""
    HUGE = "huge"
    """`size` bytes (50 MB), streamed; without Content-Length if `chunked`."""
    GZIP_BOMB = "gzip_bomb"
    """A small gzip body that unpacks to `size` bytes (50 MB)."""
    BAD_STATUS_LINE = "bad_status_line"
    """Something that is no HTTP."""
    REDIRECT = "redirect"
    """`status` (302) to `to`, another host by default."""
    REDIRECT_PRIVATE = "redirect_private"
    """302 to an address inside the network: a cloud's metadata service."""
    REDIRECT_LOOP = "redirect_loop"
    """302 to itself."""


class Fault(Struct, kw_only=True, forbid_unknown_fields=True):
    """One thing that goes wrong. `path` is a glob over path with query, or a regular expression after `re:`."""

    kind: FaultKind
    path: str = "*"
    site: str | None = None
    count: int | None = None
    """How many requests it hits; None: until cleared."""
    probability: float = 1.0
    seed: int = 0
    ms: float = 0
    status: int | None = None
    retry_after: int | None = None
    as_date: bool = False
    title: str = "Just a moment..."
    content_type: str = "text/html"
    size: int = 50_000_000
    chunked: bool = False
    to: str = "http://elsewhere.invalid/profile"
    id: int = 0
    hits: int = 0


class Faults:
    """The faults that are switched on, oldest first."""

    def __init__(self) -> None:
        self._armed: list[tuple[Fault, re.Pattern[str], random.Random]] = []
        self._last_id = 0

    def __bool__(self) -> bool:
        return bool(self._armed)

    def add(self, fault: Fault) -> Fault:
        self._last_id += 1
        fault.id = self._last_id
        text = fault.path.removeprefix("re:")
        try:
            pattern = re.compile(text if text != fault.path else fnmatch.translate(text))
        except re.error as error:
            raise Refused(f"{fault.path!r} is no pattern: {error}") from error
        self._armed.append((fault, pattern, random.Random(fault.seed)))  # noqa: S311 -- chance of a fault, repeatable
        return fault

    def remove(self, fault_id: int | None = None) -> None:
        """One, or all of them."""
        self._armed = [armed for armed in self._armed if fault_id is not None and armed[0].id != fault_id]

    def all(self) -> list[Fault]:
        return [fault for fault, _, _ in self._armed]

    def hitting(self, site: str, request: Request) -> list[Fault]:
        """The faults of one request: delays first come first served, then at most one that answers. Counts them."""
        chosen: list[Fault] = []
        for fault, pattern, chance in self._armed:
            if fault.site not in {None, site} or (fault.count is not None and fault.hits >= fault.count):
                continue
            whole = f"{request.path}?{request.query}" if request.query else request.path
            if not (pattern.fullmatch(request.path) or pattern.fullmatch(whole)):
                continue
            if fault.probability < 1 and chance.random() >= fault.probability:
                continue
            fault.hits += 1
            chosen.append(fault)
            if fault.kind is not FaultKind.LATENCY:
                break
        return chosen


def answer_of(fault: Fault, site: Site, request: Request) -> Answer | None:
    """The answer of a fault that is an ordinary HTTP answer; None where bytes or the connection are wrong."""
    make = _ANSWERS.get(fault.kind)
    return None if make is None else make(fault, site, request)


def _come_back(answer: Answer, fault: Fault, site: Site) -> Answer:
    answer.status = fault.status or answer.status
    if fault.retry_after is not None:
        at = site.clock() + timedelta(seconds=fault.retry_after)
        after = format_datetime(at, usegmt=True) if fault.as_date else str(fault.retry_after)
        answer.headers = {**answer.headers, "Retry-After": after}
    return answer


def _page(title: str, status: int) -> Answer:
    body = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1><p>Reference 7f3a09c2.</p></body></html>\n"
    )
    return Answer(status=status, body=body.encode(), content_type="text/html; charset=utf-8")


def _redirect(fault: Fault, request: Request) -> Answer:
    location = fault.to
    if fault.kind is FaultKind.REDIRECT_PRIVATE:
        location = "http://169.254.169.254/latest/meta-data/"
    elif fault.kind is FaultKind.REDIRECT_LOOP:
        location = f"{request.path}?{request.query}" if request.query else request.path
    return Answer(fault.status or 302, content_type="text/plain", headers={"Location": location})


def _renamed(answer: Answer, content_type: str) -> Answer:
    return Answer(answer.status, answer.body, content_type, answer.headers)


_ANSWERS: Final[Mapping[FaultKind, Callable[[Fault, Site, Request], Answer]]] = {
    FaultKind.THROTTLED: lambda fault, site, request: _come_back(site.throttled(request), fault, site),
    FaultKind.UNAVAILABLE: lambda fault, site, _: _come_back(_page("Service unavailable", 503), fault, site),
    FaultKind.STATUS: lambda fault, _, __: _page(f"Status {fault.status or 404}", fault.status or 404),
    FaultKind.BLOCKED: lambda fault, _, __: _page(fault.title, fault.status or 403),
    FaultKind.CHANGED: lambda _, site, request: site.changed(request),
    FaultKind.MISSING: lambda _, site, request: site.missing(request),
    FaultKind.CONTENT_TYPE: lambda fault, site, request: _renamed(site.answer(request), fault.content_type),
    FaultKind.EMPTY: lambda _, __, ___: Answer(),
    FaultKind.REDIRECT: lambda fault, _, request: _redirect(fault, request),
    FaultKind.REDIRECT_PRIVATE: lambda fault, _, request: _redirect(fault, request),
    FaultKind.REDIRECT_LOOP: lambda fault, _, request: _redirect(fault, request),
}
