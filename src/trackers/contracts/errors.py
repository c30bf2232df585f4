"""Errors of contracts and watches.

ContractNotFound 404, WatchNotFound 404, RegionNotFollowed 404, TooManyWatches 400, WatchExists 409, UnclearWatch 422,
and within a run: LostLeaseError (another run has begun), FenceHeldError (the previous run still has a transaction
open), DatabaseAwayError (nothing can be written).
"""

from uuid import UUID

from shared.errors import BadRequest, Conflict, Invalid, NotFound


class ContractNotFound(NotFound):
    code = "contract_not_found"

    def __init__(self, contract_id: int) -> None:
        super().__init__(f"No followed region has a contract {contract_id}, or it ended long ago.")


class WatchNotFound(NotFound):
    code = "watch_not_found"

    def __init__(self, watch_id: UUID) -> None:
        super().__init__(f"You have no watch {watch_id}.")


class RegionNotFollowed(NotFound):
    code = "region_not_followed"
    title = "Region not followed"


class TooManyWatches(BadRequest):
    code = "too_many_watches"
    title = "Too many watches"


class WatchExists(Conflict):
    code = "watch_exists"
    title = "Watch already exists"


class UnclearWatch(Invalid):
    code = "unclear_watch"
    title = "Invalid watch"


class LostLeaseError(Exception):
    """Another run has begun, or may have: this run writes nothing more."""


class FenceHeldError(Exception):
    """A transaction of the previous run is still open; if its worker hangs, the server ends it."""


class DatabaseAwayError(Exception):
    """The database was unreachable for longer than a run waits."""
