"""Codes that prove that a channel reaches its owner, and the limit on attempts to enter one."""

from datetime import timedelta
from math import ceil
from typing import Final
from uuid import UUID

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage

from shared.installation_secret import InstallationSecret, position_of
from users.codes import meant, new_code, shown
from users.counting import TryCounter
from users.notifications.errors import TooManyAttempts

GOOD_FOR: Final = timedelta(minutes=30)
TYPED: Final = RateLimitItemPerSecond(10, 900)
"""10 attempts per channel in 15 minutes: too few to guess a code of 40 random bits."""


class VerificationCodes:
    """Makes and checks codes."""

    def __init__(self, secret: InstallationSecret) -> None:
        self._secret = secret

    def make(self, channel_id: UUID) -> tuple[str, bytes]:
        """Return a new code to send, and its digest to store."""
        code = new_code()
        return shown(code), self._secret.digest(_content(channel_id, code))

    def fits(self, channel_id: UUID, code: str, digest: bytes) -> bool:
        """True if a code that was entered matches the stored digest."""
        return position_of(digest, self._secret.digests(_content(channel_id, meant(code)))) is not None


class AttemptLimiter:
    """Counts attempts in Redis, over all processes; without Redis every attempt is refused."""

    def __init__(self, storage: RedisStorage) -> None:
        self._counter = TryCounter(storage, what="AttemptLimiter")

    async def entered(self, channel_id: UUID) -> None:
        """Count an attempt to enter a code. Raises TooManyAttempts or Unavailable."""
        counted = await self._counter.hit(TYPED, "channel-typed", str(channel_id))
        if not counted.allowed:
            wait = ceil(counted.wait)
            raise TooManyAttempts(f"Too many codes were entered; wait {wait} seconds.", retry_after=wait)


def _content(channel_id: UUID, code: str) -> bytes:
    return f"channel code {channel_id} {code}".encode()
