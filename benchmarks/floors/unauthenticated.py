"""Floor of `auth_read`: the product's API, where reading a tracker takes no token and everybody is one known person.

Same container, middleware, log line and handlers; all that is gone is the check. The rest goes by who asks, so the
answer is the same.
"""

import sys
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Send

from app.api import asgi, create_app
from app.runtime import runtime
from benchmarks.floors.serving import serve
from shared.logging import configure
from shared.web.guards import OPEN
from shared.web.identity import PersonIdentity

OPENED: Final = "get_tracker"


class Known:
    """Says of every request who it comes from."""

    def __init__(self, app: ASGIApp, who: PersonIdentity) -> None:
        self._app = app
        self._who = who

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["auth"] = self._who
            scope["state"]["who"] = self._who.label
        await self._app(scope, receive, send)


def opened(app: Litestar, operation_id: str) -> Litestar:
    """The application, one of its operations taken from the check. Raises LookupError where there is none."""
    handlers: list[Any] = [handler for route in app.routes for handler in getattr(route, "route_handlers", ())]
    found = [handler for handler in handlers if getattr(handler, "operation_id", None) == operation_id]
    if not found:
        raise LookupError(operation_id)
    for handler in found:
        handler.opt.update(OPEN)
    return app


if __name__ == "__main__":
    identity = msgspec.json.decode(sys.argv[1], type=PersonIdentity)
    with runtime() as made:
        configure(level=made.settings.log_level, form=made.settings.log_format)
        container = made.container("trackers-api")
        serve(Known(asgi(opened(create_app(container), OPENED), container), identity))
