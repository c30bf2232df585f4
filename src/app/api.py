"""The HTTP application: the routers of the audiences with their middleware, and the controllers of all modules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Self

from litestar import Controller, Litestar, Router
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, ScalarRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from app.container import AppContainer, running_app
from app.modules import MODULES
from shared.audit.controllers import AuditController
from shared.audit.trail import AuditTrail
from shared.di import provide, provide_session, provide_singleton
from shared.module import Audience, Module
from shared.moments import is_moment, read_moment
from shared.scraping.controllers import BlockController, InternalTaskController, SourceController, TaskController
from shared.web.bodies import StrictRequest
from shared.web.constraints import ConstrainedStructs
from shared.web.guards import AccessTokenVerifier, BotAuthentication, BotKeyVerifier, PersonAuthentication
from shared.web.health import live, ready
from shared.web.idempotency import Idempotency, IdempotencyKeys
from shared.web.limits import RateLimiter, RateLimiting, RefusalLimiting
from shared.web.metrics import metrics
from shared.web.openapi import PROBLEM, describe
from shared.web.problems import EXCEPTION_HANDLERS
from shared.web.proxies import TrustedProxies
from shared.web.request_log import RequestLog
from shared.web.response_headers import ResponseHeaders
from shared.web.settings import WebSettings


class Mount(Router):
    """A router that is not copied, because it is registered only once; the copy would take a fifth of `create_app`."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def create_app(container: AppContainer) -> Litestar:
    """Build the application on a container; `asgi` adds the audit trail and the request log."""
    settings: WebSettings = container.web_settings()

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with running_app(container):
            yield

    def mounted(audience: Audience) -> list[type[Controller]]:
        return [
            _with_dependencies(controller, module, container)
            for module in MODULES
            for controller in module.controllers.get(audience, ())
        ]

    # Functions, not providers: Litestar copies arguments of middleware deeply, and a provider would copy the container.
    def bots() -> BotKeyVerifier:
        built: BotKeyVerifier = container.users.bot_authenticator()
        return built

    def people() -> AccessTokenVerifier:
        built: AccessTokenVerifier = container.users.person_authenticator()
        return built

    def limiter() -> RateLimiter:
        built: RateLimiter = container.rate_limiter()
        return built

    def idempotency_keys() -> IdempotencyKeys:
        built: IdempotencyKeys = container.idempotency_keys()
        return built

    def limited(authentication: DefineMiddleware) -> list[DefineMiddleware]:
        return [
            DefineMiddleware(RefusalLimiting, limiter=limiter),
            authentication,
            DefineMiddleware(RateLimiting, limiter=limiter),
        ]

    public = Mount(
        path="/api",
        route_handlers=[TaskController, *mounted(Audience.PUBLIC)],
        middleware=[*limited(DefineMiddleware(PersonAuthentication, authenticator=people))],
        security=[{"access_token": []}],
    )
    admin = Mount(
        path="/api/admin",
        route_handlers=[AuditController, SourceController, BlockController, *mounted(Audience.ADMIN)],
        middleware=[*limited(DefineMiddleware(PersonAuthentication, authenticator=people, admins_only=True))],
        security=[{"access_token": []}],
    )
    internal = Mount(
        path="/internal",
        route_handlers=[InternalTaskController, *mounted(Audience.INTERNAL)],
        middleware=[
            *limited(DefineMiddleware(BotAuthentication, authenticator=bots)),
            DefineMiddleware(Idempotency, keys=idempotency_keys, body_limit=settings.body_limit),
        ],
        security=[{"bot_key": []}],
    )
    dependencies: dict[str, Any] = {
        "session": provide_session(container.database),
        "task_queries": provide_singleton(container.task_queries),
        "health_checks": provide_singleton(container.health_checks),
        "metrics_page": provide_singleton(container.metrics_page),
        "audit_queries": provide_singleton(container.audit_queries),
        "source_queries": provide_singleton(container.source_queries),
        "source_administration": provide(container.source_administration, container.database),
        "block_queries": provide_singleton(container.block_queries),
        "blocking": provide(container.blocking, container.database),
    }
    app = Litestar(
        route_handlers=[live, ready, metrics, public, admin, internal],
        dependencies=dependencies,
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[lifespan],
        request_max_body_size=settings.body_limit,
        openapi_config=OpenAPIConfig(
            title="Trackers",
            version=version("trackers"),
            description="Tracks game accounts, players, fencers, contracts and flight prices for a community, and "
            "notifies members of changes. `RateLimit-*` headers show the state of your limit. GET requests accept "
            "`If-None-Match`. POST requests of bots accept an `Idempotency-Key`: if you repeat a request with the same "
            "key, it is carried out at most once, and you get the same response (`Idempotency-Replayed: true`); "
            "409 `idempotency_unknown` means that the first request was cut off. Every response has an `X-Request-ID`.",
            path="/schema",
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin(), YamlRenderPlugin(), ScalarRenderPlugin()],
            components=Components(
                responses={"Problem": PROBLEM},
                security_schemes={
                    "access_token": SecurityScheme(
                        type="http",
                        scheme="bearer",
                        bearer_format="JWT",
                        description="Access token from `POST /api/auth/login`.",
                    ),
                    "bot_key": SecurityScheme(
                        type="http", scheme="bearer", description="Bot key: trk_... (`trackers keys create`)."
                    ),
                },
            ),
        ),
        plugins=[ConstrainedStructs()],
        request_class=StrictRequest,
        type_decoders=[(is_moment, read_moment)],
        logging_config=None,
        debug=False,
    )
    describe(app)
    return app


def _with_dependencies(controller: type[Controller], module: Module, container: AppContainer) -> type[Controller]:
    """A controller with the dependencies of its module.

    They are not registered for the whole application: Litestar would resolve every name for every handler, which takes
    longer than all the rest of the start.
    """
    if module.dependencies is None:
        return controller
    brought = module.dependencies(getattr(container, module.name), container.database)
    own = vars(controller).get("dependencies", {})
    return type(controller.__name__, (controller,), {"dependencies": {**brought, **own}, "__doc__": controller.__doc__})


def asgi(app: ASGIApp, container: AppContainer) -> ASGIApp:
    """Wrap the application for the server; trusted proxies are handled here, not by the server."""
    settings: WebSettings = container.web_settings()
    audited = AuditTrail(app, writer=container.audit_writer(), clock=container.clock())
    logged = RequestLog(ResponseHeaders(audited, settings), telemetry=container.telemetry())
    return TrustedProxies(logged, proxies=settings.trusted_proxies) if settings.trusted_proxies else logged
