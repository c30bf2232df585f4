"""Users module: it needs the shared kernel and offers accounts, guilds, the access policy and authentication."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dependency_injector import containers, providers
from limits.aio.storage import RedisStorage
from litestar.di import Provide
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.activity import ActivityLog
from shared.audit.queries import AuditQueries
from shared.audit.repository import ActivityRepository, AuditRepository
from shared.clock import Clock
from shared.database import Database, PooledQueries, StandaloneWriter, TransactionQueries
from shared.di import provide, provide_singleton
from shared.installation_secret import InstallationSecret
from shared.jobs import Job
from shared.module import Audience, Module
from shared.web.stored_responses import StoredResponses
from users.access import AccessPolicy
from users.accounts.addresses import AddressService, ConfirmationTokens
from users.accounts.claims import ClaimService
from users.accounts.controllers.admin import AccountController
from users.accounts.controllers.confirmation import ConfirmEmailController, ConfirmEmailPageController
from users.accounts.controllers.internal import InternalUserController
from users.accounts.controllers.public import MeController
from users.accounts.mail_repository import AccountMailRepository
from users.accounts.personal import PersonalDataService
from users.accounts.personal_data import AccountPersonalData
from users.accounts.queries import AccountQueries
from users.accounts.repository import AccountRepository
from users.accounts.service import AccountService
from users.auth.attempts import SignInAttempts
from users.auth.controllers.admin import KeyController
from users.auth.controllers.public import AuthController, OwnAccountController
from users.auth.denylist import Denylist
from users.auth.keys import BotAuthenticator, BotKeyService
from users.auth.own_account import NewAddresses, OwnAccountService
from users.auth.passwords import Passwords
from users.auth.people import PersonAuthenticator
from users.auth.registration import RegistrationService
from users.auth.repository import BotKeyRepository, BotKeyStore, SessionQueries, SessionRepository
from users.auth.rotation import AuthRotation
from users.auth.service import AuthService, Sessions
from users.auth.settings import AuthSettings
from users.auth.tokens import SKEW, AccessTokens, RefreshTokens
from users.guilds.controllers.internal import InternalGuildController
from users.guilds.controllers.leaderboards import MyLeaderboardController
from users.guilds.controllers.public import GuildController
from users.guilds.leaderboards import LeaderboardOptOuts
from users.guilds.opt_out_repository import OptOutRepository
from users.guilds.personal_data import GuildPersonalData
from users.guilds.queries import GuildQueries
from users.guilds.repository import GuildRepository
from users.guilds.service import GuildService
from users.memberships import Memberships
from users.message_limits import MessageLimits, MessageSettings


class UsersContainer(containers.DeclarativeContainer):
    """Providers of accounts, authentication and guilds."""

    # needs
    settings = providers.Dependency(instance_of=AuthSettings)
    database = providers.Dependency(instance_of=Database)
    session = providers.Dependency(instance_of=AsyncSession)
    reader = providers.Dependency(instance_of=PooledQueries)
    standalone_writer = providers.Dependency(instance_of=StandaloneWriter)
    redis = providers.Dependency(instance_of=Redis)
    limits_storage = providers.Dependency(instance_of=RedisStorage)
    activity = providers.Dependency(instance_of=ActivityLog)
    activities = providers.Dependency(instance_of=ActivityRepository)
    audit = providers.Dependency(instance_of=AuditRepository)
    logs = providers.Dependency(instance_of=AuditQueries)
    clock: providers.Dependency[Clock] = providers.Dependency()
    secret = providers.Dependency(instance_of=InstallationSecret)
    known_scopes: providers.Dependency[Any] = providers.Dependency()
    mail_set_up = providers.Dependency(instance_of=bool)
    """True if a mail server is configured."""
    personal_data_providers: providers.Dependency[Any] = providers.Dependency()
    """Personal data providers (PersonalData) of all modules."""
    guild_listeners: providers.Dependency[Any] = providers.Dependency()
    """Guild listeners (GuildListener) of all modules."""

    # has
    account_repository = providers.Factory(AccountRepository, session)
    account_mails = providers.Factory(AccountMailRepository, session)
    confirmation_tokens = providers.Singleton(ConfirmationTokens, secret)
    message_limits = providers.Singleton(
        MessageLimits,
        limits_storage,
        providers.Singleton(
            MessageSettings,
            per_mailbox=settings.provided.messages_per_mailbox,
            per_host=settings.provided.messages_per_host,
            per_address=settings.provided.messages_per_address,
        ),
        secret=secret,
    )
    address_service = providers.Factory(
        AddressService,
        mails=account_mails,
        accounts=account_repository,
        tokens=confirmation_tokens,
        activity=activity,
        clock=clock,
    )
    key_repository = providers.Factory(BotKeyRepository, session)
    key_store = providers.Singleton(BotKeyStore, standalone_writer)
    session_repository = providers.Factory(SessionRepository, session)
    session_queries = providers.Singleton(SessionQueries, reader)
    guild_repository = providers.Factory(GuildRepository, session)
    memberships = providers.Singleton(Memberships, reader)
    session_memberships = providers.Factory(Memberships, providers.Factory(TransactionQueries, session))
    access_tokens = providers.Singleton(
        AccessTokens, secret=secret, clock=clock, lifetime=settings.provided.access_lifetime
    )
    refresh_tokens = providers.Singleton(RefreshTokens, secret=secret)
    attempts = providers.Singleton(SignInAttempts, limits_storage, settings)
    denylist = providers.Singleton(Denylist, redis, keep=access_tokens.provided.lifetime, skew=SKEW)

    # offers
    person_authenticator = providers.Singleton(
        PersonAuthenticator, tokens=access_tokens, denylist=denylist, sessions=session_queries, clock=clock
    )
    sessions = providers.Factory(Sessions, sessions=session_repository, authenticator=person_authenticator, clock=clock)
    access = providers.Singleton(AccessPolicy, memberships=memberships)
    """Reads without a transaction; for queries and guards."""
    session_access = providers.Factory(AccessPolicy, memberships=session_memberships)
    """Reads in the open transaction; for commands."""
    accounts = providers.Factory(
        AccountService,
        accounts=account_repository,
        addresses=address_service,
        sessions=sessions,
        memberships=guild_repository,
        activity=activity,
        clock=clock,
    )
    account_queries = providers.Singleton(AccountQueries, reader, access=access)
    claims = providers.Factory(
        ClaimService,
        accounts=account_repository,
        people=accounts,
        personal_data_providers=personal_data_providers,
        access=session_access,
        attempts=attempts,
        activity=activity,
        clock=clock,
        secret=secret,
    )
    personal_data = providers.Factory(
        PersonalDataService,
        personal_data_providers=personal_data_providers,
        accounts=account_repository,
        people=accounts,
        sessions=sessions,
        activity=activity,
        audit=audit,
        activities=activities,
        answers=providers.Factory(StoredResponses, session),
        clock=clock,
    )
    passwords = providers.Singleton(Passwords, settings)
    keys = providers.Factory(
        BotKeyService,
        keys=key_repository,
        guilds=session_memberships,
        activity=activity,
        clock=clock,
        secret=secret,
        known_scopes=known_scopes,
    )
    rotation = providers.Singleton(AuthRotation, standalone_writer, secret=secret)
    bot_authenticator = providers.Singleton(BotAuthenticator, keys=key_store, clock=clock, secret=secret)
    auth = providers.Singleton(
        AuthService,
        database=database,
        accounts=account_queries,
        account_repository=account_repository.provider,
        account_mails=account_mails.provider,
        sessions=session_repository.provider,
        session_queries=session_queries,
        activity=activity.provider,
        passwords=passwords,
        access_tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        attempts=attempts,
        denylist=denylist,
        authenticator=person_authenticator,
        clock=clock,
        session_lifetime=providers.Callable(timedelta, settings.provided.session_days),
    )
    new_addresses = providers.Singleton(NewAddresses, limits=message_limits, mail_set_up=mail_set_up)
    own_account = providers.Factory(
        OwnAccountService,
        accounts=accounts,
        personal_data=personal_data,
        auth=auth,
        new_addresses=new_addresses,
        account_repository=account_repository,
        sessions=session_repository,
        clock=clock,
    )
    registration = providers.Singleton(
        RegistrationService,
        database=database,
        accounts=accounts.provider,
        claims=claims.provider,
        passwords=passwords,
        attempts=attempts,
        auth=auth,
        new_addresses=new_addresses,
        registration=settings.provided.registration,
    )
    guilds = providers.Factory(
        GuildService,
        guilds=guild_repository,
        accounts=accounts,
        access=session_access,
        activity=activity,
        listeners=guild_listeners,
        clock=clock,
    )
    leaderboard_opt_outs = providers.Factory(
        LeaderboardOptOuts, opt_outs=providers.Factory(OptOutRepository, session), accounts=accounts, activity=activity
    )
    guild_queries = providers.Singleton(GuildQueries, reader, access=access)
    account_personal_data = providers.Factory(
        AccountPersonalData,
        accounts=account_queries,
        sessions=session_queries,
        logs=logs,
        audit=audit,
        mails=account_mails,
    )
    guild_personal_data = providers.Factory(GuildPersonalData, guilds=guild_repository, clock=clock)


def dependencies(container: Any, database: Any) -> Mapping[str, Provide]:
    """Dependencies that the handlers of this module can inject."""
    return {
        "address_service": provide(container.address_service, database),
        "own_account_service": provide(container.own_account, database),
        "account_service": provide(container.accounts, database),
        "account_queries": provide_singleton(container.account_queries),
        "claim_service": provide(container.claims, database),
        "personal_data": provide(container.personal_data, database),
        "auth_service": provide_singleton(container.auth),
        "registration_service": provide_singleton(container.registration),
        "key_service": provide(container.keys, database),
        "guild_service": provide(container.guilds, database),
        "leaderboard_opt_outs": provide(container.leaderboard_opt_outs, database),
        "guild_queries": provide_singleton(container.guild_queries),
    }


def jobs(container: Any) -> list[Job]:
    """Cleanup, twice an hour: delete sessions that ended long ago, and expired claim codes and confirmation links."""
    return [
        Job(
            name="auth.remove_over",
            run=container.auth().remove_over,
            timeout=60,
            seconds=frozenset({40}),
            minutes=frozenset({13, 43}),
        )
    ]


USERS = Module(
    name="users",
    settings=(AuthSettings,),
    controllers={
        Audience.PUBLIC: (
            AuthController,
            OwnAccountController,
            MeController,
            ConfirmEmailController,
            ConfirmEmailPageController,
            GuildController,
            MyLeaderboardController,
        ),
        Audience.ADMIN: (KeyController, AccountController),
        Audience.INTERNAL: (InternalUserController, InternalGuildController),
    },
    dependencies=dependencies,
    personal_data=lambda container: (
        container.account_personal_data(),
        container.guild_personal_data(),
        container.leaderboard_opt_outs(),
    ),
    jobs=jobs,
)
