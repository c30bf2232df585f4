"""Limits on attempts to log in, to register and to enter codes.

Attempts are counted per address, so that an address cannot try many accounts; per address and login, so that it cannot
guess one password; and per login over all addresses, so that many addresses cannot guess it together. The last limit is
much higher, so that others cannot easily lock a person out. Logins, registrations and codes of an address have separate
counts, so that registrations do not block logins from the same network. Without Redis no attempt is allowed.
"""

from collections.abc import Mapping
from math import ceil
from typing import Final
from uuid import UUID

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage

from shared.web.callers import network_prefix, rate_limit_headers
from users.auth.errors import TooManyAttempts
from users.auth.settings import AuthSettings
from users.counting import TryCounter

ALL_ADDRESSES: Final = 20
"""The limit of a login over all addresses is this many times its limit per address."""


class _Count:
    """One counter: its limit, its key, and its subject in the error message."""

    __slots__ = ("item", "key", "subject")

    def __init__(self, item: RateLimitItemPerSecond, *key: str, subject: str) -> None:
        self.item = item
        self.key = key
        self.subject = subject


class SignInAttempts:
    """Counts attempts and refuses further ones. Raises TooManyAttempts, or Unavailable without Redis."""

    def __init__(self, storage: RedisStorage, settings: AuthSettings) -> None:
        window = ceil(settings.attempts_window)
        self._counter = TryCounter(storage, what="Attempts")
        self._per_login = RateLimitItemPerSecond(settings.attempts, window)
        self._everywhere = RateLimitItemPerSecond(settings.attempts * ALL_ADDRESSES, window)
        self._address = RateLimitItemPerSecond(settings.attempts_per_address, window)

    async def count_registration(self, address: str) -> Mapping[str, str]:
        """Count a registration. Returns the `RateLimit-*` headers of the answer, as the other methods do."""
        return await self._counted(self._of_address(address, "register"))

    async def count_code(self, address: str) -> Mapping[str, str]:
        """Count a code that a logged-in person enters."""
        return await self._counted(self._of_address(address, "code"))

    async def count_own(self, user_id: UUID) -> Mapping[str, str]:
        """Count a password that a logged-in person enters again."""
        return await self._counted(_Count(self._per_login, "own", str(user_id), subject="your account"))

    async def count_login(self, address: str, *, login: str) -> Mapping[str, str]:
        """Count an attempt to log in."""
        return await self._counted(self._of_address(address, "login"), *self._of_login(address, login))

    async def reset_failures(self, address: str, *, login: str) -> None:
        """Reset the counts of a login that succeeded. The count of the address goes on."""
        for count in self._of_login(address, login):
            await self._counter.clear(count.item, *count.key)

    def _of_address(self, address: str, what: str) -> _Count:
        return _Count(self._address, "address", what, network_prefix(address), subject="your address")

    def _of_login(self, address: str, login: str) -> tuple[_Count, _Count]:
        """Return both counters of a login, the narrower last, because the headers show its state.

        They count by login, not by account: a shared count of a username and an e-mail address would reveal that both
        belong to the same account.
        """
        return (
            _Count(self._everywhere, "everywhere", login, subject="this login"),
            _Count(self._per_login, "login", network_prefix(address), login, subject="this login"),
        )

    async def _counted(self, *counts: _Count) -> Mapping[str, str]:
        """Count an attempt. Returns the headers of the last counter; raises TooManyAttempts at the first full one."""
        headers: Mapping[str, str] = {}
        for count in counts:
            counted = await self._counter.hit(count.item, *count.key)
            headers = rate_limit_headers(count.item.amount, counted.remaining, counted.wait)
            if not counted.allowed:
                raise TooManyAttempts(
                    f"Too many attempts from or for {count.subject}; wait {ceil(counted.wait)} seconds.",
                    retry_after=counted.wait,
                    headers=headers,
                )
        return headers
