"""Looks names up for connections that may reach nothing but the public internet."""

import socket

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from shared.addresses import AddressRefusedError, is_public


class PublicResolver(AbstractResolver):
    """Looks names up and refuses the answer when any address in it is not public."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if any(not is_public(result["host"]) for result in found):
            raise AddressRefusedError(f"{host} points to an address that is not public")
        return found

    async def close(self) -> None:
        await self._resolver.close()
