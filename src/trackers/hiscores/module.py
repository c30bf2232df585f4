"""Module of the hiscores: needs the engine and users; offers players, their histories and leaderboards."""

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
from shared.scraping.block_repository import BlockRepository
from shared.scraping.inline_fetch import InlineFetcher
from shared.scraping.pacing import HostPacer
from shared.scraping.targets import Targets
from trackers.hiscores.controllers.admin import AdminPlayerController
from trackers.hiscores.controllers.histories import PlayerHistoryController
from trackers.hiscores.controllers.internal import InternalPlayerController
from trackers.hiscores.controllers.public import PlayerController
from trackers.hiscores.digest import HiscoresDigest
from trackers.hiscores.erasure import HiscoresEraser
from trackers.hiscores.events import EVENTS
from trackers.hiscores.follows import FollowRepository
from trackers.hiscores.history_queries import HistoryQueries
from trackers.hiscores.jobs import GainRetention, hiscore_jobs, record_retention
from trackers.hiscores.messages import HiscoreMessages
from trackers.hiscores.metrics import MetricBook, MetricNumbers
from trackers.hiscores.personal_data import HiscoresPersonalData
from trackers.hiscores.queries import PlayerQueries
from trackers.hiscores.record_repository import RecordRepository
from trackers.hiscores.recorder import HiscoreRecorder
from trackers.hiscores.repository import PlayerRepository
from trackers.hiscores.services.notifications import NotifyFollowers
from trackers.hiscores.services.players import PlayerService
from trackers.hiscores.services.registration import Parts, PlayerRegistration
from trackers.hiscores.services.renames import PlayerAdministration
from trackers.hiscores.settings import HiscoresSettings
from trackers.hiscores.source import HiscoresSource
from users.access import AccessPolicy
from users.accounts.service import AccountService
from users.notifications.messages import Notifier


class HiscoresContainer(containers.DeclarativeContainer):
    """Providers of the hiscores."""

    # needs
    settings = providers.Dependency(instance_of=HiscoresSettings)
    database = providers.Dependency(instance_of=Database)
    session = providers.Dependency(instance_of=AsyncSession)
    reader = providers.Dependency(instance_of=PooledQueries)
    targets = providers.Dependency(instance_of=Targets)
    pacer = providers.Dependency(instance_of=HostPacer)
    inline_fetch = providers.Dependency(instance_of=InlineFetcher)
    accounts = providers.Dependency(instance_of=AccountService)
    access = providers.Dependency(instance_of=AccessPolicy)
    session_access = providers.Dependency(instance_of=AccessPolicy)
    activity = providers.Dependency(instance_of=ActivityLog)
    outbox = providers.Dependency(instance_of=Outbox)
    notifier: providers.Dependency[Notifier] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()

    # has
    repository = providers.Factory(PlayerRepository, session)
    records = providers.Factory(RecordRepository, session)
    follows = providers.Factory(FollowRepository, session)
    numbers = providers.Factory(MetricNumbers, session)
    book = providers.Singleton(MetricBook, reader)
    recorder = providers.Factory(
        HiscoreRecorder,
        players=repository,
        records=records,
        numbers=numbers,
        targets=targets,
        outbox=outbox,
        fall_lasts=settings.provided.fall_lasts,
    )
    notify_followers = providers.Factory(NotifyFollowers, follows=follows, notifier=notifier)
    gain_retention = providers.Singleton(GainRetention, database=database, clock=clock)
    retention = providers.Singleton(
        record_retention, database=database, clock=clock, keep_days=settings.provided.records_keep_days
    )

    # offers
    source = providers.Singleton(HiscoresSource, settings=settings, book=book, recorder=recorder.provider)
    service = providers.Factory(
        PlayerService,
        players=repository,
        follows=follows,
        accounts=accounts,
        targets=targets,
        pacer=pacer,
        policy=source.provided.policy,
        access=session_access,
        activity=activity,
        outbox=outbox,
        clock=clock,
        enabled=settings.provided.enabled,
        cooldown=settings.provided.fetch_cooldown,
        follow_limit=settings.provided.follow_limit,
    )
    parts = providers.Factory(
        Parts,
        players=repository,
        records=records,
        service=service,
        targets=targets,
        accounts=accounts,
        access=session_access,
        activity=activity,
    )
    registration = providers.Singleton(
        PlayerRegistration,
        database=database,
        pacer=pacer,
        host=source.provided.policy.host,
        parts=parts.provider,
        inline_fetch=inline_fetch.provider,
        clock=clock,
        enabled=settings.provided.enabled,
        interval=settings.provided.interval,
        patience=settings.provided.add_patience,
        limit=settings.provided.add_limit,
    )
    administration = providers.Factory(
        PlayerAdministration,
        players=repository,
        records=records,
        follows=follows,
        service=service,
        numbers=numbers,
        targets=targets,
        activity=activity,
        outbox=outbox,
        clock=clock,
    )
    queries = providers.Singleton(PlayerQueries, reader, book=book, clock=clock, access=access)
    session_queries = providers.Factory(
        PlayerQueries, providers.Factory(TransactionQueries, session), book=book, clock=clock, access=session_access
    )
    history_queries = providers.Singleton(HistoryQueries, reader, book=book, clock=clock, access=access)
    digest = providers.Factory(HiscoresDigest, providers.Factory(TransactionQueries, session))
    personal_data = providers.Factory(HiscoresPersonalData, follows=follows)
    eraser = providers.Factory(
        HiscoresEraser, blocks=providers.Factory(BlockRepository, session), players=repository, targets=targets
    )


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """Dependencies that request handlers of this module can use."""
    return {
        "player_registration": provide_singleton(container.registration),
        "player_service": provide(container.service, database),
        "player_administration": provide(container.administration, database),
        "player_queries": provide_singleton(container.queries),
        "session_player_queries": provide(container.session_queries, database),
        "player_histories": provide_singleton(container.history_queries),
    }


HISCORES = Module(
    name="hiscores",
    events=EVENTS,
    settings=(HiscoresSettings,),
    controllers={
        Audience.PUBLIC: (PlayerController, PlayerHistoryController),
        Audience.ADMIN: (AdminPlayerController,),
        Audience.INTERNAL: (InternalPlayerController,),
    },
    dependencies=dependencies,
    sources=lambda container: (container.source(),),
    personal_data=lambda container: (container.personal_data(),),
    erasers=lambda container: (container.eraser(),),
    handlers=lambda container: (container.notify_followers(),),
    message_writers=lambda _: (HiscoreMessages(),),
    digest_writers=lambda container: (container.digest(),),
    jobs=lambda container: hiscore_jobs(container.gain_retention(), container.retention()),
)
