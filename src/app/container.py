"""The container of the app: all services and their dependencies, built once per process."""

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from dependency_injector import containers, providers
from limits.aio.storage import RedisStorage
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.checks import health_checks
from app.modules import MODULES, all_events, known_scopes
from shared.audit.activity import ActivityLog
from shared.audit.jobs import audit_jobs, log_retention
from shared.audit.queries import AuditQueries
from shared.audit.repository import ActivityRepository, AuditRepository, AuditWriter
from shared.clock import SystemClock
from shared.database import Database, PooledQueries, StandaloneWriter, create_engine
from shared.di import running
from shared.installation_secret import InstallationSecret
from shared.jobs import Job
from shared.jobs.arq_queue import ArqQueue
from shared.jobs.gauges import QueueGauges
from shared.jobs.heartbeat import Heartbeats
from shared.observability.gauges import Gauges
from shared.observability.metrics import Metrics
from shared.observability.page import MetricsPage
from shared.observability.settings import ObservabilitySettings
from shared.observability.telemetry import Telemetry, tracing_of
from shared.observability.tracing import Tracing, trace_statements
from shared.outbox.module import EventsContainer
from shared.outbox.outbox import Outbox
from shared.outbox.repository import OutboxRepository
from shared.outbox.settings import OutboxSettings
from shared.scraping.admin import SourceAdministration
from shared.scraping.blocking import Blocking, BlockQueries, BlockUpkeep
from shared.scraping.dispatch import Dispatcher, SourceRegistry
from shared.scraping.fetch_context import Clients
from shared.scraping.gauges import SourceGauges
from shared.scraping.health import SourceQueries
from shared.scraping.inline_fetch import InlineFetcher
from shared.scraping.jobs import engine_jobs
from shared.scraping.pacing import HostPacer
from shared.scraping.plugins import SourceContext, load_plugins
from shared.scraping.repository import ScrapingRepository
from shared.scraping.robots import RobotsTxt
from shared.scraping.run_upkeep import RunUpkeep
from shared.scraping.runner import Runner
from shared.scraping.targets import Targets, TaskQueries
from shared.settings import Loaded, Secret, Settings
from shared.web.health import HealthGauges
from shared.web.idempotency import IdempotencyKeys, idempotency_jobs
from shared.web.limits import RateLimiter
from shared.web.settings import WebSettings
from trackers.contracts.module import ContractsContainer
from trackers.contracts.settings import ContractsSettings
from trackers.fencers.module import FencersContainer
from trackers.fencers.settings import FencersSettings
from trackers.flights.module import FlightsContainer
from trackers.flights.settings import FlightsSettings
from trackers.games.module import GamesContainer
from trackers.games.settings import GamesSettings
from trackers.hiscores.module import HiscoresContainer
from trackers.hiscores.settings import HiscoresSettings
from users.auth.settings import AuthSettings
from users.memberships import was_member
from users.module import UsersContainer
from users.notifications.module import NotificationsContainer
from users.notifications.settings import NotifySettings, SmtpSettings


def _engine(settings: Settings, application_name: str, tracing: Tracing) -> Any:
    engine = create_engine(
        _required(settings.database_url, "TRACKERS_DATABASE_URL"),
        pool_size=settings.database_pool_size,
        statement_timeout=settings.database_statement_timeout,
        application_name=application_name,
        pooler=settings.database_pooler,
    )
    if tracing.on:
        trace_statements(engine, tracing)
    return engine


def _redis(settings: Settings) -> Redis:
    url = _required(settings.redis_url, "TRACKERS_REDIS_URL")
    return cast(
        "Redis",
        Redis.from_url(
            url,
            socket_timeout=5,
            socket_connect_timeout=2,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
            retry_on_error=[RedisConnectionError, RedisTimeoutError],
        ),
    )


def _limits_storage(redis: Redis) -> RedisStorage:
    """Storage of rate limits on the existing connections; the address is not used."""
    return RedisStorage("redis://", implementation="redispy", connection_pool=redis.connection_pool)  # type: ignore[arg-type]  # options are typed as plain values


