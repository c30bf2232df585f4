"""Registration of new accounts."""

from collections.abc import Callable

from shared.database import Database
from users.accounts.claims import ClaimService
from users.accounts.schemas import Register
from users.accounts.service import AccountService, normalised
from users.auth.attempts import SignInAttempts
from users.auth.errors import RegistrationClosed
from users.auth.own_account import NewAddresses
from users.auth.passwords import Passwords
from users.auth.schemas import Client, Tokens
from users.auth.service import AuthService
from users.auth.settings import Registration


class RegistrationService:
    """Registers and logs in. Like AuthService it opens its own transaction, after the password is hashed."""

    def __init__(
        self,
        *,
        database: Database,
        accounts: Callable[[], AccountService],
        claims: Callable[[], ClaimService],
        passwords: Passwords,
        attempts: SignInAttempts,
        auth: AuthService,
        new_addresses: NewAddresses,
        registration: Registration,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._claims = claims
        self._passwords = passwords
        self._attempts = attempts
        self._auth = auth
        self._new_addresses = new_addresses
        self._registration = registration

    async def register(self, given: Register, client: Client) -> Tokens:
        """Create an account and log in to it. The account gets its address only through the mailed link.

        The answer does not depend on whether another account has the address. Raises RegistrationClosed, UsernameTaken,
        EmailNotSetUp, BadClaimCode, ClaimRefused, Invalid for an invalid address or time zone, TooManyAttempts,
        TooManyMessages, or Unavailable.
        """
        if self._registration is Registration.CLOSED:
            raise RegistrationClosed("Registration is closed; ask the operator for an account.")
        if self._registration is Registration.CODE and given.claim_code is None:
            raise RegistrationClosed("Ask the bot for a code first, and register with it as `claim_code`.")
        await self._attempts.count_registration(client.address)
        profile = normalised(given.profile)
        if profile.email is not None:
            await self._new_addresses.check(profile.email, client)
        password_hash = await self._passwords.hashed(given.password)
        async with self._database.unit_of_work():
            onto = await self._claims().account_of(given.claim_code) if given.claim_code else None
            user_id = await self._accounts().register(profile, password_hash, onto=onto)
        return await self._auth.open_session(user_id, password_hash, client)
