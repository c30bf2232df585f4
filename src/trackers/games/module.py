"""Wires game trackers: needs the engine and users; offers registration, the scraping queue and queries."""

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
from trackers.games.admin_queries import TrackerAdminQueries
from trackers.games.admin_repository import TrackerAdminRepository
from trackers.games.controllers.admin import AdminTrackerController
from trackers.games.controllers.guild_ratings import GuildRatingController
from trackers.games.controllers.internal import InternalTrackerController
from trackers.games.controllers.internal_schedules import InternalScheduleController
from trackers.games.controllers.leaderboard import InternalLeaderboardController, LeaderboardController
from trackers.games.controllers.manual_snapshots import (
    AdminManualSnapshotController,
    GuildManualSnapshotController,
    InternalGuildManualSnapshotController,
    InternalManualSnapshotController,
    ManualSnapshotController,
)
from trackers.games.controllers.public import TrackerController
from trackers.games.digest import GamesDigest
from trackers.games.erasure import GamesEraser
from trackers.games.erasure_repository import GamesErasureRepository
from trackers.games.events import EVENTS
from trackers.games.jobs import PriorityJob, ScheduleJob, games_jobs, snapshot_retention
from trackers.games.manual_personal_data import ManualSnapshotsPersonalData
from trackers.games.manual_queries import ManualSnapshotQueries
from trackers.games.manual_repository import ManualSnapshotRepository
from trackers.games.messages import GameMessages
from trackers.games.personal_data import GamesPersonalData
from trackers.games.playlist_state_repository import PlaylistStateRepository
from trackers.games.priority_repository import PriorityRepository
from trackers.games.queries import SnapshotQueries, TrackerQueries
from trackers.games.rating_jobs import RecomputeLeaderboards, rating_jobs
from trackers.games.rating_queries import RatingQueries
from trackers.games.rating_repository import RatingRepository
from trackers.games.recorder import ProfileRecorder
from trackers.games.repository import TrackerRepository
from trackers.games.schedule_queries import ScheduleQueries
from trackers.games.schedule_repository import ScheduleRepository
from trackers.games.services.administration import TrackerAdministration
from trackers.games.services.guild_processing import GuildProcessing
from trackers.games.services.manual_snapshots import TrackerSnapshotService
from trackers.games.services.notifications import NotifyFollowers, NotifyProcessingFinished, TrackerNotificationService
from trackers.games.services.priorities import TrackerPriorities
from trackers.games.services.queue import TrackerScrapingQueueService
from trackers.games.services.ratings import RatingService
from trackers.games.services.schedules import ScheduledTrackerProcessingService
from trackers.games.services.trackers import TrackerService
from trackers.games.settings import GamesSettings
from trackers.games.source import GamesSource
from users.access import AccessPolicy
from users.accounts.service import AccountService
from users.guilds.service import GuildService
from users.notifications.messages import Notifier


