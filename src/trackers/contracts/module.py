"""The contracts module: needs the engine, Redis and notifications; provides its source, watches and queries."""

from collections.abc import Mapping
from typing import Any

from dependency_injector import containers, providers
from litestar.di import Provide
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database, PooledQueries, TransactionQueries
from shared.di import provide, provide_singleton
from shared.module import Audience, Module
from shared.outbox.outbox import Outbox
from shared.scraping.targets import Targets
from trackers.contracts.admin_queries import ContractAdminQueries
from trackers.contracts.aggregation import ContractAggregationService
from trackers.contracts.controllers.admin import AdminContractController
from trackers.contracts.controllers.internal import InternalContractController
from trackers.contracts.controllers.parameters import contract_filter
from trackers.contracts.controllers.public import ContractController, WatchController
from trackers.contracts.digest import ContractsDigest
from trackers.contracts.erasure import ContractsEraser
from trackers.contracts.erasure_repository import ContractsErasureRepository
from trackers.contracts.events import EVENTS
from trackers.contracts.gauges import ContractGauges
from trackers.contracts.jobs import FollowJob, contract_retention, contracts_jobs
from trackers.contracts.personal_data import ContractsPersonalData
from trackers.contracts.queries import ContractQueries
from trackers.contracts.region_repository import RegionRepository
from trackers.contracts.runs import AggregationRuns
from trackers.contracts.services.alerts import ContractMessages, NotifyWatchers, WatchAlerts
from trackers.contracts.services.regions import RegionService
from trackers.contracts.services.watches import WatchService
from trackers.contracts.settings import SOURCE, ContractsSettings
from trackers.contracts.ship_queries import ShipQueries
from trackers.contracts.source import INTERVAL, ContractsSource
from trackers.contracts.type_cache import TypeCache
from trackers.contracts.watch_queries import WatchReads
from trackers.contracts.watch_repository import WatchRepository
from users.notifications.messages import Notifier


class ContractsContainer(containers.DeclarativeContainer):
    """Dependencies of public contracts."""

    # needs
    settings = providers.Dependency(instance_of=ContractsSettings)
    database = providers.Dependency(instance_of=Database)
    session = providers.Dependency(instance_of=AsyncSession)
    contact = providers.Dependency(instance_of=str)
    reader = providers.Dependency(instance_of=PooledQueries)
    redis = providers.Dependency(instance_of=Redis)
    targets = providers.Dependency(instance_of=Targets)
    activity = providers.Dependency(instance_of=ActivityLog)
    outbox = providers.Dependency(instance_of=Outbox)
    notifier: providers.Dependency[Notifier] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()

    # has
    watches = providers.Factory(WatchRepository, session)
    region_repository = providers.Factory(RegionRepository, session)
    alerts = providers.Factory(WatchAlerts, watches=watches, outbox=outbox, clock=clock)
    notify_watchers = providers.Factory(NotifyWatchers, watches=watches, notifier=notifier, clock=clock)
    messages = providers.Singleton(ContractMessages, watches=watches.provider, clock=clock)
    runs = providers.Singleton(
        AggregationRuns, database=database, redis=redis, clock=clock, lifetime=settings.provided.lock_lifetime
    )
    aggregation = providers.Singleton(
        ContractAggregationService,
        settings=settings,
        clock=clock,
        types=providers.Singleton(TypeCache, settings=settings, clock=clock),
        alerts=alerts.provider,
    )
    digest = providers.Factory(ContractsDigest, providers.Factory(TransactionQueries, session))
    personal_data = providers.Factory(ContractsPersonalData, watches=watches)
    eraser = providers.Factory(ContractsEraser, stored=providers.Factory(ContractsErasureRepository, session))

    # offers
    source = providers.Singleton(
        ContractsSource, settings=settings, runs=runs, aggregation=aggregation, clock=clock, contact=contact
    )
    regions = providers.Factory(
        RegionService,
        source=SOURCE,
        regions=region_repository,
        targets=targets,
        activity=activity,
        configured=settings.provided.region_ids.numbers,
        interval=INTERVAL,
    )
    watch_service = providers.Factory(
        WatchService,
        providers.Factory(WatchReads, providers.Factory(TransactionQueries, session)),
        watches=watches,
        regions=region_repository,
        clock=clock,
    )
    watch_reads = providers.Singleton(WatchReads, reader)
    queries = providers.Singleton(ContractQueries, reader, clock=clock)
    ship_queries = providers.Singleton(ShipQueries, reader, clock=clock)
    admin_queries = providers.Singleton(ContractAdminQueries, reader)
    gauges = providers.Singleton(ContractGauges, reader, clock=clock)
    follow_job = providers.Singleton(
        FollowJob, database=database, regions=regions.provider, enabled=source.provided.enabled
    )
    retention = providers.Singleton(contract_retention, database=database, clock=clock, settings=settings)


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """Dependencies for the handlers of this module's endpoints."""
    return {
        "contract_queries": provide_singleton(container.queries),
        "contract_ship_queries": provide_singleton(container.ship_queries),
        "contract_admin_queries": provide_singleton(container.admin_queries),
        "contract_watch_reads": provide_singleton(container.watch_reads),
        "contract_watch_service": provide(container.watch_service, database),
        "contract_regions": provide(container.regions, database),
        "contract_filter": Provide(contract_filter, sync_to_thread=False),
    }


CONTRACTS = Module(
    name="contracts",
    events=EVENTS,
    settings=(ContractsSettings,),
    controllers={
        Audience.PUBLIC: (ContractController, WatchController),
        Audience.ADMIN: (AdminContractController,),
        Audience.INTERNAL: (InternalContractController,),
    },
    dependencies=dependencies,
    sources=lambda container: (container.source(),),
    personal_data=lambda container: (container.personal_data(),),
    erasers=lambda container: (container.eraser(),),
    handlers=lambda container: (container.notify_watchers(),),
    message_writers=lambda container: (container.messages(),),
    digest_writers=lambda container: (container.digest(),),
    jobs=lambda container: contracts_jobs(container.follow_job(), container.retention()),
    gauges=lambda container: (container.gauges(),),
)
