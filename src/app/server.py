"""The API server: uvicorn on uvloop, one process."""

import gc
import os
import socket
from pathlib import Path
from typing import Final

import structlog
import uvicorn

from app.api import asgi, create_app
from app.http_protocol import BoundedHttpProtocol
from app.listening import address_of, bound
from app.runtime import Runtime
from shared.outbox.streams import EventStreams

BACKLOG: Final = 2048


class ApiServer(uvicorn.Server):
    """uvicorn's server, which ends event streams at shutdown: they would not end by themselves."""

    def __init__(self, config: uvicorn.Config, *, streams: EventStreams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.end()
        await super().shutdown(sockets)


def serve(runtime: Runtime, *, announce: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT. `announce` is a file to which the address is written when the server listens.

    Raises CannotListenError if the address cannot be used.
    """
    settings = runtime.settings
    listening = bound(settings.host, settings.port)
    listening.listen(BACKLOG)
    address = address_of(listening, settings.host)
    container = runtime.container("trackers-api")
    app = asgi(create_app(container), container)
    server = ApiServer(
        uvicorn.Config(
            app,
            http=BoundedHttpProtocol,
            ws="none",
            limit_concurrency=container.web_settings().max_connections,
            log_config=None,
            access_log=False,
            lifespan="on",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
        ),
        streams=container.events.streams(),
    )
    settle_memory()
    structlog.get_logger(__name__).info("api_listens", address=address)
    if announce is not None:
        written = announce.with_name(f"{announce.name}.{os.getpid()}")
        try:
            written.write_text(address)
            written.replace(announce)
        except OSError as error:  # the server works without the file
            written.unlink(missing_ok=True)
            structlog.get_logger(__name__).warning("address_not_written", file=str(announce), error=str(error))
    server.run(sockets=[listening])


def settle_memory() -> None:
    """Exclude all objects of the start from garbage collection, because they are never freed (p99 42 -> 10 ms)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
