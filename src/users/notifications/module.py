"""Notifications: needs accounts, guilds and the MessageWriters of modules; offers the Notifier."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from dependency_injector import containers, providers
from limits.aio.storage import RedisStorage
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database, PooledQueries, StandaloneWriter, TransactionQueries
from shared.di import provide, provide_singleton
from shared.installation_secret import InstallationSecret
from shared.jobs import Job, JobQueue
from shared.module import Audience, Module
from shared.observability.telemetry import Telemetry
from users.access import AccessPolicy
from users.accounts.addresses import ConfirmationTokens
from users.accounts.mail_repository import AccountMailRepository
from users.message_limits import MessageLimits
from users.notifications.account_mailer import AccountMailer
from users.notifications.challenger import Challenger
from users.notifications.channel_repository import ChannelRepository
from users.notifications.controllers.admin import DeliveryController
from users.notifications.controllers.digest import DigestController, MyDigestController, UnsubscribeController
from users.notifications.controllers.internal import InternalGuildChannelController
from users.notifications.controllers.public import GuildChannelController, MyChannelController, PreferenceController
from users.notifications.delivery_repository import DeliveryRepository
from users.notifications.digest_mail import DigestMail
from users.notifications.digest_messages import DigestMessages
from users.notifications.digest_queries import DigestQueries
from users.notifications.digest_repository import DigestRepository
from users.notifications.digest_run import DigestBuilder, DigestRun
from users.notifications.digest_service import DigestService
from users.notifications.fan_out import FanOut
from users.notifications.field_encryption import FieldEncryption
from users.notifications.gauges import NotificationGauges
from users.notifications.job_enqueuer import JobEnqueuer
from users.notifications.jobs import delivery_retention, notification_jobs
from users.notifications.messages import MessageWriter
from users.notifications.own_messages import ChannelMessages
from users.notifications.personal_data import NotificationPersonalData
from users.notifications.preference_repository import PreferenceRepository
from users.notifications.preferences import PreferenceService
from users.notifications.queries import NotificationQueries
from users.notifications.rotation import ChannelRotation
from users.notifications.schemas import ChannelKind
from users.notifications.sender import DeliverySender
from users.notifications.service import ChannelService
from users.notifications.settings import NotifySettings, SmtpSettings
from users.notifications.transports.apprise import AppriseTransport
from users.notifications.transports.discord import DiscordTransport
from users.notifications.transports.email import EmailTransport, mail_templates
from users.notifications.transports.http import GuardedHttpClient
from users.notifications.transports.webhook import WebhookTransport
from users.notifications.unsubscribing import Unsubscribing
from users.notifications.verification_codes import AttemptLimiter, VerificationCodes


def _events(writers: Sequence[MessageWriter]) -> list[str]:
    """All events that a writer has messages for."""
    return sorted({event for writer in writers for event in writer.events})


class NotificationsContainer(containers.DeclarativeContainer):
    """Container of channels, preferences, deliveries and digests."""

    # needs
    settings = providers.Dependency(instance_of=NotifySettings)
    mail = providers.Dependency(instance_of=SmtpSettings)
    database = providers.Dependency(instance_of=Database)
    session = providers.Dependency(instance_of=AsyncSession)
    reader = providers.Dependency(instance_of=PooledQueries)
    standalone_writer = providers.Dependency(instance_of=StandaloneWriter)
    limits_storage = providers.Dependency(instance_of=RedisStorage)
    queue: providers.Dependency[JobQueue] = providers.Dependency()
    account_mails = providers.Dependency(instance_of=AccountMailRepository)
    confirmation_tokens = providers.Dependency(instance_of=ConfirmationTokens)
    message_limits = providers.Dependency(instance_of=MessageLimits)
    access = providers.Dependency(instance_of=AccessPolicy)
    session_access = providers.Dependency(instance_of=AccessPolicy)
    activity = providers.Dependency(instance_of=ActivityLog)
    clock: providers.Dependency[Clock] = providers.Dependency()
    telemetry = providers.Dependency(instance_of=Telemetry)
    secret = providers.Dependency(instance_of=InstallationSecret)
    user_agent = providers.Dependency(instance_of=str)
    scrape_lease = providers.Dependency(instance_of=float)
    """Seconds after which a worker can no longer write what it fetched."""
    digest_writers: providers.Dependency[Any] = providers.Dependency()
    """DigestWriters of modules, on the bound session."""
    writers: providers.Dependency[Any] = providers.Dependency()
    """MessageWriters of modules."""

    # has
    channel_repository = providers.Factory(ChannelRepository, session)
    delivery_repository = providers.Factory(DeliveryRepository, session)
    preference_repository = providers.Factory(PreferenceRepository, session)
    digest_repository = providers.Factory(DigestRepository, session)
    templates = providers.Singleton(mail_templates)
    unsubscribing = providers.Singleton(Unsubscribing, secret, public_url=settings.provided.public_url)
    digest_mail = providers.Singleton(DigestMail, templates, unsubscribing=unsubscribing)
    enqueuer = providers.Factory(JobEnqueuer, session=session, jobs=queue)
    encryption = providers.Singleton(FieldEncryption, secret)
    codes = providers.Singleton(VerificationCodes, secret)
    tries = providers.Singleton(AttemptLimiter, limits_storage)
    known_events = providers.Singleton(_events, writers)
    post = providers.Singleton(
        GuardedHttpClient,
        user_agent=user_agent,
        timeout=settings.provided.timeout,
        allow_private=settings.provided.allow_private,
    )
    apprise = providers.Singleton(
        AppriseTransport, timeout=settings.provided.timeout, allow_private=settings.provided.allow_private
    )
    email_transport = providers.Singleton(
        EmailTransport,
        settings=mail,
        timeout=settings.provided.timeout,
        clock=clock,
        templates=templates,
        digests=digest_mail,
    )
    transports = providers.Dict(
        {
            ChannelKind.WEBHOOK: providers.Singleton(WebhookTransport, post=post, clock=clock),
            ChannelKind.DISCORD: providers.Singleton(DiscordTransport, post=post, clock=clock),
            ChannelKind.EMAIL: email_transport,
            ChannelKind.APPRISE: apprise,
        }
    )
    sender = providers.Singleton(
        DeliverySender,
        database=database,
        deliveries=delivery_repository.provider,
        activity=activity.provider,
        writers=providers.Callable(lambda writers: [ChannelMessages(), DigestMessages(), *writers], writers),
        transports=transports,
        encryption=encryption,
        clock=clock,
        telemetry=telemetry,
        timeout=settings.provided.timeout,
        per_host=settings.provided.per_host,
    )
    challenger = providers.Singleton(
        Challenger,
        database=database,
        channels=channel_repository.provider,
        activity=activity.provider,
        transports=transports,
        encryption=encryption,
        codes=codes,
        clock=clock,
    )
    account_mailer = providers.Singleton(
        AccountMailer,
        database=database,
        mails=account_mails.provider,
        transport=email_transport,
        tokens=confirmation_tokens,
        public_url=settings.provided.public_url,
        clock=clock,
    )
    retention = providers.Singleton(
        delivery_retention,
        database=database,
        clock=clock,
        keep_days=settings.provided.keep_days,
        digests_keep_days=settings.provided.digests_keep_days,
    )

    digest_builder = providers.Factory(
        DigestBuilder,
        digests=digest_repository,
        writers=digest_writers,
        settling=providers.Callable(lambda lease: timedelta(seconds=2 * lease), scrape_lease),
    )

    # offers
    digests = providers.Factory(
        DigestService,
        providers.Factory(TransactionQueries, session),
        digests=digest_repository,
        preferences=preference_repository,
        builder=digest_builder,
        mail=digest_mail,
        unsubscribing=unsubscribing,
        activity=activity,
        clock=clock,
    )
    digest_queries = providers.Singleton(DigestQueries, reader)
    digest_run = providers.Singleton(
        DigestRun,
        database=database,
        digests=digest_repository.provider,
        builder=digest_builder.provider,
        enqueuer=enqueuer.provider,
        clock=clock,
    )
    notifier = providers.Factory(FanOut, deliveries=delivery_repository, enqueuer=enqueuer, clock=clock)
    channels = providers.Factory(
        ChannelService,
        channels=channel_repository,
        deliveries=delivery_repository,
        digests=digest_repository,
        access=session_access,
        activity=activity,
        encryption=encryption,
        codes=codes,
        tries=tries,
        limits=message_limits,
        enqueuer=enqueuer,
        clock=clock,
        settings=settings,
        mail=mail,
    )
    preferences = providers.Factory(PreferenceService, preferences=preference_repository, known_events=known_events)
    queries = providers.Singleton(NotificationQueries, reader, access=access, known_events=known_events)
    rotation = providers.Singleton(
        ChannelRotation, standalone_writer, encryption=encryption, public_url=settings.provided.public_url
    )
    gauges = providers.Singleton(NotificationGauges, reader, clock=clock)
    personal_data = providers.Factory(
        NotificationPersonalData,
        channels=channel_repository,
        deliveries=delivery_repository,
        preferences=preference_repository,
        digests=digest_repository,
        queries=queries,
        digest_queries=digest_queries,
    )


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """Dependencies of this module's controllers, by name."""
    return {
        "channel_service": provide(container.channels, database),
        "preference_service": provide(container.preferences, database),
        "notification_queries": provide_singleton(container.queries),
        "digest_service": provide(container.digests, database),
        "digest_queries": provide_singleton(container.digest_queries),
        "digest_run": provide_singleton(container.digest_run),
    }


def jobs(container: Any) -> list[Job]:
    return notification_jobs(
        container.sender(),
        container.challenger(),
        container.account_mailer(),
        container.retention(),
        container.digest_run(),
    )


NOTIFICATIONS = Module(
    name="notifications",
    settings=(NotifySettings, SmtpSettings),
    controllers={
        Audience.PUBLIC: (
            MyChannelController,
            GuildChannelController,
            PreferenceController,
            MyDigestController,
            UnsubscribeController,
        ),
        Audience.ADMIN: (DeliveryController, DigestController),
        Audience.INTERNAL: (InternalGuildChannelController,),
    },
    dependencies=dependencies,
    personal_data=lambda container: (container.personal_data(),),
    event_copies=lambda container: (container.delivery_repository(),),
    jobs=jobs,
    gauges=lambda container: (container.gauges(),),
)
