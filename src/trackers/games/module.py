"""Game trackers: needs the engine and people; offers registration, the scraping queue and queries."""

from collections.abc import Mapping
from typing import Any

from dependency_injector import containers, providers
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Reader
from shared.di import provide, provide_singleton
from shared.module import Audience, Module
from shared.scraping.targets import Targets
from trackers.games.controllers.internal import InternalTrackerController
from trackers.games.controllers.public import TrackerController
from trackers.games.personal_data import GamesPersonalData
from trackers.games.queries import TrackerQueries
from trackers.games.repository import TrackerRepository
from trackers.games.services.queue import TrackerScrapingQueueService
from trackers.games.services.trackers import TrackerService
from trackers.games.settings import GamesSettings
from trackers.games.source import GamesSource, ProfileRecorder
from users.access import AccessPolicy
from users.accounts.service import AccountService


class GamesContainer(containers.DeclarativeContainer):
    """Game trackers."""

    # needs
    settings = providers.Dependency(instance_of=GamesSettings)
    session = providers.Dependency(instance_of=AsyncSession)
    reader = providers.Dependency(instance_of=Reader)
    targets = providers.Dependency(instance_of=Targets)
    accounts = providers.Dependency(instance_of=AccountService)
    access = providers.Dependency(instance_of=AccessPolicy)
    session_access = providers.Dependency(instance_of=AccessPolicy)
    activity = providers.Dependency(instance_of=ActivityLog)
    clock: providers.Dependency[Clock] = providers.Dependency()

    # has
    repository = providers.Factory(TrackerRepository, session)
    recorder = providers.Factory(ProfileRecorder, trackers=repository)

    # offers
    service = providers.Factory(
        TrackerService,
        trackers=repository,
        accounts=accounts,
        targets=targets,
        access=session_access,
        activity=activity,
        clock=clock,
        interval=settings.provided.interval,
    )
    queue = providers.Factory(TrackerScrapingQueueService, trackers=repository, targets=targets, access=session_access)
    queries = providers.Singleton(TrackerQueries, reader, access=access)
    personal_data = providers.Factory(GamesPersonalData, trackers=repository, targets=targets)
    source = providers.Singleton(GamesSource, settings=settings, recorder=recorder.provider)


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """What this module's handlers may ask for."""
    return {
        "tracker_service": provide(container.service, database),
        "tracker_queue": provide(container.queue, database),
        "tracker_queries": provide_singleton(container.queries),
    }


GAMES = Module(
    name="games",
    settings=(GamesSettings,),
    controllers={Audience.PUBLIC: (TrackerController,), Audience.INTERNAL: (InternalTrackerController,)},
    dependencies=dependencies,
    sources=lambda container: (container.source(),),
    personal_data=lambda container: (container.personal_data(),),
)
