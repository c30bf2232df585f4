"""APIs with manners of their own, side by side on the same servers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
from tests.application import application, transport
from tests.conftest import container_of

from app.container import AppContainer, running_app


@dataclass
class Opened:
    """An API in this process, and the client that asks it as a bot."""

    container: AppContainer
    http: httpx.AsyncClient


OpenApi = Callable[..., Awaitable[Opened]]


@pytest.fixture
async def open_api(environ: dict[str, str], bot_key: str) -> AsyncIterator[OpenApi]:
    """`await open_api(TRACKERS_X="...")` gives another process's API; `client` is the address it is asked from."""
    async with AsyncExitStack() as stack:

        async def opened(*, client: str = "192.0.2.1", base_url: str = "http://test", **settings: str) -> Opened:
            container = await stack.enter_async_context(running_app(container_of({**environ, **settings})))
            asked = transport(application(container), client=client)
            headers = {"Authorization": f"Bearer {bot_key}", "Accept-Encoding": "identity"}
            http = httpx.AsyncClient(transport=asked, base_url=base_url, headers=headers)
            return Opened(container, await stack.enter_async_context(http))

        yield opened
