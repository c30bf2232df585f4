"""The parts of a module: settings, container, controllers, sources, jobs and more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from litestar import Controller
from litestar.di import Provide

from shared.events import EventHandler, EventType
from shared.jobs import Job
from shared.observability.readings import GaugeReader
from shared.settings import SettingsStruct


class Audience(StrEnum):
    """Audience of an endpoint; it decides the path and the authentication."""

    PUBLIC = "public"
    ADMIN = "admin"
    INTERNAL = "internal"


@dataclass(frozen=True, kw_only=True)
class Module:
    """One module of the app, as the composition root uses it. Each function gets the module's container."""

    name: str
    """Also the name of the module's container in the container of the app."""
    settings: Sequence[type[SettingsStruct]] = ()
    controllers: Mapping[Audience, Sequence[type[Controller]]] = field(default_factory=dict)
    dependencies: Callable[[Any, Any], Mapping[str, Provide]] | None = None
    """(the module's container, the database provider) -> dependencies of its controllers, by name."""
    sources: Callable[[Any], Sequence[Any]] | None = None
    """Scraping sources."""
    personal_data: Callable[[Any], Sequence[Any]] | None = None
    """Personal data providers (users.personal_data.PersonalData), on the bound session."""
    erasers: Callable[[Any], Sequence[Any]] | None = None
    """Erasers of blocked subjects (shared.scraping.blocking.SubjectEraser)."""
    event_copies: Callable[[Any], Sequence[Any]] | None = None
    """Stores with copies of events, which are erased for blocked subjects (shared.scraping.blocking.EventCopies)."""
    events: Sequence[EventType] = ()
    """Event types that the module publishes, with their readers; docs/events.md is their table."""
    handlers: Callable[[Any], Sequence[EventHandler]] | None = None
    """Event handlers, on the bound session."""
    message_writers: Callable[[Any], Sequence[Any]] | None = None
    """Writers of the messages about its events (users.notifications.messages.MessageWriter)."""
    digest_writers: Callable[[Any], Sequence[Any]] | None = None
    """Writers of its sections in digests (users.notifications.digest.DigestWriter)."""
    guild_listeners: Callable[[Any], Sequence[Any]] | None = None
    """Listeners to changes of guilds (users.guilds.listeners.GuildListener), on the bound session."""
    jobs: Callable[[Any], Sequence[Job]] | None = None
    """Jobs."""
    gauges: Callable[[Any], Sequence[GaugeReader]] | None = None
    """Gauges of its state for Prometheus."""
