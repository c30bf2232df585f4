"""The HTTP application: audiences mounted once with their guards, modules plugged in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Controller, Litestar, Router
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, ScalarRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from app.container import AppContainer, running_app
from app.modules import MODULES
from shared.di import provide_session, provide_singleton
from shared.module import Audience
from shared.scraping.controllers import InternalTaskController, TaskController
from shared.web.guards import Authenticator, BotAuthentication, nobody
from shared.web.health import live, ready
from shared.web.problems import EXCEPTION_HANDLERS
from shared.web.request_log import RequestLog

BODY_LIMIT = 1_048_576
"""Bytes of a request's body."""


def create_app(container: AppContainer) -> Litestar:
    """The application over one container; `asgi` adds the request log around it."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with running_app(container):
            yield

    def mounted(audience: Audience) -> list[type[Controller]]:
        return [controller for module in MODULES for controller in module.controllers.get(audience, ())]

    def authenticator() -> Authenticator:
        """A function, not the provider: Litestar copies a middleware's arguments deeply, with a provider the graph."""
        built: Authenticator = container.users.authenticator()
        return built

    public = Router(path="/api", route_handlers=[TaskController, *mounted(Audience.PUBLIC)])
    admin = Router(path="/api/admin", route_handlers=[*mounted(Audience.ADMIN)], guards=[nobody])
    internal = Router(
        path="/internal",
        route_handlers=[InternalTaskController, *mounted(Audience.INTERNAL)],
        middleware=[DefineMiddleware(BotAuthentication, authenticator=authenticator)],
        security=[{"bot_key": []}],
    )
    dependencies: dict[str, Any] = {
        "session": provide_session(container.database),
        "task_board": provide_singleton(container.task_board),
        "health_checks": provide_singleton(container.health_checks),
    }
    for module in MODULES:
        if module.dependencies is not None:
            dependencies |= module.dependencies(getattr(container, module.name), container.database)
    return Litestar(
        route_handlers=[live, ready, public, admin, internal],
        dependencies=dependencies,
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[lifespan],
        request_max_body_size=BODY_LIMIT,
        openapi_config=OpenAPIConfig(
            title="Trackers",
            version="1",
            description="Follows things on other people's sites for a community, and tells people when they change.",
            path="/schema",
            render_plugins=[JsonRenderPlugin(), YamlRenderPlugin(), ScalarRenderPlugin()],
            components=Components(
                security_schemes={
                    "bot_key": SecurityScheme(
                        type="http", scheme="bearer", description="A bot's key: trk_... (`trackers keys create`)."
                    )
                }
            ),
        ),
        logging_config=None,
        debug=False,
    )


def asgi(app: Litestar) -> ASGIApp:
    """The application as a server runs it."""
    return RequestLog(app)
