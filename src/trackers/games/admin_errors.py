"""Errors of admin actions on trackers.

GameAccountNotFound 404, OwnTracker 409, ConcurrentModification 409, CannotMerge 422, NothingChosen 422.
"""

from uuid import UUID

from shared.errors import Conflict, Invalid, NotFound


class GameAccountNotFound(NotFound):
    code = "game_account_not_found"

    def __init__(self, account_id: UUID) -> None:
        super().__init__(f"There is no game account {account_id}, or it was merged into another one.")


class OwnTracker(Conflict):
    code = "own_tracker"
    title = "Tracker is theirs already"

    def __init__(self) -> None:
        super().__init__("The tracker belongs to this person already; name somebody else.")


class ConcurrentModification(Conflict):
    code = "concurrent_modification"
    title = "Changed meanwhile"

    def __init__(self) -> None:
        super().__init__("Somebody else changed this at the same moment; reload it and try again.")


class CannotMerge(Invalid):
    code = "cannot_merge"
    title = "Accounts cannot be merged"


class NothingChosen(Invalid):
    code = "nothing_chosen"
    title = "No trackers chosen"

    def __init__(self) -> None:
        super().__init__("Name trackers by tracker_ids, or select them by status, reason or guild_id; not both.")
