"""Why a scrape brought nothing, and whose fault it was.

    ScrapeFailure
    ├── of the target:  TargetNotFound   the site has no such thing
    │                   TargetPrivate    its owner hides it
    ├── of the host:    Blocked          the site refuses us (403, challenge page)
    │                   Throttled        too many requests (429); may say when to come back
    │                   HostUnavailable  5xx, time-out, refused, reset, cut off
    └── of the source:  PageChanged      the body is not what the parser knows: alert, keep the old state
                        LoginRequired    the site shows it only to those who log in: alert, keep the old state

Anything else that a source raises is a bug of ours and is recorded as `error`.
"""

from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

from shared.audit.schemas import ActivityEvent

SCRAPE_FAILED: Final = "scrape.failed"
"""The event that the activity log tells of a target."""


class Fault(StrEnum):
    """Whose fault a failure is; failures in a row are counted per fault."""

    TARGET = "target"
    HOST = "host"
    SOURCE = "source"
    OURS = "ours"


class Reason(StrEnum):
    """Why a scrape failed, as users see it beside the status `failed`."""

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
        """Whose fault it is."""
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


class ScrapeFailure(Exception):  # noqa: N818 -- the trade's word for an outcome that is expected now and then
    """A scrape that brought no new state; `reason` says why, the message is for operators and users alike."""

    reason: ClassVar[Reason]

    def __init__(self, message: str, *, retry_after: float | None = None, http_status: int | None = None):
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the site asked us to wait, where it did."""
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
    """The body is not what the parser knows; the message names what was missing."""

    reason = Reason.PAGE_CHANGED


class LoginRequired(ScrapeFailure):
    """The site has put up a login where there was none."""

    reason = Reason.LOGIN_REQUIRED


def scrape_failed(
    target_id: UUID, *, source: str, run_id: UUID, reason: str | None, error: str | None, http_status: int | None = None
) -> ActivityEvent:
    """What the activity log tells of a run that ended without new state."""
    details = {
        "source": source,
        "run_id": str(run_id),
        "reason": reason,
        "error": error,
        "http_status": http_status,
    }
    return ActivityEvent(event=SCRAPE_FAILED, subject="target", subject_id=target_id, details=details)
