"""Claim codes: a code from the bot links a Discord user to the account that enters the code.

A code has 40 random bits, expires after 15 minutes and works once. Attempts are counted per address.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.installation_secret import InstallationSecret
from shared.web.identity import BotIdentity, PersonIdentity, Role
from users.access import AccessPolicy
from users.accounts.errors import AccountDeactivated, AccountNotFound, BadClaimCode, ClaimRefused
from users.accounts.repository import AccountRepository, LockedAccount
from users.accounts.schemas import DISCORD, Account, AskForClaimCode, ClaimCodeMade
from users.accounts.service import AccountService
from users.codes import meant, new_code, shown
from users.personal_data import PersonalData

GOOD_FOR: Final = timedelta(minutes=15)


class ClaimAttempts(Protocol):
    """Counts attempts of an address (users.auth.attempts)."""

    async def count_code(self, address: str) -> Mapping[str, str]:
        """Count an attempt. Raises a Problem after too many attempts from the address."""


class ClaimService:
    """Issues and redeems claim codes."""

    def __init__(
        self,
        *,
        accounts: AccountRepository,
        people: AccountService,
        personal_data_providers: Sequence[PersonalData],
        access: AccessPolicy,
        attempts: ClaimAttempts,
        activity: ActivityLog,
        clock: Clock,
        secret: InstallationSecret,
    ) -> None:
        self._accounts = accounts
        self._people = people
        self._personal_data_providers = personal_data_providers
        self._access = access
        self._attempts = attempts
        self._activity = activity
        self._clock = clock
        self._secret = secret

    async def issue(self, bot: BotIdentity, request: AskForClaimCode) -> ClaimCodeMade:
        """Issue a code for the person who asked the bot for it.

        Raises AccountDeactivated, or Forbidden if the bot's key does not cover the person.
        """
        user_id = await self._people.from_external(DISCORD, request.user_id, request.user_data, by=bot)
        await self._access.check_write(bot, user_id)
        code = new_code()
        expires_at = self._clock.now() + GOOD_FOR
        await self._accounts.put_claim_code(
            DISCORD, request.user_id, self._secret.digest(_content(code)), expires_at=expires_at
        )
        await self._activity.record(
            "user.claim_code_issued", subject="user", subject_id=user_id, user_id=user_id, actor=bot
        )
        return ClaimCodeMade(code=shown(code), expires_at=expires_at)

    async def account_of(self, code: str) -> UUID:
        """Redeem a code for a new login. Returns the account behind the code, which has no login yet.

        Raises BadClaimCode, ClaimRefused or AccountDeactivated.
        """
        user_id, locked = await self._redeemed(code)
        if locked[user_id].deactivated:
            raise AccountDeactivated
        if locked[user_id].has_password or locked[user_id].role is Role.ADMIN:
            raise ClaimRefused("This identity already has a login; log in with that one.")
        return user_id

    async def claim(self, who: PersonIdentity, code: str, *, address: str) -> Account:
        """Redeem a code for an existing account, which gets the identity and everything that was followed for it.

        Raises BadClaimCode, ClaimRefused or TooManyAttempts.
        """
        await self._attempts.count_code(address)
        user_id, locked = await self._redeemed(code, who.user_id)
        if who.user_id not in locked:
            raise AccountNotFound
        if user_id == who.user_id:
            return await self._accounts.account(user_id)
        identity = locked[user_id]
        if identity.has_password or identity.deactivated or identity.role is Role.ADMIN:
            raise ClaimRefused(
                "This identity belongs to another account that cannot be merged into yours; "
                "log in there and unlink it, or keep using that account."
            )
        for provider in self._personal_data_providers:
            await provider.hand_over(user_id, to=who.user_id)
        await self._accounts.move_identities(user_id, to=who.user_id)
        await self._accounts.delete(user_id)
        await self._activity.record(
            "user.identity_linked",
            subject="user",
            subject_id=who.user_id,
            user_id=who.user_id,
            actor=who,
            details={"provider": DISCORD, "merged": str(user_id)},
        )
        return await self._accounts.account(who.user_id)

    async def _redeemed(self, code: str, *others: UUID) -> tuple[UUID, dict[UUID, LockedAccount]]:
        """Redeem a code. Returns the user behind its identity, and the locked accounts of this user and `others`.

        Raises BadClaimCode.
        """
        digests, now = self._secret.digests(_content(code)), self._clock.now()
        user_id = await self._accounts.claimable(digests, now=now)
        if user_id is None:
            raise BadClaimCode
        locked = await self._accounts.lock(user_id, *others)
        if user_id not in locked or await self._accounts.redeem(digests, now=now) != user_id:
            raise BadClaimCode  # used, or its identity moved, during the wait for the lock
        return user_id, locked


def _content(code: str) -> bytes:
    return f"claim code {meant(code)}".encode()
