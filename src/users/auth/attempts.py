"""How often somebody may try to prove who they are.

Counted per address, so that many accounts are not tried; per address and login, so that one is not guessed; and per
login over all addresses, much higher, so that many addresses do not guess it either, and yet nobody is easily locked
out by others. Logins, registrations and codes of an address are counted apart, so that registrations do not lock the
sign-in of their network. While Redis is away nobody can try.
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
"""Times as many attempts as from one address, a login allows from all of them."""


class _Count:
    """One thing that is counted."""

    __slots__ = ("item", "key", "whose")

    def __init__(self, item: RateLimitItemPerSecond, *key: str, whose: str) -> None:
        self.item = item
        self.key = key
        self.whose = whose


class SignInAttempts:
    """Counts attempts and refuses further ones; raises TooManyAttempts, or Unavailable where it cannot count."""

    def __init__(self, storage: RedisStorage, settings: AuthSettings) -> None:
        window = ceil(settings.attempts_window)
        self._counter = TryCounter(storage, what="SignInAttempts")
        self._one = RateLimitItemPerSecond(settings.attempts, window)
        self._everywhere = RateLimitItemPerSecond(settings.attempts * ALL_ADDRESSES, window)
        self._address = RateLimitItemPerSecond(settings.attempts_per_address, window)

    async def count_registration(self, address: str) -> Mapping[str, str]:
        """Somebody registers; the `RateLimit-*` headers of the answer."""
        return await self._counted(self._of_address(address, "register"))

    async def count_code(self, address: str) -> Mapping[str, str]:
        """Somebody who is logged in types a code in."""
        return await self._counted(self._of_address(address, "code"))

    async def count_own(self, user_id: UUID) -> Mapping[str, str]:
        """Somebody who is logged in proves it again."""
        return await self._counted(_Count(self._one, "own", str(user_id), whose="your account"))

    async def count_login(self, address: str, *, login: str) -> Mapping[str, str]:
        """Somebody tries to log in."""
        return await self._counted(self._of_address(address, "login"), *self._of_login(address, login))

    async def reset_failures(self, address: str, *, login: str) -> None:
        """A login that succeeded ends its counts; that of the address goes on."""
        for count in self._of_login(address, login):
            await self._counter.clear(count.item, *count.key)

    def _of_address(self, address: str, what: str) -> _Count:
        return _Count(self._address, "address", what, network_prefix(address), whose="your address")

    def _of_login(self, address: str, login: str) -> tuple[_Count, _Count]:
        """The narrower one last: its state is what the headers tell.

        By login, not by account: a common count of a username and an e-mail address would tell that both are one's.
        """
        return (
            _Count(self._everywhere, "everywhere", login, whose="this login"),
            _Count(self._one, "login", network_prefix(address), login, whose="this login"),
        )

    async def _counted(self, *counts: _Count) -> Mapping[str, str]:
        """The headers of the last; raises TooManyAttempts at the first that allows no more."""
        headers: Mapping[str, str] = {}
        for count in counts:
            counted = await self._counter.hit(count.item, *count.key)
            headers = rate_limit_headers(count.item.amount, counted.remaining, counted.wait)
            if not counted.allowed:
                raise TooManyAttempts(
                    f"Too many attempts from or for {count.whose}; wait {ceil(counted.wait)} seconds.",
                    retry_after=counted.wait,
                    headers=headers,
                )
        return headers
