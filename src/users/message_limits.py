"""Limits on messages to addresses that somebody entered: codes, tests, confirmations, notices.

Messages are counted per network of the asker, per account or guild, per host of a webhook and per mailbox. A request
that an earlier count refuses does not use up the later ones, so a caller over its own limit cannot block a mailbox.
"""

from math import ceil
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from msgspec import Struct

from shared.errors import TooManyRequests
from shared.installation_secret import InstallationSecret
from shared.web.callers import network_prefix
from shared.web.identity import BotIdentity, Identity
from users.counting import TryCounter

HOUR: Final = 3600
DAY: Final = 86_400
PER_OWNER: Final = RateLimitItemPerSecond(20, HOUR)
DAY_FACTOR: Final = 3
"""The limit of a mailbox per day is this many times its limit per hour."""
BOT_FACTOR: Final = 10
"""The limit of a bot's key is this many times the limit of a network, because the bot asks for all of its guilds."""
_IGNORE_DOTS: Final = frozenset({"gmail.com", "googlemail.com"})


class TooManyMessages(TooManyRequests):
    code = "too_many_messages"
    title = "Too many messages"


class MessageSettings(Struct, frozen=True, kw_only=True):
    """Limits in messages per hour."""

    per_mailbox: int
    per_host: int
    per_address: int


class MessageAddress(Struct, frozen=True, kw_only=True):
    """Recipient of a message, as the limits count it."""

    address: str
    """In one spelling (`mailbox` of an e-mail address), so that all spellings share one count."""
    host: str = ""
    """Host of a webhook; empty for other recipients."""


class MessageLimits:
    """Counts messages in Redis, over all processes. Raises TooManyMessages, or Unavailable without Redis."""

    def __init__(self, storage: RedisStorage, settings: MessageSettings, *, secret: InstallationSecret) -> None:
        self._counter = TryCounter(storage, what="Messages")
        self._secret = secret
        self._network = RateLimitItemPerSecond(settings.per_address, HOUR)
        self._bot = RateLimitItemPerSecond(settings.per_address * BOT_FACTOR, HOUR)
        self._host = RateLimitItemPerSecond(settings.per_host, HOUR)
        self._mailbox = (
            RateLimitItemPerSecond(settings.per_mailbox, HOUR),
            RateLimitItemPerSecond(settings.per_mailbox * DAY_FACTOR, DAY),
        )

    async def count(
        self, recipient: MessageAddress, *, address: str, asker: Identity | None = None, owner: str | None = None
    ) -> None:
        """Count one message that `asker` at `address` requests, for an account or guild (`owner`) if there is one."""
        if isinstance(asker, BotIdentity):
            await self._hit(self._bot, "bot", str(asker.key_id), scope="with this key")
        else:
            await self._hit(self._network, "network", network_prefix(address), scope="from your address")
        if owner is not None:
            await self._hit(PER_OWNER, "owner", owner, scope="for this account or guild")
        if recipient.host:
            await self._hit(self._host, "host", self._digest(recipient.host), scope="to this host")
        for item in self._mailbox:
            await self._hit(item, "mailbox", self._digest(recipient.address), scope="to this address")

    async def _hit(self, item: RateLimitItemPerSecond, kind: str, key: str, *, scope: str) -> None:
        counted = await self._counter.hit(item, f"message-{kind}", key)
        if not counted.allowed:
            wait = ceil(counted.wait)
            raise TooManyMessages(f"Too many messages were requested {scope}; wait {wait} seconds.", retry_after=wait)

    def _digest(self, text: str) -> str:
        """Digest of an address, because Redis stores none in plain text. A new installation secret resets counts."""
        return self._secret.digest(f"message to {text}".encode()).hex()


def mailbox(address: str) -> str:
    """Return the mailbox behind an e-mail address: lower case, no tag (`ada+tag@`), no dots that are ignored.

    Only for counting: two mailboxes of a small mail server may count as one.
    """
    local, _, domain = address.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _IGNORE_DOTS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"
