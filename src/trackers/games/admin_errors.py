"""What can be wrong with what admins do to trackers.

GameAccountNotFound 404, OwnTracker 409, ConcurrentModification 409, CannotMerge 422, NothingChosen 422.
"""

from uuid import UUID

from shared.errors import Conflict, Invalid, NotFound


class GameAccountNotFound(NotFound):
    code = "game_account_not_found"

    def __init__(self, account_id: UUID) -> None:
        super().__init__(f"There is no game account {account_id}, or it was merged into another.")


class OwnTracker(Conflict):
    code = "own_tracker"
    title = "Theirs already"

    def __init__(self) -> None:
        super().__init__("The tracker is this person's already; name somebody else.")


class ConcurrentModification(Conflict):
    code = "concurrent_modification"
    title = "Changed at this moment"

    def __init__(self) -> None:
        super().__init__("Somebody changed the same thing at this moment; look at it, and ask again.")


class CannotMerge(Invalid):
    code = "cannot_merge"
    title = "Not one player's accounts"


class NothingChosen(Invalid):
    code = "nothing_chosen"
    title = "No trackers chosen"

    def __init__(self) -> None:
        super().__init__("Name trackers by tracker_ids, or say which by status, reason or guild_id; not both.")
