"""The module of flight prices: needs the engine, users and the outbox; offers trips, watches and prices."""

from collections.abc import Mapping
from typing import Any

from dependency_injector import containers, providers
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database, PooledQueries, TransactionQueries
from shared.di import provide, provide_singleton
from shared.module import Audience, Module
from shared.outbox.outbox import Outbox
from shared.scraping.targets import Targets
from trackers.flights.airports import Airports
from trackers.flights.alert_repository import AlertRepository
from trackers.flights.controllers.trips import TripController
from trackers.flights.controllers.watches import WatchController
from trackers.flights.digest import FlightsDigest
from trackers.flights.evaluation import WatchEvaluator
from trackers.flights.events import EVENTS
from trackers.flights.jobs import DepartureJob, WaitingJob, flight_jobs, price_retention
from trackers.flights.messages import FlightMessages
from trackers.flights.personal_data import FlightsPersonalData
from trackers.flights.price_repository import PriceRepository
from trackers.flights.providers import providers as known_providers
from trackers.flights.queries import PriceQueries, TripQueries, WatchQueries
from trackers.flights.recorder import PriceRecorder
from trackers.flights.repository import FlightRepository
from trackers.flights.services.departures import Departures
from trackers.flights.services.handlers import NotifyWatchers
from trackers.flights.services.prices import PriceService
from trackers.flights.services.searches import Searches
from trackers.flights.services.trips import TripService
from trackers.flights.services.watches import WatchService
from trackers.flights.settings import FlightsSettings
from trackers.flights.source import ENABLE, GoogleFlightsSource
from users.access import AccessPolicy
from users.accounts.service import AccountService
from users.notifications.messages import Notifier


class FlightsContainer(containers.DeclarativeContainer):
    """Objects of the flight prices module."""

    # needs
    settings = providers.Dependency(instance_of=FlightsSettings)
    database = providers.Dependency(instance_of=Database)
    session = providers.Dependency(instance_of=AsyncSession)
    reader = providers.Dependency(instance_of=PooledQueries)
    targets = providers.Dependency(instance_of=Targets)
    accounts = providers.Dependency(instance_of=AccountService)
    access = providers.Dependency(instance_of=AccessPolicy)
    session_access = providers.Dependency(instance_of=AccessPolicy)
    activity = providers.Dependency(instance_of=ActivityLog)
    outbox = providers.Dependency(instance_of=Outbox)
    notifier: providers.Dependency[Notifier] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()

    # has
    airports = providers.Singleton(Airports)
    registry = providers.Singleton(known_providers, google_enabled=settings.provided.enabled, google_off_because=ENABLE)
    flights = providers.Factory(FlightRepository, session)
    prices = providers.Factory(PriceRepository, session)
    alerts = providers.Factory(AlertRepository, session)
    evaluate = providers.Factory(
        WatchEvaluator,
        alerts=alerts,
        outbox=outbox,
        providers=registry,
        clock=clock,
        rearm_percent=settings.provided.rearm_percent,
    )
    recorder = providers.Factory(
        PriceRecorder,
        prices=prices,
        evaluate=evaluate,
        providers=registry,
        clock=clock,
        offers_kept=settings.provided.offers_kept,
        outlier_percent=settings.provided.outlier_percent,
        agree_percent=settings.provided.agree_percent,
        tell_after=settings.provided.tell_after,
    )
    searches = providers.Factory(
        Searches,
        flights=flights,
        targets=targets,
        providers=registry,
        airports=airports,
        clock=clock,
        cooldown=settings.provided.scrape_cooldown,
    )
    questions = providers.Factory(TransactionQueries, session)
    trip_views = providers.Factory(TripQueries, questions, access=session_access, providers=registry, clock=clock)
    watch_views = providers.Factory(WatchQueries, questions, access=session_access, providers=registry, clock=clock)
    price_views = providers.Factory(PriceQueries, questions, access=session_access, providers=registry, clock=clock)
    departures = providers.Factory(Departures, flights=flights, searches=searches, outbox=outbox, clock=clock)
    digest = providers.Factory(FlightsDigest, questions, providers=registry)
    notify_watchers = providers.Factory(NotifyWatchers, alerts=alerts, notifier=notifier)

    # offers
    watches = providers.Factory(
        WatchService,
        flights=flights,
        views=watch_views,
        searches=searches,
        providers=registry,
        airports=airports,
        accounts=accounts,
        access=session_access,
        activity=activity,
        clock=clock,
        most=settings.provided.watches_per_person,
    )
    trips = providers.Factory(
        TripService,
        flights=flights,
        views=trip_views,
        watches=watches,
        searches=searches,
        providers=registry,
        airports=airports,
        accounts=accounts,
        access=session_access,
        activity=activity,
        clock=clock,
        most=settings.provided.trips_per_person,
    )
    pushing = providers.Factory(
        PriceService,
        flights=flights,
        prices=prices,
        views=price_views,
        evaluate=evaluate,
        searches=searches,
        accounts=accounts,
        access=session_access,
        activity=activity,
        clock=clock,
        most=settings.provided.prices_per_trip,
    )
    trip_queries = providers.Singleton(TripQueries, reader, access=access, providers=registry, clock=clock)
    watch_queries = providers.Singleton(WatchQueries, reader, access=access, providers=registry, clock=clock)
    price_queries = providers.Singleton(PriceQueries, reader, access=access, providers=registry, clock=clock)
    waiting_job = providers.Singleton(WaitingJob, database=database, evaluate=evaluate.provider)
    departure_job = providers.Singleton(DepartureJob, database=database, departures=departures.provider)
    retention = providers.Singleton(
        price_retention, database=database, clock=clock, keep_days=settings.provided.prices_keep_days
    )
    personal_data = providers.Factory(FlightsPersonalData, flights=flights, searches=searches, targets=targets)
    source = providers.Singleton(GoogleFlightsSource, settings=settings, recorder=recorder.provider)


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """Dependencies of this module's route handlers."""
    return {
        "trip_service": provide(container.trips, database),
        "watch_service": provide(container.watches, database),
        "price_service": provide(container.pushing, database),
        "trip_queries": provide_singleton(container.trip_queries),
        "watch_queries": provide_singleton(container.watch_queries),
        "price_queries": provide_singleton(container.price_queries),
    }


FLIGHTS = Module(
    name="flights",
    events=EVENTS,
    settings=(FlightsSettings,),
    controllers={Audience.PUBLIC: (TripController, WatchController)},
    dependencies=dependencies,
    sources=lambda container: (container.source(),),
    personal_data=lambda container: (container.personal_data(),),
    handlers=lambda container: (container.notify_watchers(),),
    message_writers=lambda _: (FlightMessages(),),
    digest_writers=lambda container: (container.digest(),),
    jobs=lambda container: flight_jobs(container.waiting_job(), container.departure_job(), container.retention()),
)