def _required(secret: Secret | None, variable: str) -> str:
    if secret is None:
        raise RuntimeError(f"{variable} is not set, and no embedded server was started")
    return secret.reveal()


def _brought(container: Any, what: str) -> list[Any]:
    """All parts of one kind from all modules; `what` is a field of `Module` that takes the module's container."""
    return [
        thing
        for module in MODULES
        if (bring := getattr(module, what)) is not None
        for thing in bring(getattr(container, module.name))
    ]


def _sources(container: Any, context: SourceContext) -> SourceRegistry:
    """Sources of all modules and of installed plug-ins."""
    return SourceRegistry([*_brought(container, "sources"), *load_plugins(context)])


def _inline_fetch(container: Any) -> InlineFetcher:
    """Built from the container itself: it needs the sources, and their modules may need it."""
    return InlineFetcher(
        database=container.database(),
        reader=container.reader(),
        targets=container.targets,
        runner=container.runner(),
        board=container.task_queries(),
        clock=container.clock(),
        lease=container.dispatcher().lease,
    )


def _jobs(*kinds: list[Job]) -> list[Job]:
    """All jobs of the app in one list."""
    return [job for jobs in kinds for job in jobs]


def _gauge_readers(container: Any) -> list[Any]:
    """Gauge readers of the app itself, then of all modules."""
    own = (container.health_gauges(), container.queue_gauges(), container.source_gauges())
    return [*own, *_brought(container, "gauges")]


