"""Errors of following fencers and clubs.

TrackedNotFound 404, FencerAlreadyTracked 409, TrackingLimitReached 400, PageNotFound 404;
BadReference 422 (the input names no fencer or club), UnknownWeapon 422.
"""

from uuid import UUID

from shared.errors import BadRequest, Conflict, Invalid, NotFound


class TrackedNotFound(NotFound):
    code = "tracked_not_found"

    def __init__(self, kind: str, tracked_id: UUID) -> None:
        super().__init__(f"There is no tracked {kind} {tracked_id}, or it was removed.")


class PageNotFound(NotFound):
    code = "page_not_found"

    def __init__(self, page_id: UUID) -> None:
        super().__init__(f"Nobody follows a fencer or club {page_id}; the list of failing pages gives the ids.")


class FencerAlreadyTracked(Conflict):
    code = "already_tracked"
    title = "Already tracked"


class TrackingLimitReached(BadRequest):
    code = "tracking_limit_reached"
    title = "Too many"


class BadReference(Invalid):
    code = "bad_reference"
    title = "Not a fencer or club"


class UnknownWeapon(Invalid):
    code = "unknown_weapon"
    title = "Unknown weapon"

    def __init__(self, word: str) -> None:
        shown = word[:40]
        super().__init__(
            f"{shown!r} is not a weapon; use epee, foil or saber, separated by commas.",
            extra={"weapon": shown},
        )
