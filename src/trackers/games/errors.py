"""Errors of pasted links, and of trackers and snapshots.

TrackerLimitReached 400, DuplicateTracker 409, AlreadyRegistered 409, TrackerInactive 409, TrackerNotFound 404,
SnapshotNotFound 404, ManualSnapshotNotFound 404, RefreshCooldown 429, TooManySnapshots 429, ImpossibleSnapshot 422,
SnapshotCorrected 409, ManualSnapshotsNotCounted 409, NoLinks 422;
and for links, each with a message that says what to paste instead:

LinkProblem (Invalid, 422)
├── UnsupportedLink      unsupported_link      not a profile page of a supported site
├── UnsupportedGame      unsupported_game      a profile page of a game that is not supported
├── UnsupportedPlatform  unsupported_platform  the game has no such platform
├── MissingIdentifier    missing_identifier    the link ends before the account
├── InvalidIdentifier    invalid_identifier    no account of that platform can have this name
├── AmbiguousLink        ambiguous_link        two different accounts in one field
└── LinkTooLong          link_too_long         longer than any link of a profile page
"""

from uuid import UUID

from shared.errors import BadRequest, Conflict, Invalid, NotFound, TooManyRequests


class LinkProblem(Invalid):
    """The field has no link to exactly one account; `extra["url"]` is the pasted text, shortened."""

    code = "invalid_link"
    title = "Not a profile link"

    def __init__(self, detail: str, *, url: str):
        super().__init__(detail, extra={"url": url})


class UnsupportedLink(LinkProblem):
    code = "unsupported_link"
    title = "Unsupported link"


class UnsupportedGame(LinkProblem):
    code = "unsupported_game"
    title = "Unsupported game"


class UnsupportedPlatform(LinkProblem):
    code = "unsupported_platform"
    title = "Unsupported platform"


class MissingIdentifier(LinkProblem):
    code = "missing_identifier"
    title = "Account missing"


class InvalidIdentifier(LinkProblem):
    code = "invalid_identifier"
    title = "Impossible account name"


class AmbiguousLink(LinkProblem):
    code = "ambiguous_link"
    title = "More than one account"


class LinkTooLong(LinkProblem):
    code = "link_too_long"
    title = "Link too long"


class TrackerLimitReached(BadRequest):
    code = "tracker_limit_reached"
    title = "Too many trackers"


class DuplicateTracker(Conflict):
    code = "duplicate_tracker"
    title = "Tracker exists already"


class AlreadyRegistered(Conflict):
    code = "already_registered"
    title = "Registered already"


class TrackerInactive(Conflict):
    code = "tracker_inactive"
    title = "Tracker is deactivated"


class RefreshCooldown(TooManyRequests):
    code = "refresh_cooldown"
    title = "Refreshed recently"


class ImpossibleSnapshot(Invalid):
    code = "impossible_snapshot"
    title = "Not a possible snapshot"


class TooManySnapshots(TooManyRequests):
    code = "too_many_snapshots"
    title = "Too many manual snapshots"


class SnapshotCorrected(Conflict):
    code = "snapshot_corrected"
    title = "Snapshot was corrected"

    def __init__(self) -> None:
        super().__init__("This snapshot was corrected in the meantime; check it again before you confirm it.")


class ManualSnapshotsNotCounted(Conflict):
    code = "manual_snapshots_not_counted"
    title = "Manual snapshots do not count here"

    def __init__(self) -> None:
        super().__init__("This guild counts no manual snapshots; change its setting manual_snapshots first.")


class ManualSnapshotNotFound(NotFound):
    """A snapshot that does not exist or that the caller may not see; both get the same words."""

    code = "manual_snapshot_not_found"

    def __init__(self, snapshot_id: UUID) -> None:
        super().__init__(f"There is no manual snapshot {snapshot_id}, or you may not see it.")


class TrackerNotFound(NotFound):
    code = "tracker_not_found"

    def __init__(self, tracker_id: UUID) -> None:
        super().__init__(f"There is no tracker {tracker_id}, or it was removed.")


class SnapshotNotFound(NotFound):
    code = "snapshot_not_found"

    def __init__(self, snapshot_id: UUID) -> None:
        super().__init__(f"This tracker has no snapshot {snapshot_id}; start again without `before`.")


class NoLinks(Invalid):
    code = "no_links"
    title = "No links given"
