"""Failures of a scrape: their reasons, and the party at fault.

    ScrapeFailure
    ├── of the target:  TargetNotFound   the site does not have it
    │                   TargetPrivate    its owner hides it
    ├── of the host:    Blocked          the site refuses us (403, challenge page)
    │                   Throttled        too many requests (429); may say when to try again
    │                   HostUnavailable  5xx, time-out, refused, reset, cut off
    └── of the source:  PageChanged      the parser does not recognise the body: alert, keep the old state
                        LoginRequired    the site shows it only after a login: alert, keep the old state

Anything else that a source raises is a bug of ours and is recorded as `error`.
"""

from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

from shared.audit.schemas import ActivityEvent

SCRAPE_FAILED: Final = "scrape.failed"
"""Event in the activity log of a target."""


class Fault(StrEnum):
    """Party at fault for a failure; failures in a row are counted per fault."""

    TARGET = "target"
    HOST = "host"
    SOURCE = "source"
    OURS = "ours"


class Reason(StrEnum):
    """Reason of a failed scrape, which users see beside the status `failed`."""

    NOT_FOUND = "not_found"
    PRIVATE = "private"
    BLOCKED = "blocked"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    PAGE_CHANGED = "page_changed"
    LOGIN_REQUIRED = "login_required"
    ERROR = "error"

    @property
    def fault(self) -> Fault:
        return _FAULTS[self]


_FAULTS: Final = {
    Reason.NOT_FOUND: Fault.TARGET,
    Reason.PRIVATE: Fault.TARGET,
    Reason.BLOCKED: Fault.HOST,
    Reason.THROTTLED: Fault.HOST,
    Reason.UNAVAILABLE: Fault.HOST,
    Reason.PAGE_CHANGED: Fault.SOURCE,
    Reason.LOGIN_REQUIRED: Fault.SOURCE,
    Reason.ERROR: Fault.OURS,
}


class ScrapeFailure(Exception):  # noqa: N818 -- an expected outcome, under its usual name
    """A scrape without new state. `reason` is the cause; the message is for admins and users alike."""

    reason: ClassVar[Reason]

    def __init__(self, message: str, *, retry_after: float | None = None, http_status: int | None = None):
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the site asked us to wait; None if it did not."""
        self.http_status = http_status


class TargetNotFound(ScrapeFailure):
    reason = Reason.NOT_FOUND


class TargetPrivate(ScrapeFailure):
    reason = Reason.PRIVATE


class Blocked(ScrapeFailure):
    reason = Reason.BLOCKED


class Throttled(ScrapeFailure):
    reason = Reason.THROTTLED


class HostUnavailable(ScrapeFailure):
    reason = Reason.UNAVAILABLE


class PageChanged(ScrapeFailure):
    """The parser does not recognise the body; the message names what is missing."""

    reason = Reason.PAGE_CHANGED


class LoginRequired(ScrapeFailure):
    """The site now requires a login where it did not before."""

    reason = Reason.LOGIN_REQUIRED


def scrape_failed(
    target_id: UUID, *, source: str, run_id: UUID, reason: str | None, error: str | None, http_status: int | None = None
) -> ActivityEvent:
    """Entry of the activity log for a run that ended without new state."""
    details = {
        "source": source,
        "run_id": str(run_id),
        "reason": reason,
        "error": error,
        "http_status": http_status,
    }
    return ActivityEvent(event=SCRAPE_FAILED, subject="target", subject_id=target_id, details=details)
