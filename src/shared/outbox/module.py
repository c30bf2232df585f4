"""The module `events`: needs the database, the queue and the event handlers; offers the relay and the events."""

from collections.abc import Mapping
from typing import Any

from dependency_injector import containers, providers
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database, PooledQueries
from shared.di import provide, provide_singleton
from shared.jobs import JobQueue
from shared.module import Audience, Module
from shared.outbox.controllers import InternalEventController, OutboxController
from shared.outbox.gauges import OutboxGauges
from shared.outbox.jobs import event_retention, outbox_jobs
from shared.outbox.personal_data import EventPersonalData
from shared.outbox.queries import EventQueries
from shared.outbox.redrive import DeadEventService
from shared.outbox.relay import Relay
from shared.outbox.repository import OutboxRepository
from shared.outbox.settings import OutboxSettings
from shared.outbox.streams import EventStreams, KeyValidity


class EventsContainer(containers.DeclarativeContainer):
    """Relay, queries, streams and retention of events. Modules publish with an `Outbox`, which is built before them."""

    # needs
    settings = providers.Dependency(instance_of=OutboxSettings)
    database = providers.Dependency(instance_of=Database)
    session = providers.Dependency(instance_of=AsyncSession)
    reader = providers.Dependency(instance_of=PooledQueries)
    repository = providers.Dependency(instance_of=OutboxRepository)
    queue: providers.Dependency[JobQueue] = providers.Dependency()
    activity = providers.Dependency(instance_of=ActivityLog)
    clock: providers.Dependency[Clock] = providers.Dependency()
    keys: providers.Dependency[KeyValidity] = providers.Dependency()
    handlers: providers.Dependency[Any] = providers.Dependency()
    """Event handlers (EventHandler) of all modules, on the bound session."""
    types: providers.Dependency[Any] = providers.Dependency()
    """Every declared EventType."""
    was_member = providers.Dependency(instance_of=str)
    """SQL condition: `o.user_id` was a member of one of `:guild_ids` at `o.occurred_at` and still is."""

    # offers
    relay = providers.Singleton(
        Relay,
        database=database,
        repository=repository.provider,
        handlers=handlers.provider,
        activity=activity.provider,
        clock=clock,
    )
    retention = providers.Singleton(
        event_retention,
        database=database,
        repository=repository.provider,
        clock=clock,
        keep_days=settings.provided.outbox_keep_days,
    )
    queries = providers.Singleton(EventQueries, reader, clock=clock, types=types, was_member=was_member)
    streams = providers.Singleton(EventStreams, events=queries, keys=keys)
    dead_events = providers.Factory(DeadEventService, session, repository=repository, jobs=queue, activity=activity)
    personal_data = providers.Factory(EventPersonalData, repository=repository)
    gauges = providers.Singleton(OutboxGauges, reader, clock=clock)


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """Dependencies of this module's controllers, by name."""
    return {
        "event_queries": provide_singleton(container.queries),
        "event_streams": provide_singleton(container.streams),
        "dead_events": provide(container.dead_events, database),
    }


EVENTS = Module(
    name="events",
    settings=(OutboxSettings,),
    controllers={Audience.ADMIN: (OutboxController,), Audience.INTERNAL: (InternalEventController,)},
    dependencies=dependencies,
    personal_data=lambda container: (container.personal_data(),),
    event_copies=lambda container: (container.repository(),),
    jobs=lambda container: outbox_jobs(container.relay(), container.retention()),
    gauges=lambda container: (container.gauges(),),
)
