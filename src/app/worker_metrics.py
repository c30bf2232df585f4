"""Metrics of a worker over HTTP: a small application in the same event loop as its jobs."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from litestar import Litestar

from app.container import AppContainer
from app.listening import address_of
from shared.di import provide_singleton
from shared.web.health import live
from shared.web.metrics import metrics
from shared.web.problems import EXCEPTION_HANDLERS


class _BesideJobs(uvicorn.Server):
    """uvicorn's server without signal handlers: the worker handles signals, because it must finish its jobs."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(container: AppContainer, listening: socket.socket) -> AsyncIterator[None]:
    """Serve `/metrics` and `/health/live` while the block runs; closes the socket at its end."""
    app = Litestar(
        route_handlers=[live, metrics],
        dependencies={"metrics_page": provide_singleton(container.own_metrics_page)},
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
    )
    server = _BesideJobs(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )
    host = listening.getsockname()[0]
    structlog.get_logger(__name__).info("metrics_listen", address=address_of(listening, host))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await running