class GamesContainer(containers.DeclarativeContainer):
    """Container of game trackers."""

    # needs
    settings = providers.Dependency(instance_of=GamesSettings)
    database = providers.Dependency(instance_of=Database)
    session = providers.Dependency(instance_of=AsyncSession)
    reader = providers.Dependency(instance_of=PooledQueries)
    targets = providers.Dependency(instance_of=Targets)
    accounts = providers.Dependency(instance_of=AccountService)
    guilds = providers.Dependency(instance_of=GuildService)
    access = providers.Dependency(instance_of=AccessPolicy)
    session_access = providers.Dependency(instance_of=AccessPolicy)
    activity = providers.Dependency(instance_of=ActivityLog)
    outbox = providers.Dependency(instance_of=Outbox)
    notifier: providers.Dependency[Notifier] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()

    # has
    questions = providers.Factory(TransactionQueries, session)
    repository = providers.Factory(TrackerRepository, session)
    playlist_states = providers.Factory(PlaylistStateRepository, session)
    manual = providers.Factory(ManualSnapshotRepository, session)
    ratings = providers.Factory(RatingService, ratings=providers.Factory(RatingRepository, session), clock=clock)
    notifications = providers.Factory(TrackerNotificationService, outbox=outbox)
    recorder = providers.Factory(
        ProfileRecorder,
        playlist_states=playlist_states,
        trackers=repository,
        blocks=providers.Factory(BlockRepository, session),
        ratings=ratings,
        news=notifications,
    )
    notify_processing_finished = providers.Factory(NotifyProcessingFinished, notifier=notifier)
    notify_followers = providers.Factory(NotifyFollowers, trackers=repository, notifier=notifier)

    schedule_repository = providers.Factory(ScheduleRepository, session)
    guild_processing = providers.Factory(GuildProcessing, members=schedule_repository, guilds=guilds, targets=targets)
    priorities = providers.Factory(
        TrackerPriorities, priorities=providers.Factory(PriorityRepository, session), targets=targets
    )

    # offers
    queue = providers.Factory(
        TrackerScrapingQueueService,
        trackers=repository,
        targets=targets,
        guilds=guild_processing,
        access=session_access,
    )
    service = providers.Factory(
        TrackerService,
        questions,
        trackers=repository,
        accounts=accounts,
        targets=targets,
        queue=queue,
        priorities=priorities,
        access=session_access,
        activity=activity,
        outbox=outbox,
        clock=clock,
        interval=settings.provided.interval,
        cooldown=settings.provided.refresh_cooldown,
    )
    administration = providers.Factory(
        TrackerAdministration,
        questions,
        administration=providers.Factory(TrackerAdminRepository, session),
        trackers=repository,
        manual=manual,
        accounts=accounts,
        targets=targets,
        priorities=priorities,
        ratings=ratings,
        access=session_access,
        activity=activity,
        outbox=outbox,
        clock=clock,
        interval=settings.provided.interval,
    )
    admin_queries = providers.Singleton(TrackerAdminQueries, reader, access=access, clock=clock)
    snapshots = providers.Factory(
        TrackerSnapshotService,
        questions,
        access=session_access,
        accounts=accounts,
        trackers=repository,
        manual=manual,
        ratings=ratings,
        activity=activity,
        clock=clock,
        per_day=settings.provided.manual_snapshots_per_day,
    )
    schedules = providers.Factory(
        ScheduledTrackerProcessingService,
        questions,
        schedules=schedule_repository,
        processing=guild_processing,
        access=session_access,
        activity=activity,
        events=outbox,
        clock=clock,
        grace=settings.provided.schedule_grace,
    )
    schedule_queries = providers.Singleton(ScheduleQueries, reader, access=access)
    schedule_job = providers.Singleton(ScheduleJob, database=database, services=schedules.provider)
    priority_job = providers.Singleton(PriorityJob, database=database, priorities=priorities.provider)
    retention = providers.Singleton(
        snapshot_retention, database=database, clock=clock, keep_days=settings.provided.snapshots_keep_days
    )
    queries = providers.Singleton(TrackerQueries, reader, access=access)
    manual_queries = providers.Singleton(ManualSnapshotQueries, reader, access=access)
    snapshot_queries = providers.Singleton(SnapshotQueries, reader, access=access)
    recompute = providers.Singleton(RecomputeLeaderboards, database=database, service=ratings.provider)
    rating_queries = providers.Singleton(RatingQueries, reader, access=access)
    personal_data = providers.Factory(GamesPersonalData, trackers=repository, ratings=ratings, targets=targets)
    manual_personal_data = providers.Factory(ManualSnapshotsPersonalData, manual=manual)
    digest = providers.Factory(GamesDigest, questions)
    source = providers.Singleton(GamesSource, settings=settings, recorder=recorder.provider)
    eraser = providers.Factory(
        GamesEraser,
        read=source.provided.read,
        stored=providers.Factory(GamesErasureRepository, session),
        accounts=accounts,
        ratings=ratings,
        targets=targets,
    )


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """Return the dependencies that this module's controllers may request."""
    return {
        "tracker_service": provide(container.service, database),
        "tracker_administration": provide(container.administration, database),
        "tracker_admin_queries": provide_singleton(container.admin_queries),
        "tracker_queue": provide(container.queue, database),
        "tracker_queries": provide_singleton(container.queries),
        "schedule_service": provide(container.schedules, database),
        "schedule_queries": provide_singleton(container.schedule_queries),
        "snapshot_service": provide(container.snapshots, database),
        "manual_snapshot_queries": provide_singleton(container.manual_queries),
        "snapshot_queries": provide_singleton(container.snapshot_queries),
        "rating_queries": provide_singleton(container.rating_queries),
    }


GAMES = Module(
    name="games",
    events=EVENTS,
    settings=(GamesSettings,),
    controllers={
        Audience.PUBLIC: (
            TrackerController,
            ManualSnapshotController,
            LeaderboardController,
            GuildRatingController,
            GuildManualSnapshotController,
        ),
        Audience.ADMIN: (AdminTrackerController, AdminManualSnapshotController),
        Audience.INTERNAL: (
            InternalTrackerController,
            InternalManualSnapshotController,
            InternalScheduleController,
            InternalLeaderboardController,
            InternalGuildManualSnapshotController,
        ),
    },
    dependencies=dependencies,
    sources=lambda container: (container.source(),),
    personal_data=lambda container: (container.manual_personal_data(), container.personal_data()),
    erasers=lambda container: (container.eraser(),),
    handlers=lambda container: (container.notify_followers(), container.notify_processing_finished()),
    message_writers=lambda _: (GameMessages(),),
    digest_writers=lambda container: (container.digest(),),
    guild_listeners=lambda container: (container.priorities(),),
    jobs=lambda container: [
        *games_jobs(container.schedule_job(), container.priority_job(), container.retention()),
        *rating_jobs(container.recompute()),
    ],
)
