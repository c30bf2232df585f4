"""People: needs the shared kernel; offers accounts to other modules and authentication to the guards."""

from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database import Reader
from shared.module import Module
from shared.settings import Secret
from users.accounts.repository import AccountRepository
from users.accounts.service import AccountService
from users.auth.keys import BotAuthenticator, BotKeyService
from users.auth.repository import BotKeyReader, BotKeyRepository


class UsersContainer(containers.DeclarativeContainer):
    """Accounts and authentication."""

    # needs
    session = providers.Dependency(instance_of=AsyncSession)
    reader = providers.Dependency(instance_of=Reader)
    clock: providers.Dependency[Clock] = providers.Dependency()
    secret = providers.Dependency(instance_of=Secret)

    # has
    account_repository = providers.Factory(AccountRepository, session)
    key_repository = providers.Factory(BotKeyRepository, session)
    key_reader = providers.Singleton(BotKeyReader, reader)

    # offers
    accounts = providers.Factory(AccountService, accounts=account_repository, clock=clock)
    keys = providers.Factory(BotKeyService, keys=key_repository, clock=clock, secret=secret)
    authenticator = providers.Singleton(BotAuthenticator, keys=key_reader, clock=clock, secret=secret)


USERS = Module(name="users")
