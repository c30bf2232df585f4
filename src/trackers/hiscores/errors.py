"""What can be wrong with a player that somebody names, or with what they ask of one.

InvalidUsername 422, UnknownMetric 422 (OtherKind), ImpossibleSpan 422, TooManyPlayers 422, PlayerNotFound 404,
PlayerUnknown 404, AlreadyTracked 409, BeingAdded 409, PlayerInactive 409, AnotherWorld 409, StillFollowed 409,
HistoriesDoNotFit 409, FollowLimit 409, AddLimit 409, RefreshCooldown 429, HiscoresUnavailable 503
"""

from collections.abc import Iterable
from typing import Any

from shared.errors import Conflict, Invalid, NotFound, TooManyRequests, Unavailable


class InvalidUsername(Invalid):
    """No account of the game can be called so."""

    code = "invalid_username"
    title = "Not a possible name"

    def __init__(self, entered: str) -> None:
        super().__init__(
            "A player's name has 1 to 12 letters, digits, spaces, hyphens or underscores.",
            extra={"username": entered[:50]},
        )


class UnknownMetric(Invalid):
    code = "unknown_metric"
    title = "No such skill, boss or activity"

    def __init__(self, asked: str, near: Iterable[str]) -> None:
        meant = ", ".join(near)
        said = f" Did you mean {meant}?" if meant else ""
        super().__init__(f"The hiscores have no {asked[:50]!r}.{said} `GET /api/players/metrics` lists what there is.")


class OtherKind(UnknownMetric):
    """Something else than what it was asked for as."""

    def __init__(self, name: str, kind: str) -> None:
        Invalid.__init__(self, f"{name} is {'an' if kind == 'activity' else 'a'} {kind}; ask for it as that.")


class ImpossibleSpan(Invalid):
    code = "impossible_span"
    title = "Not a possible span of time"


class TooManyPlayers(Invalid):
    code = "too_many_players"
    title = "Too many players at once"


class PlayerNotFound(NotFound):
    """Nobody tracks a player of this name."""

    code = "player_not_found"
    title = "Player not tracked"

    def __init__(self, username: str, *, now: str | None = None) -> None:
        if now is not None:
            super().__init__(f"{username} is called {now} now; ask for that name.", extra={"renamed_to": now})
        else:
            super().__init__(f"{username} is not tracked; add the player with POST /api/players.")


class PlayerUnknown(NotFound):
    """The hiscores have no such account."""

    code = "player_unknown"
    title = "Not on the hiscores"

    def __init__(self, username: str, mode: str) -> None:
        super().__init__(
            f"The {mode} hiscores know no {username}: who has just begun, or was renamed, is not on them. "
            "Look at the spelling and the mode."
        )


class PlayerAlreadyTracked(Conflict):
    code = "already_tracked"
    title = "Tracked already"

    def __init__(self, display_name: str, mode: str) -> None:
        super().__init__(f"{display_name} is tracked already; follow the player instead.", extra={"mode": mode})


class BeingAdded(Conflict):
    """Somebody adds the same player this very moment."""

    code = "being_added"
    title = "Being added"

    def __init__(self, display_name: str) -> None:
        super().__init__(f"Somebody is adding {display_name} this very moment; ask again.", retry_after=5)


class PlayerInactive(Conflict):
    code = "player_inactive"
    title = "Player is deactivated"


class AnotherWorld(Conflict):
    """A table where a player begins anew."""

    code = "another_world"
    title = "Another world"


class StillFollowed(Conflict):
    code = "still_followed"
    title = "Others follow the player"


class FollowLimit(Conflict):
    code = "follow_limit"
    title = "Too many players followed"


class AddLimit(Conflict):
    code = "add_limit"
    title = "Too many players added"


class HistoriesDoNotFit(Conflict):
    """Two histories cannot be of one account."""

    code = "histories_do_not_fit"
    title = "Not one account's history"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail, extra=extra)


class RefreshCooldown(TooManyRequests):
    code = "refresh_cooldown"
    title = "Fetched lately"


class HiscoresUnavailable(Unavailable):
    code = "hiscores_unavailable"
    title = "The hiscores cannot be asked"
