"""People as they use the API: registered over HTTP, with real tokens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from tests.waiting import eventually

from app.container import AppContainer
from users.accounts.schemas import DISCORD, UserData

PASSWORD = "correct horse battery staple"


@dataclass
class Person:
    """Somebody who is logged in."""

    http: httpx.AsyncClient
    id: UUID
    login: str
    tokens: dict[str, Any]

    @property
    def token(self) -> str:
        return str(self.tokens["access_token"])

    async def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return await self.http.request(method, path, json=body, headers=headers)

    async def erase(self) -> httpx.Response:
        return await self.ask("DELETE", "/api/users/me", {"current_password": PASSWORD})


@dataclass
class People:
    """Everybody, over HTTP."""

    http: httpx.AsyncClient
    container: AppContainer

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.http.post(path, json=body, headers={"Authorization": ""}, **options)

    async def register(self, username: str = "ada", **more: Any) -> Person:
        answer = await self.post("/api/auth/register", {"username": username, "password": PASSWORD, **more})
        assert answer.status_code == 201, answer.text
        tokens = answer.json()
        return Person(self.http, UUID(tokens["user_id"]), username, tokens)

    async def with_address(self, username: str = "ada", email: str = "ada@example.org", **more: Any) -> Person:
        """Somebody who registered and has a confirmed e-mail address."""
        person = await self.register(username, **more)
        async with self.container.database().unit_of_work():
            await self.container.users.account_repository().change(person.id, {"email": email})
        return person

    async def login(self, login: str = "ada", password: str = PASSWORD) -> httpx.Response:
        return await self.post("/api/auth/login", {"login": login, "password": password})

    async def logged_in(self, login: str = "ada") -> Person:
        answer = await self.login(login)
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        return Person(self.http, UUID(tokens["user_id"]), login, tokens)

    async def admin(self, username: str = "root") -> Person:
        person = await self.register(username)
        async with self.container.database().unit_of_work():
            await self.container.users.accounts().make_admin(person.id)
        self.container.users.person_authenticator().forget(user_id=person.id)
        return person

    async def refresh(self, token: str) -> httpx.Response:
        return await self.post("/api/auth/refresh", {"refresh_token": token})

    async def known_to_the_bot(self, external_id: str, **data: str) -> UUID:
        """The account of somebody whom only a bot knows."""
        async with self.container.database().unit_of_work():
            made: UUID = await self.container.users.accounts().from_external(DISCORD, external_id, UserData(**data))
        return made

    async def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        return await self.container.reader().rows(text(statement), parameters)

    async def bot(self, *scopes: str, guild_ids: list[str] | None = None) -> str:
        """A key of a bot's own."""
        async with self.container.database().unit_of_work():
            made = await self.container.users.keys().create("a bot", scopes, guild_ids=guild_ids)
        return str(made.text)


async def becomes(status: int, ask: Callable[[], Awaitable[httpx.Response]]) -> None:
    """Ask until the answer has a status: until what was verified before is no longer trusted."""

    async def has_status() -> bool:
        return (await ask()).status_code == status

    await eventually(has_status, what=f"the answer is {status}")
