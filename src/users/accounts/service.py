"""The rules about accounts; what other modules may use of them."""

from uuid import UUID

from shared.clock import Clock
from users.accounts.repository import AccountRepository
from users.accounts.schemas import UserData


class AccountService:
    """People as other modules see them."""

    def __init__(self, *, accounts: AccountRepository, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    async def make_admin(self, provider: str, external_id: str) -> UUID:
        """Make the person behind an outside identity an admin, whether they were seen before or not."""
        user_id = await self.from_external(provider, external_id, UserData())
        await self._accounts.make_admin(user_id)
        return user_id

    async def from_external(self, provider: str, external_id: str, data: UserData) -> UUID:
        """The account behind an outside identity, made on first sight; held until the transaction ends."""
        user_id = await self._accounts.upsert_identity(provider, external_id, data, now=self._clock.now())
        await self._accounts.lock(user_id)
        return user_id
