"""Name resolution for connections that may reach only the public internet."""

import socket

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from shared.addresses import AddressRefusedError, is_public


class PublicResolver(AbstractResolver):
    """Resolves names. Raises AddressRefusedError if any address of a name is not public."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        results = await self._resolver.resolve(host, port, family)
        if any(not is_public(result["host"]) for result in results):
            raise AddressRefusedError(f"{host} resolves to an address that is not public")
        return results

    async def close(self) -> None:
        await self._resolver.close()
