"""The modules of the app, in the order of their dependencies."""

from collections.abc import Sequence
from typing import Final

from shared.events import EventType
from shared.module import Module
from shared.observability.settings import ObservabilitySettings
from shared.outbox.module import EVENTS
from shared.settings import Settings, SettingsStruct
from shared.web.settings import WebSettings
from trackers.contracts.module import CONTRACTS
from trackers.fencers.module import FENCERS
from trackers.flights.module import FLIGHTS
from trackers.games.module import GAMES
from trackers.hiscores.module import HISCORES
from users.module import USERS
from users.notifications.module import NOTIFICATIONS

MODULES: Final[Sequence[Module]] = (
    USERS,
    EVENTS,
    NOTIFICATIONS,
    GAMES,
    HISCORES,
    CONTRACTS,
    FENCERS,
    FLIGHTS,
)


def all_settings() -> list[type[SettingsStruct]]:
    """All settings Structs of the app."""
    return [Settings, WebSettings, ObservabilitySettings, *(struct for module in MODULES for struct in module.settings)]


def all_events() -> list[EventType]:
    """All declared event types, sorted by name."""
    return sorted((event for module in MODULES for event in module.events), key=lambda event: event.name)


def known_scopes() -> list[str]:
    """All scopes that handlers require, and the bare name of each module, which covers reading and writing."""
    handlers = [
        handler
        for module in MODULES
        for controllers in module.controllers.values()
        for controller in controllers
        for handler in vars(controller).values()
    ]
    required = {str(opt["scope"]) for handler in handlers if "scope" in (opt := getattr(handler, "opt", None) or {})}
    return sorted(required | {scope.partition(":")[0] for scope in required})
