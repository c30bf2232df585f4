"""Changes that people make to their own accounts. Changing a login and erasing the account need the password."""

from functools import partial
from typing import Final

from msgspec import UNSET, UnsetType

from shared.clock import Clock
from shared.web.identity import PersonIdentity
from users.accounts.errors import EmailNotSetUp, PasswordNeeded
from users.accounts.personal import PersonalDataService
from users.accounts.profiles import checked_email
from users.accounts.repository import AccountRepository
from users.accounts.schemas import Account, ChangeProfile, EraseAccount
from users.accounts.service import AccountService, Confirm
from users.auth.errors import LoginFailed
from users.auth.repository import SessionRepository
from users.auth.schemas import Client
from users.auth.service import AuthService
from users.message_limits import MessageAddress, MessageLimits, mailbox

INSTEAD: Final = "leave the e-mail address out and sign in with the username"


class NewAddresses:
    """Checks that a link may be mailed to an address that somebody entered."""

    def __init__(self, *, limits: MessageLimits, mail_set_up: bool) -> None:
        self._limits = limits
        self._mail_set_up = mail_set_up

    async def check(self, email: str, client: Client) -> None:
        """Count the mail against the limits. Raises EmailNotSetUp, Invalid or TooManyMessages."""
        recipient = MessageAddress(address=mailbox(checked_email(email)))
        if not self._mail_set_up:
            raise EmailNotSetUp(INSTEAD)
        await self._limits.count(recipient, address=client.address)


class OwnAccountService:
    """Changes and erases people's own accounts.

    The password is checked before the first statement, so that no transaction is open while it is hashed. Once the
    account is locked, password and session are checked again, because both may have changed meanwhile.
    """

    def __init__(
        self,
        *,
        accounts: AccountService,
        personal_data: PersonalDataService,
        auth: AuthService,
        new_addresses: NewAddresses,
        account_repository: AccountRepository,
        sessions: SessionRepository,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._personal_data = personal_data
        self._auth = auth
        self._new_addresses = new_addresses
        self._account_repository = account_repository
        self._sessions = sessions
        self._clock = clock

    async def change(self, who: PersonIdentity, given: ChangeProfile, client: Client) -> Account:
        """Change the given fields and return the account. A new address takes effect once its mailed link is used.

        Raises PasswordNeeded, LoginFailed, EmailNotSetUp, UsernameTaken, Invalid, TooManyAttempts or TooManyMessages.
        """
        confirm = None
        if given.email is not UNSET or given.username is not UNSET:
            confirm = await self._check_password(who, given.current_password)
        if given.email:
            await self._new_addresses.check(given.email, client)
        return await self._accounts.change_profile(who, given, confirm=confirm)

    async def erase(self, who: PersonIdentity, given: EraseAccount) -> None:
        """Erase the account and everything about its owner. Raises LoginFailed, LastAdmin or TooManyAttempts."""
        confirm = await self._check_password(who, given.current_password)
        await self._personal_data.erase(who.user_id, asker=who, confirm=confirm)

    async def _check_password(self, who: PersonIdentity, given: str | UnsetType) -> Confirm:
        if given is UNSET:
            raise PasswordNeeded
        verified_hash = await self._auth.check_password(who, given)
        return partial(self._confirm, who, verified_hash)

    async def _confirm(self, who: PersonIdentity, verified_hash: str | None) -> None:
        """Raise LoginFailed if the session has ended, or the password no longer has the hash that was verified."""
        same = await self._account_repository.has_password(who.user_id, verified_hash)
        if not (same and await self._sessions.goes_on(who.session_id, who.user_id, now=self._clock.now())):
            raise LoginFailed
