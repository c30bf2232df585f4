"""Codes that prove that a channel reaches its owner, and how often they may be typed in."""

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
"""Codes typed in, a channel: of 40 random bits nobody guesses one."""


class VerificationCodes:
    """Makes codes and knows them again."""

    def __init__(self, secret: InstallationSecret) -> None:
        self._secret = secret

    def make(self, channel_id: UUID) -> tuple[str, bytes]:
        """A code as it is sent, and what is kept of it."""
        code = new_code()
        return shown(code), self._secret.digest(_content(channel_id, code))

    def fits(self, channel_id: UUID, code: str, digest: bytes) -> bool:
        """Whether it is the code that was meant."""
        return position_of(digest, self._secret.digests(_content(channel_id, meant(code)))) is not None


class AttemptLimiter:
    """Counts in Redis, over all processes. While that is away, nobody can try."""

    def __init__(self, storage: RedisStorage) -> None:
        self._counter = TryCounter(storage, what="AttemptLimiter")

    async def entered(self, channel_id: UUID) -> None:
        """Note that a code was typed in. Raises TooManyTries or Unavailable."""
        counted = await self._counter.hit(TYPED, "channel-typed", str(channel_id))
        if not counted.allowed:
            wait = ceil(counted.wait)
            raise TooManyAttempts(f"Too many codes were typed in; wait {wait} seconds.", retry_after=wait)


def _content(channel_id: UUID, code: str) -> bytes:
    return f"channel code {channel_id} {code}".encode()