class AppContainer(containers.DeclarativeContainer):
    """The container of the app; built from loaded settings, closed by `running_app`."""

    __self__ = providers.Self()

    # needs
    loaded: providers.Dependency[Loaded[Any]] = providers.Dependency(instance_of=Loaded)
    secret = providers.Dependency(instance_of=Secret)
    previous_secret = providers.Object(Secret(""))
    """The previous secret during a replacement; else empty."""
    application_name = providers.Object("trackers")
    environ = providers.Object(os.environ)

    # has
    settings = providers.Callable(lambda loaded: loaded[Settings], loaded)
    web_settings = providers.Callable(lambda loaded: loaded[WebSettings], loaded)
    auth_settings = providers.Callable(lambda loaded: loaded[AuthSettings], loaded)
    observability_settings = providers.Callable(lambda loaded: loaded[ObservabilitySettings], loaded)
    outbox_settings = providers.Callable(lambda loaded: loaded[OutboxSettings], loaded)
    notify_settings = providers.Callable(lambda loaded: loaded[NotifySettings], loaded)
    smtp_settings = providers.Callable(lambda loaded: loaded[SmtpSettings], loaded)
    games_settings = providers.Callable(lambda loaded: loaded[GamesSettings], loaded)
    hiscores_settings = providers.Callable(lambda loaded: loaded[HiscoresSettings], loaded)
    fencers_settings = providers.Callable(lambda loaded: loaded[FencersSettings], loaded)
    contracts_settings = providers.Callable(lambda loaded: loaded[ContractsSettings], loaded)
    flights_settings = providers.Callable(lambda loaded: loaded[FlightsSettings], loaded)
    clock = providers.Singleton(SystemClock)  # real date: the only clock of the product
    rng = providers.Singleton(random.Random)
    installation_secret = providers.Singleton(InstallationSecret, secret, previous_secret)
    metrics = providers.Singleton(Metrics)
    tracing = providers.Singleton(
        tracing_of,
        observability_settings.provided.otlp_endpoint,
        service=application_name,
        share=observability_settings.provided.trace_share,
    )
    telemetry = providers.Singleton(Telemetry, metrics=metrics, tracing=tracing)
    engine = providers.Singleton(_engine, settings, application_name, tracing)
    database = providers.Singleton(Database, engine)
    reader = providers.Singleton(PooledQueries, engine, tracing=tracing)
    standalone_writer = providers.Singleton(StandaloneWriter, engine, tracing=tracing)
    session = providers.Callable(lambda database: database.session(), database)
    redis = providers.Singleton(_redis, settings)
    limits_storage = providers.Singleton(_limits_storage, redis)
    queue = providers.Singleton(ArqQueue, redis, tracing=tracing)
    heartbeats = providers.Singleton(Heartbeats, redis)
    pacer = providers.Singleton(HostPacer, redis, rng=rng)
    clients = providers.Singleton(Clients, user_agent=settings.provided.user_agent)
    robots = providers.Singleton(RobotsTxt, redis, clock=clock, user_agent=settings.provided.user_agent)
    scraping_repository = providers.Factory(ScrapingRepository, session)
    targets = providers.Factory(Targets, session, repository=scraping_repository, jobs=queue, clock=clock)
    audit_repository = providers.Factory(AuditRepository, session)
    activity_repository = providers.Factory(ActivityRepository, session)
    activity = providers.Factory(ActivityLog, activities=activity_repository, clock=clock)
    outbox_repository = providers.Factory(OutboxRepository, session)
    outbox = providers.Factory(Outbox, session, repository=outbox_repository, jobs=queue, clock=clock)

    audit_queries = providers.Singleton(AuditQueries, reader)
    inline_fetch = providers.Singleton(_inline_fetch, __self__)

    users = providers.Container(
        UsersContainer,
        settings=auth_settings,
        database=database,
        session=session,
        reader=reader,
        standalone_writer=standalone_writer,
        redis=redis,
        limits_storage=limits_storage,
        activity=activity,
        activities=activity_repository,
        audit=audit_repository,
        logs=audit_queries,
        clock=clock,
        secret=installation_secret,
        known_scopes=providers.Singleton(known_scopes),
        mail_set_up=providers.Callable(bool, smtp_settings.provided.host),
        personal_data_providers=providers.Callable(_brought, __self__, "personal_data"),
        guild_listeners=providers.Callable(_brought, __self__, "guild_listeners"),
    )
    events = providers.Container(
        EventsContainer,
        settings=outbox_settings,
        database=database,
        session=session,
        reader=reader,
        repository=outbox_repository,
        queue=queue,
        activity=activity,
        clock=clock,
        keys=users.bot_authenticator,
        handlers=providers.Callable(_brought, __self__, "handlers"),
        types=providers.Singleton(all_events),
        was_member=providers.Object(was_member("o.user_id", "o.occurred_at")),
    )
    notifications = providers.Container(
        NotificationsContainer,
        settings=notify_settings,
        mail=smtp_settings,
        database=database,
        session=session,
        reader=reader,
        standalone_writer=standalone_writer,
        limits_storage=limits_storage,
        queue=queue,
        account_mails=users.account_mails,
        confirmation_tokens=users.confirmation_tokens,
        message_limits=users.message_limits,
        access=users.access,
        session_access=users.session_access,
        activity=activity,
        clock=clock,
        telemetry=telemetry,
        secret=installation_secret,
        user_agent=settings.provided.user_agent,
        writers=providers.Callable(_brought, __self__, "message_writers"),
        digest_writers=providers.Callable(_brought, __self__, "digest_writers"),
        scrape_lease=settings.provided.scrape_lease,
    )
    tracking = {  # noqa: RUF012 -- the needs of every module of trackers; not a provider
        "database": database,
        "session": session,
        "reader": reader,
        "targets": targets,
        "activity": activity,
        "clock": clock,
        "outbox": outbox,
        "notifier": notifications.notifier,
    }
    owning = {  # noqa: RUF012 -- with the needs of modules whose trackers have owners
        **tracking,
        "accounts": users.accounts,
        "access": users.access,
        "session_access": users.session_access,
    }
    games = providers.Container(GamesContainer, settings=games_settings, guilds=users.guilds, **owning)
    hiscores = providers.Container(
        HiscoresContainer, settings=hiscores_settings, pacer=pacer, inline_fetch=inline_fetch, **owning
    )
    fencers = providers.Container(FencersContainer, settings=fencers_settings, **owning)
    contracts = providers.Container(
        ContractsContainer, settings=contracts_settings, contact=settings.provided.contact, redis=redis, **tracking
    )
    flights = providers.Container(FlightsContainer, settings=flights_settings, **owning)

    # offers
    plugin_context = providers.Factory(
        SourceContext, environ=environ, session=session.provider, targets=targets.provider, clock=clock
    )
    sources = providers.Singleton(_sources, __self__, plugin_context)
    task_queries = providers.Singleton(TaskQueries, reader)
    source_queries = providers.Singleton(SourceQueries, reader, sources=sources, pacer=pacer, clock=clock)
    source_administration = providers.Factory(
        SourceAdministration,
        session,
        repository=scraping_repository,
        sources=sources,
        pacer=pacer,
        jobs=queue,
        activity=activity,
        clock=clock,
    )
    block_queries = providers.Singleton(BlockQueries, reader)
    blocking = providers.Factory(
        Blocking,
        session,
        erasers=providers.Callable(_brought, __self__, "erasers"),
        copies=providers.Callable(_brought, __self__, "event_copies"),
        activity=activity,
        clock=clock,
    )
    block_upkeep = providers.Singleton(
        BlockUpkeep, database=database, queries=block_queries, blocking=blocking.provider
    )
    audit_writer = providers.Singleton(AuditWriter, standalone_writer)
    retention = providers.Singleton(
        log_retention,
        database=database,
        clock=clock,
        audit_keep_days=settings.provided.audit_keep_days,
        activity_keep_days=settings.provided.activity_keep_days,
    )
    health_checks = providers.Singleton(health_checks, engine, redis, heartbeats, settings.provided.home)
    health_gauges = providers.Singleton(HealthGauges, health_checks)
    queue_gauges = providers.Singleton(QueueGauges, queue, heartbeats)
    source_gauges = providers.Singleton(SourceGauges, reader, sources=sources, pacer=pacer, clock=clock)
    gauges = providers.Singleton(
        Gauges, providers.Callable(_gauge_readers, __self__).provider, metrics.provided.registry
    )
    metrics_page = providers.Singleton(
        MetricsPage,
        token=observability_settings.provided.metrics_token,
        metrics=metrics,
        engine=engine,
        gauges=gauges.provider,
    )
    own_metrics_page = providers.Singleton(
        MetricsPage, token=observability_settings.provided.metrics_token, metrics=metrics, engine=engine
    )
    dispatcher = providers.Singleton(
        Dispatcher,
        database=database,
        jobs=queue,
        pacer=pacer,
        sources=sources,
        clock=clock,
        lease=settings.provided.scrape_lease,
    )
    run_upkeep = providers.Singleton(
        RunUpkeep, database=database, clock=clock, keep_days=settings.provided.scrape_runs_keep_days
    )
    runner = providers.Singleton(
        Runner,
        database=database,
        jobs=queue,
        pacer=pacer,
        robots=robots,
        clients=clients,
        sources=sources,
        clock=clock,
        rng=rng,
        telemetry=telemetry,
        lease=settings.provided.scrape_lease,
    )
    scraping_jobs = providers.Singleton(engine_jobs, dispatcher, runner, run_upkeep, block_upkeep)
    idempotency_keys = providers.Singleton(IdempotencyKeys, standalone_writer, clock=clock)
    rate_limiter = providers.Singleton(RateLimiter, limits_storage, web_settings)
    jobs = providers.Singleton(
        _jobs,
        scraping_jobs,
        providers.Singleton(audit_jobs, retention),
        providers.Singleton(idempotency_jobs, idempotency_keys),
        providers.Callable(_brought, __self__, "jobs"),
    )


@asynccontextmanager
async def running_app(container: AppContainer) -> AsyncIterator[AppContainer]:
    """The container while a process runs; closes all connections and clients at the end, also after an error."""
    async with running(
        container.database().close,
        container.redis().aclose,
        container.clients().close,
        container.users.passwords().close,
        container.notifications.post().close,
        container.notifications.apprise().close,
        container.tracing().close,
    ):
        yield container
