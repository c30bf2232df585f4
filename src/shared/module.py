"""What a module brings to the house: its settings, container, controllers, sources, jobs."""

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
    """Who an endpoint is for; decides its path and its guard."""

    PUBLIC = "public"
    ADMIN = "admin"
    INTERNAL = "internal"


@dataclass(frozen=True, kw_only=True)
class Module:
    """One folder of the house, as the composition root sees it."""

    name: str
    """Also the name of its container in the house's."""
    settings: Sequence[type[SettingsStruct]] = ()
    controllers: Mapping[Audience, Sequence[type[Controller]]] = field(default_factory=dict)
    dependencies: Callable[[Any, Any], Mapping[str, Provide]] | None = None
    """(the module's container, the database provider) -> what its handlers may ask for by name."""
    sources: Callable[[Any], Sequence[Any]] | None = None
    """The module's container -> its scraping sources."""
    personal_data: Callable[[Any], Sequence[Any]] | None = None
    """The module's container -> what it holds about people (users.personal_data.PersonalData), on the bound session."""
    erasers: Callable[[Any], Sequence[Any]] | None = None
    """The module's container -> what it deletes of people who are blocked (shared.scraping.blocking.SubjectEraser)."""
    event_copies: Callable[[Any], Sequence[Any]] | None = None
    """The module's container -> what keeps copies of events (shared.scraping.blocking.EventCopies), likewise."""
    events: Sequence[EventType] = ()
    """The events that the module publishes, with their readers; docs/events.md is their table."""
    handlers: Callable[[Any], Sequence[EventHandler]] | None = None
    """The module's container -> what it does about events, on the bound session."""
    message_writers: Callable[[Any], Sequence[Any]] | None = None
    """The module's container -> what it says of its events (users.notifications.messages.MessageWriter)."""
    digest_writers: Callable[[Any], Sequence[Any]] | None = None
    """The module's container -> its sections of digests (users.notifications.digest.DigestWriter)."""
    guild_listeners: Callable[[Any], Sequence[Any]] | None = None
    """The module's container -> what of it follows guilds (users.guilds.listeners.GuildListener), likewise."""
    jobs: Callable[[Any], Sequence[Job]] | None = None
    """The module's container -> its jobs."""
    gauges: Callable[[Any], Sequence[GaugeReader]] | None = None
    """The module's container -> how it stands, for metrics."""
