"""Linking: who a bot knows proves to be who logs in, by a code that the bot hands over.

A code has 40 random bits, lives a quarter of an hour and works once; attempts are counted per address.
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
        """Raises a Problem where the address has made too many."""


class ClaimService:
    """Gives codes out and redeems them."""

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

    async def issue(self, bot: BotIdentity, asked: AskForClaimCode) -> ClaimCodeMade:
        """A code for the person who asked the bot for it. Raises AccountDeactivated, or Forbidden for the bot."""
        user_id = await self._people.from_external(DISCORD, asked.user_id, asked.user_data, by=bot)
        await self._access.check_write(bot, user_id)
        code = new_code()
        expires_at = self._clock.now() + GOOD_FOR
        await self._accounts.put_claim_code(
            DISCORD, asked.user_id, self._secret.digest(_content(code)), expires_at=expires_at
        )
        await self._activity.record(
            "user.claim_code_issued", subject="user", subject_id=user_id, user_id=user_id, actor=bot
        )
        return ClaimCodeMade(code=shown(code), expires_at=expires_at)

    async def account_of(self, code: str) -> UUID:
        """Use a code up for a new login: the account behind it, which nobody logs in to yet.

        Raises BadClaimCode, ClaimRefused or AccountDeactivated.
        """
        user_id, locked = await self._redeemed(code)
        if locked[user_id].deactivated:
            raise AccountDeactivated
        if locked[user_id].has_password or locked[user_id].role is Role.ADMIN:
            raise ClaimRefused("There is a login for this identity already; log in with that one.")
        return user_id

    async def claim(self, who: PersonIdentity, code: str, *, address: str) -> Account:
        """Use a code up for an account that exists: the identity, and all that was followed for it, becomes its own.

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
                "This identity belongs to another account that is more than the bot's; "
                "log in there and unlink it, or go on with that account."
            )
        for holder in self._personal_data_providers:
            await holder.hand_over(user_id, to=who.user_id)
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
        """The user behind the identity that a code stands for, held with `others`; the code is used up.

        Raises BadClaimCode.
        """
        digests, now = self._secret.digests(_content(code)), self._clock.now()
        user_id = await self._accounts.claimable(digests, now=now)
        if user_id is None:
            raise BadClaimCode
        locked = await self._accounts.lock(user_id, *others)
        if user_id not in locked or await self._accounts.redeem(digests, now=now) != user_id:
            raise BadClaimCode  # somebody else used it, or moved the identity, while we waited
        return user_id, locked


def _content(code: str) -> bytes:
    return f"claim code {meant(code)}".encode()
