"""How a floor is served: with the settings of app/server.py, on a port of its own, until stdin closes."""

import socket
import sys
import threading
from typing import Any

import uvicorn

from app.server import settle_memory


def serve(app: Any) -> None:
    """Announces its port as a line on stdout once it listens."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="on", server_header=False, timeout_graceful_shutdown=10
        )
    )
    threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
    settle_memory()
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listening])


def _stop_with_stdin(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True
