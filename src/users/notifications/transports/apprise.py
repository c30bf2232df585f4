"""Push services, through the library Apprise.

Apprise makes blocking requests, so it gets a few threads of its own; it follows no redirects. The services allowed by
default have fixed public hosts. If an operator allows a service whose addresses name a host, that host is resolved and
checked before each message. Apprise resolves it again, and the owner of the name could answer differently then
(decision 0010).
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

from shared.addresses import is_public
from users.notifications.outbound_messages import OutboundMessage, SendFailed, code_message
from users.notifications.schemas import ChannelAddress

FIXED: Final = frozenset({"pbul", "pover", "slack", "tgram"})
"""Services whose addresses name no host."""
THREADS: Final = 4


class AppriseTransport:
    """Sends text through Apprise."""

    def __init__(self, *, timeout: float, allow_private: bool) -> None:
        self._timeout = timeout
        self._allow_private = allow_private
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")

    async def send(self, target: ChannelAddress, outbound: OutboundMessage) -> None:
        await self._notify(target.address, outbound.title, outbound.text)

    async def challenge(self, target: ChannelAddress, code: str) -> bool:
        await self._notify(target.address, *code_message(code))
        return False

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _notify(self, address: str, title: str, text: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout + 1):  # Apprise's own time-outs come first
                if not await loop.run_in_executor(self._threads, self._notify_blocking, address, title, text):
                    raise SendFailed("the service did not accept the message")
        except TimeoutError as error:
            raise SendFailed(f"no answer within {self._timeout:g} s") from error

    def _notify_blocking(self, address: str, title: str, text: str) -> bool:
        from apprise import Apprise, AppriseAsset, NotifyFormat  # noqa: PLC0415 -- half a second that only Apprise channels need

        if not self._allow_private and address.partition("://")[0] not in FIXED:
            _refuse_private(urlsplit(address).hostname or "")
        asset = AppriseAsset(http_redirects=False, secure_logging=True, async_mode=False)
        service = Apprise.instantiate(address, asset=asset)
        if service is None:
            raise SendFailed("Apprise does not support this address", for_good=True)
        service.socket_connect_timeout = service.socket_read_timeout = self._timeout / 2
        return bool(service.notify(title=title, body=text, body_format=NotifyFormat.TEXT))


def _refuse_private(host: str) -> None:
    """Raise SendFailed if a host has an address that is not public.

    A host that cannot be resolved is allowed: it leads nowhere (with ntfy it may be a topic).
    """
    try:
        addresses = socket.getaddrinfo(host, None)
    except OSError:
        return
    if not all(is_public(str(address[0])) for *_, address in addresses):
        raise SendFailed("refused by us: its address is not a public one")
