"""People and bots who ask, and the two logs to look into."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from dependency_injector import providers
from litestar import Litestar
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler
from sqlalchemy import text
from tests.application import transport
from tests.conftest import Bench

from app.api import asgi
from app.container import AppContainer
from shared.di import provide, provide_session, provide_singleton
from shared.web.guards import PersonAuthentication
from shared.web.identity import PersonIdentity, Role
from shared.web.problems import EXCEPTION_HANDLERS

ADMIN = UUID("018f0000-0000-7000-8000-0000000000ad")
Rows = Callable[..., Awaitable[list[dict[str, Any]]]]


class FakePeople:
    """Everybody with a token is one and the same admin."""

    async def authenticate(self, token: str) -> PersonIdentity:
        return PersonIdentity(
            user_id=ADMIN,
            role=Role.ADMIN,
            session_id=ADMIN,
            token_id="t",
            expires_at=datetime.max.replace(tzinfo=UTC),
        )


@pytest.fixture
def audited(container: AppContainer) -> Rows:
    """The audit log, the oldest first."""

    async def rows() -> list[dict[str, Any]]:
        return await container.reader().rows(text("SELECT * FROM audit_log ORDER BY id"))

    return rows


@pytest.fixture
def activities(container: AppContainer) -> Rows:
    """The activity log, the oldest first."""

    async def rows() -> list[dict[str, Any]]:
        return await container.reader().rows(text("SELECT * FROM activity_log ORDER BY id"))

    return rows


@pytest.fixture
def admin(api: Bench, container: AppContainer) -> httpx.AsyncClient:
    """The API, asked by an admin."""
    container.users.person_authenticator.override(providers.Object(FakePeople()))
    api.http.headers["authorization"] = "Bearer anything"
    return api.http


def served(container: AppContainer, *handlers: ControllerRouterHandler) -> httpx.AsyncClient:
    """An application of a test's own handlers, with all that stands around the house's, asked by an admin."""
    app = Litestar(
        [*handlers],
        dependencies={
            "session": provide_session(container.database),
            "activity": provide(container.activity, container.database),
            "database": provide_singleton(container.database),
        },
        middleware=[DefineMiddleware(PersonAuthentication, authenticator=FakePeople)],
        exception_handlers=EXCEPTION_HANDLERS,
        logging_config=None,
    )
    headers = {"Authorization": "Bearer anything"}
    return httpx.AsyncClient(transport=transport(asgi(app, container)), base_url="http://test", headers=headers)
