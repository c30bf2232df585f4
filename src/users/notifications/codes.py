"""Codes that prove that a channel reaches its owner, and how often they may be asked for and typed in."""

import hashlib
import hmac
from datetime import timedelta
from math import ceil
from typing import Final
from uuid import UUID

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage

from shared.settings import Secret
from users.codes import meant, new_code, shown
from users.counting import TryCounter
from users.notifications.errors import TooManyTries
from users.notifications.schemas import Owner

GOOD_FOR: Final = timedelta(minutes=30)
TYPED: Final = RateLimitItemPerSecond(10, 900)
"""Codes typed in, a channel: of 40 random bits nobody guesses one."""
SENT: Final = RateLimitItemPerSecond(20, 3600)
"""Challenges and test messages, an owner: nobody's mailbox is flooded through us."""


class Codes:
    """Makes codes and knows them again."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def make(self, channel_id: UUID) -> tuple[str, bytes]:
        """A code as it is sent, and what is kept of it."""
        code = new_code()
        return shown(code), self._digest(channel_id, code)

    def fits(self, channel_id: UUID, code: str, digest: bytes) -> bool:
        """Whether it is the code that was meant."""
        return hmac.compare_digest(self._digest(channel_id, meant(code)), digest)

    def _digest(self, channel_id: UUID, code: str) -> bytes:
        text = f"channel code {channel_id} {code}"
        return hmac.digest(self._secret.reveal().encode(), text.encode(), hashlib.sha256)


class Tries:
    """Counts in Redis, over all processes. While that is away, nobody can try."""

    def __init__(self, storage: RedisStorage) -> None:
        self._counter = TryCounter(storage, what="Tries")

    async def typed(self, channel_id: UUID) -> None:
        """Note that a code was typed in. Raises TooManyTries or Unavailable."""
        await self._count(TYPED, "channel-typed", str(channel_id), "Too many codes were typed in")

    async def sent(self, owner: Owner) -> None:
        """Note that something was sent because its owner asked for it. Raises TooManyTries or Unavailable."""
        await self._count(
            SENT, "channel-sent", str(owner.user_id or owner.guild_id), "Too many messages were asked for"
        )

    async def _count(self, item: RateLimitItemPerSecond, kind: str, who: str, what: str) -> None:
        counted = await self._counter.hit(item, kind, who)
        if not counted.allowed:
            wait = ceil(counted.wait)
            raise TooManyTries(f"{what}; wait {wait} seconds.", retry_after=wait)
