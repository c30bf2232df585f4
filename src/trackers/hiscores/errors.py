"""Errors of requests about players, with their HTTP status.

InvalidUsername 422, UnknownMetric 422 (OtherKind), ImpossibleSpan 422, TooManyPlayers 422, PlayerNotFound 404,
PlayerUnknown 404, PlayerAlreadyTracked 409, BeingAdded 409, PlayerInactive 409, AnotherWorld 409, StillFollowed 409,
HistoriesDoNotFit 409, FollowLimit 409, AddLimit 409, RefreshCooldown 429, HiscoresUnavailable 503
"""

from collections.abc import Iterable
from typing import Any

from shared.errors import Conflict, Invalid, NotFound, TooManyRequests, Unavailable


class InvalidUsername(Invalid):
    """No account of the game can have this name."""

    code = "invalid_username"
    title = "Impossible name"

    def __init__(self, entered: str) -> None:
        super().__init__(
            "A player's name must have 1 to 12 letters, digits, spaces, hyphens or underscores.",
            extra={"username": entered[:50]},
        )


class UnknownMetric(Invalid):
    code = "unknown_metric"
    title = "No such skill, boss or activity"

    def __init__(self, asked: str, near: Iterable[str]) -> None:
        names = ", ".join(near)
        hint = f" Did you mean {names}?" if names else ""
        super().__init__(
            f"The hiscores have no metric {asked[:50]!r}.{hint} `GET /api/players/metrics` lists all metrics."
        )


class OtherKind(UnknownMetric):
    """The metric is not of the kind that was requested."""

    def __init__(self, name: str, kind: str) -> None:
        article = "an" if kind == "activity" else "a"
        Invalid.__init__(self, f"{name} is {article} {kind}; ask for it as {article} {kind}.")


class ImpossibleSpan(Invalid):
    code = "impossible_span"
    title = "Impossible span of time"


class TooManyPlayers(Invalid):
    code = "too_many_players"
    title = "Too many players at once"


class PlayerNotFound(NotFound):
    """Nobody tracks a player with this name."""

    code = "player_not_found"
    title = "Player not tracked"

    def __init__(self, username: str, *, now: str | None = None) -> None:
        if now is not None:
            super().__init__(f"{username} is now called {now}; ask for that name.", extra={"renamed_to": now})
        else:
            super().__init__(f"{username} is not tracked; add the player with POST /api/players.")


class PlayerUnknown(NotFound):
    """The hiscores have no such account."""

    code = "player_unknown"
    title = "Not on the hiscores"

    def __init__(self, username: str, mode: str) -> None:
        super().__init__(
            f"The {mode} hiscores do not list {username}. New players and former names are not listed. "
            "Check the spelling and the mode."
        )


class PlayerAlreadyTracked(Conflict):
    code = "already_tracked"
    title = "Already tracked"

    def __init__(self, display_name: str, mode: str) -> None:
        super().__init__(f"{display_name} is already tracked; follow the player instead.", extra={"mode": mode})


class BeingAdded(Conflict):
    """Somebody else is adding the same player right now."""

    code = "being_added"
    title = "Being added"

    def __init__(self, display_name: str) -> None:
        super().__init__(f"Somebody else is adding {display_name} right now; try again in 5 seconds.", retry_after=5)


class PlayerInactive(Conflict):
    code = "player_inactive"
    title = "Player is deactivated"


class AnotherWorld(Conflict):
    """The game mode has separate progress, so the history cannot continue there."""

    code = "another_world"
    title = "Another game mode"


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
    """The two histories cannot belong to one account."""

    code = "histories_do_not_fit"
    title = "Histories of different accounts"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail, extra=extra)


class RefreshCooldown(TooManyRequests):
    code = "refresh_cooldown"
    title = "Fetched recently"


class HiscoresUnavailable(Unavailable):
    code = "hiscores_unavailable"
    title = "Hiscores unavailable"
