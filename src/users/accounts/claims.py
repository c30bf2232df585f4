"""Linking: who a bot knows proves to be who logs in, by a code that the bot hands over.

A code has 40 random bits, lives a quarter of an hour and works once; attempts are counted per address.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.settings import Secret
from shared.web.identity import BotIdentity, PersonIdentity, Role
from users.access import AccessPolicy
from users.accounts.errors import AccountDeactivated, BadClaimCode, ClaimRefused
from users.accounts.repository import AccountRepository
from users.accounts.schemas import DISCORD, Account, AskForClaimCode, ClaimCodeMade
from users.accounts.service import AccountService
from users.auth.attempts import Attempts
from users.personal_data import PersonalData

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: without letters that look like digits."""
LENGTH: Final = 8
GOOD_FOR: Final = timedelta(minutes=15)


class ClaimService:
    """Gives codes out and redeems them."""

    def __init__(
        self,
        *,
        accounts: AccountRepository,
        people: AccountService,
        holders: Sequence[PersonalData],
        access: AccessPolicy,
        attempts: Attempts,
        activity: ActivityLog,
        clock: Clock,
        secret: Secret,
    ) -> None:
        self._accounts = accounts
        self._people = people
        self._holders = holders
        self._access = access
        self._attempts = attempts
        self._activity = activity
        self._clock = clock
        self._secret = secret

    async def issue(self, bot: BotIdentity, asked: AskForClaimCode) -> ClaimCodeMade:
        """A code for the person who asked the bot for it. Raises AccountDeactivated, or Forbidden for the bot."""
        user_id = await self._people.from_external(DISCORD, asked.user_id, asked.user_data)
        await self._access.check_write(bot, user_id)
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        expires_at = self._clock.now() + GOOD_FOR
        await self._accounts.put_claim_code(DISCORD, asked.user_id, self._digest(code), expires_at=expires_at)
        await self._activity.record(
            "user.claim_code_issued", subject="user", subject_id=user_id, user_id=user_id, actor=bot
        )
        return ClaimCodeMade(code=f"{code[:4]}-{code[4:]}", expires_at=expires_at)

    async def account_of(self, code: str) -> UUID:
        """Use a code up for a new login: the account behind it, which nobody logs in to yet.

        Raises BadClaimCode, ClaimRefused or AccountDeactivated.
        """
        user_id = await self._redeemed(code)
        held = (await self._accounts.lock(user_id)).get(user_id)
        if held is None:
            raise BadClaimCode
        if held.deactivated:
            raise AccountDeactivated
        if held.has_password:
            raise ClaimRefused("There is a login for this identity already; log in with that one.")
        return user_id

    async def claim(self, who: PersonIdentity, code: str, *, address: str) -> Account:
        """Use a code up for an account that exists: the identity, and all that was followed for it, becomes its own.

        Raises BadClaimCode, ClaimRefused or TooManyAttempts.
        """
        await self._attempts.count(address)
        user_id = await self._redeemed(code)
        if user_id == who.user_id:
            return await self._accounts.account(user_id)
        held = (await self._accounts.lock(user_id, who.user_id)).get(user_id)
        if held is None:
            raise BadClaimCode
        if held.has_password or held.deactivated or held.role is Role.ADMIN:
            raise ClaimRefused(
                "This identity belongs to another account that is more than the bot's; "
                "log in there and unlink it, or go on with that account."
            )
        for holder in self._holders:
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

    async def _redeemed(self, code: str) -> UUID:
        """The user behind the identity that a code stands for. Raises BadClaimCode."""
        identity = await self._accounts.redeem(self._digest(code), now=self._clock.now())
        user_id = await self._accounts.user_of(*identity) if identity else None
        if user_id is None:
            raise BadClaimCode
        return user_id

    def _digest(self, code: str) -> bytes:
        """Of the code as meant: without dash or case, with the letters that were read as digits."""
        meant = code.upper().replace("-", "").replace(" ", "").translate(str.maketrans("OIL", "011"))
        return hmac.digest(self._secret.reveal().encode(), f"claim code {meant}".encode(), hashlib.sha256)
