"""The fencers module.

Depends on the engine and users; lets people follow fencers and clubs, and serves their registrations.
"""

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
from shared.scraping.targets import Targets
from trackers.fencers.admin_queries import FencersAdminQueries
from trackers.fencers.controllers.admin import AdminFencerController
from trackers.fencers.controllers.internal import InternalClubController, InternalFencerController
from trackers.fencers.controllers.public import ClubController, FencerController
from trackers.fencers.digest import FencersDigest
from trackers.fencers.erasure import FencersEraser
from trackers.fencers.erasure_repository import FencersErasureRepository
from trackers.fencers.events import EVENTS
from trackers.fencers.handlers import NotifyFollowers
from trackers.fencers.jobs import PageUpkeep, change_retention, fencers_jobs
from trackers.fencers.links import SubjectKind
from trackers.fencers.messages import RegistrationMessages
from trackers.fencers.personal_data import FencersPersonalData
from trackers.fencers.placement import Placement
from trackers.fencers.placement_repository import PlacementRepository
from trackers.fencers.queries import PageQueries, TrackingQueries
from trackers.fencers.recorder import RegistrationRecorder
from trackers.fencers.registration_repository import RegistrationRepository
from trackers.fencers.repository import TrackedRepository
from trackers.fencers.service import TrackingService
from trackers.fencers.settings import FencersSettings
from trackers.fencers.source import FencersSource
from users.access import AccessPolicy
from users.accounts.service import AccountService
from users.notifications.messages import Notifier


class FencersContainer(containers.DeclarativeContainer):
    """Objects of the fencers module."""

    # needs
    settings = providers.Dependency(instance_of=FencersSettings)
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
    questions = providers.Factory(TransactionQueries, session)
    repository = providers.Factory(TrackedRepository, session)
    registrations = providers.Factory(RegistrationRepository, session)
    placement = providers.Factory(Placement, providers.Factory(PlacementRepository, session))
    recorder = providers.Factory(
        RegistrationRecorder,
        registrations=registrations,
        placement=placement,
        blocks=providers.Factory(BlockRepository, session),
        outbox=outbox,
        clock=clock,
    )
    notify_followers = providers.Factory(NotifyFollowers, registrations=registrations, notifier=notifier)
    upkeep = providers.Singleton(
        PageUpkeep,
        database=database,
        targets=targets.provider,
        clock=clock,
        max_age_hours=settings.provided.max_age,
    )
    retention = providers.Singleton(
        change_retention, database=database, clock=clock, keep_days=settings.provided.changes_keep_days
    )

    pages = providers.Singleton(PageQueries, reader)

    # offers
    service = providers.Factory(
        TrackingService,
        questions,
        tracked=repository,
        accounts=accounts,
        targets=targets,
        access=session_access,
        activity=activity,
        outbox=outbox,
        clock=clock,
        intervals=providers.Dict(
            {SubjectKind.FENCER: settings.provided.scrape_interval, SubjectKind.CLUB: settings.provided.club_interval}
        ),
        asks_for_fencers=settings.provided.asks_for_fencers,
    )
    queries = providers.Singleton(TrackingQueries, reader, access=access, clock=clock)
    admin_queries = providers.Singleton(FencersAdminQueries, reader, settings=settings, clock=clock)
    personal_data = providers.Factory(FencersPersonalData, tracked=repository, targets=targets)
    eraser = providers.Factory(
        FencersEraser, stored=providers.Factory(FencersErasureRepository, session), targets=targets
    )
    digest = providers.Factory(FencersDigest, questions)
    source = providers.Singleton(
        FencersSource,
        settings=settings,
        recorder=recorder.provider,
        pages=pages,
        clock=clock,
    )


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """Dependencies of this module's route handlers."""
    return {
        "tracking_service": provide(container.service, database),
        "tracking_queries": provide_singleton(container.queries),
        "fencers_admin_queries": provide_singleton(container.admin_queries),
    }


FENCERS = Module(
    name="fencers",
    events=EVENTS,
    settings=(FencersSettings,),
    controllers={
        Audience.PUBLIC: (FencerController, ClubController),
        Audience.ADMIN: (AdminFencerController,),
        Audience.INTERNAL: (InternalFencerController, InternalClubController),
    },
    dependencies=dependencies,
    sources=lambda container: (container.source(),),
    personal_data=lambda container: (container.personal_data(),),
    erasers=lambda container: (container.eraser(),),
    handlers=lambda container: (container.notify_followers(),),
    message_writers=lambda _: (RegistrationMessages(),),
    digest_writers=lambda container: (container.digest(),),
    jobs=lambda container: fencers_jobs(container.upkeep(), container.retention()),
)
