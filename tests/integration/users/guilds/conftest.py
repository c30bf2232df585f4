"""Guilds as bots and people meet them; people show a token that names them, read by a ten-line fake."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from dependency_injector import providers
from sqlalchemy import text
from tests.conftest import Bench

from app.container import AppContainer
from shared.errors import Unauthenticated
from shared.web.identity import PersonIdentity, Role

GUILD = "81384788765712384"
OTHER_GUILD = "613425648685547541"


def person(user_id: UUID, *, admin: bool = False) -> PersonIdentity:
    return PersonIdentity(
        user_id=user_id,
        role=Role.ADMIN if admin else Role.USER,
        session_id=uuid4(),
        token_id="t",
        expires_at=datetime(2100, 1, 1, tzinfo=UTC),
    )


class NamedPeople:
    """Takes `user:<id>` and `admin:<id>` for tokens."""

    async def authenticate(self, token: str) -> PersonIdentity:
        role, _, user_id = token.partition(":")
        if role not in {"user", "admin"}:
            raise Unauthenticated("no such person")
        return person(UUID(user_id), admin=role == "admin")

    def forget(self, **_: Any) -> None:
        """Nothing is remembered."""


@dataclass
class Guilds:
    """The endpoints, asked by a bot with the scope `guilds` or by a person."""

    http: httpx.AsyncClient
    container: AppContainer
    key: str

    async def bot(self, method: str, path: str = "", body: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return await self.http.request(method, f"/internal/guilds{path}", json=body, headers=headers)

    async def person(self, token: str, method: str, path: str = "", body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.http.request(method, f"/api/guilds{path}", json=body, headers=headers)

    async def put(self, guild_id: str = GUILD, name: str = "Comet Club", **settings: Any) -> Any:
        answer = await self.bot("PUT", f"/{guild_id}", {"name": name} | ({"settings": settings} if settings else {}))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def join(self, *user_ids: str, guild_id: str = GUILD, admin: bool = False) -> dict[str, UUID]:
        """Make people members of a guild; their ids here by those on Discord."""
        members = [{"user_id": user_id, "admin": admin} for user_id in user_ids]
        answer = await self.bot("PUT", f"/{guild_id}/members", {"members": members})
        assert answer.status_code == 200, answer.text
        known = (await self.bot("GET", f"/{guild_id}/members?per_page=200")).json()["items"]
        return {member["external_id"]: UUID(member["user_id"]) for member in known}

    async def make_key(self, *scopes: str, guild_ids: list[str] | None = None) -> str:
        async with self.container.database().unit_of_work():
            made = await self.container.users.keys().create("another bot", scopes, guild_ids=guild_ids)
        return str(made.text)

    async def happened(self) -> list[tuple[str, str, Any]]:
        """Event, guild and details of what the activity log holds of guilds, oldest first."""
        rows = await self.container.reader().rows(
            text("SELECT event, subject_id, details FROM activity_log WHERE subject = 'guild' ORDER BY id")
        )
        return [(row["event"], row["subject_id"], row["details"]) for row in rows]


@pytest.fixture
async def guilds(api: Bench, container: AppContainer) -> Guilds:
    container.users.person_authenticator.override(providers.Object(NamedPeople()))
    made = Guilds(http=api.http, container=container, key="")
    made.key = await made.make_key("guilds")
    return made
