"""What can be wrong with a question about contracts, or with a watch.

ContractNotFound 404, WatchNotFound 404, RegionNotFollowed 404, TooManyWatches 400, WatchExists 409, UnclearWatch 422,
and within a run: LostLeaseError (somebody else runs now), FenceHeldError (the run before has not let go yet),
DatabaseAwayError (nothing can be written).
"""

from uuid import UUID

from shared.errors import BadRequest, Conflict, Invalid, NotFound


class ContractNotFound(NotFound):
    code = "contract_not_found"

    def __init__(self, contract_id: int) -> None:
        super().__init__(f"There is no contract {contract_id} in the regions that are looked at, or it ended long ago.")


class WatchNotFound(NotFound):
    code = "watch_not_found"

    def __init__(self, watch_id: UUID) -> None:
        super().__init__(f"You have no watch {watch_id}.")


class RegionNotFollowed(NotFound):
    code = "region_not_followed"
    title = "Region not looked at"


class TooManyWatches(BadRequest):
    code = "too_many_watches"
    title = "Too many watches"


class WatchExists(Conflict):
    code = "watch_exists"
    title = "Watched already"


class UnclearWatch(Invalid):
    code = "unclear_watch"
    title = "Not a watch"


class LostLeaseError(Exception):
    """Another run began, or may have: nothing more of this one is written."""


class FenceHeldError(Exception):
    """A transaction of the run before is still open; the server ends it where its worker is held up."""


class DatabaseAwayError(Exception):
    """The database cannot be reached for longer than a run waits."""
