"""Channels as their owners use them, and the endpoints at their other ends: real HTTP and mail servers."""

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from dependency_injector import providers
from sqlalchemy import text
from tests.clock import FixedClock
from tests.conftest import Bench
from tests.integration.people import People, Person
from tests.integration.users.guilds.conftest import GUILD

from app.container import AppContainer
from shared.events import Event
from shared.ids import new_id
from users.notifications.messages import Message, Recipient, RecipientLocale

CHANGED = "game_account.changed"
WINDOW = 300


@dataclass
class Received:
    """One request at an endpoint."""

    path: str
    headers: dict[str, str]
    body: bytes
    json: Any


Fault = Callable[[], Awaitable[web.StreamResponse]]


@dataclass
class Endpoint:
    """A webhook's receiver, written as docs/webhooks.md tells; faults by path."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)
    streams: dict[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    """What hangs answers once it is set."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        got = Received(request.path, {k.lower(): v for k, v in request.headers.items()}, body, await request.json())
        challenge = got.json.get("challenge")
        if challenge is None:
            self.received.append(got)
            self.arrived.set()
        if challenge is None and request.path in self.streams:
            return await self.streams[request.path](request)
        fault = self.faults.get(request.path)
        if fault is not None:
            return await fault()
        return web.json_response({"challenge": challenge} if challenge else {})

    def fails(self, path: str, status: int, **headers: str) -> None:
        async def fault() -> web.StreamResponse:
            return web.Response(status=status, headers=headers)

        self.faults[path] = fault

    def hangs(self, path: str) -> None:
        async def fault() -> web.StreamResponse:
            await self.release.wait()
            return web.Response()

        self.faults[path] = fault

    def titles(self, path: str | None = None) -> list[str]:
        return [one.json["title"] for one in self.received if path in {None, one.path}]


def verify(secret: str, headers: dict[str, str], body: bytes, *, now: float) -> bool:
    """The snippet of docs/webhooks.md."""
    timestamp = headers["trackers-timestamp"]
    if abs(now - int(timestamp)) > WINDOW:
        return False
    expected = hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()
    given = [part.removeprefix("v1=") for part in headers["trackers-signature"].split(",")]
    return any(hmac.compare_digest(expected, one) for one in given)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    runner = web.ServerRunner(web.Server(made.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = "http://127.0.0.1:{1}".format(*runner.addresses[0])
    yield made
    await runner.cleanup()


@dataclass
class Mailbox:
    """A mail server that keeps what it gets."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 -- the library's name
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the library's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    made = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(made, hostname="mail.example", loop=loop), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
def environ(environ: dict[str, str], mailbox: Mailbox) -> dict[str, str]:
    return environ | {
        "TRACKERS_NOTIFY_ALLOW_PRIVATE": "true",
        "TRACKERS_NOTIFY_TIMEOUT": "15",
        "TRACKERS_SMTP_HOST": "127.0.0.1",
        "TRACKERS_SMTP_PORT": str(mailbox.port),
        "TRACKERS_SMTP_STARTTLS": "false",
        "TRACKERS_SMTP_FROM": "trackers@example.org",
        "TRACKERS_RATE_LIMIT_PERSON": "0",
    }


class Words:
    """What a module says of its events."""

    events = frozenset({CHANGED, "game_account.lost"})

    def write(self, event: Event, subject_id: UUID, reader: RecipientLocale) -> Message | None:
        if event.payload.get("silent"):
            return None
        if event.payload.get("broken"):
            raise RuntimeError("sesame")
        return Message(
            title=f"News {event.payload.get('n', 0)}",
            lines=("2v2 1,204 -> 1,251 (+47)", "<b>Diamond III</b>"),
            url="https://tracker.example/p",
        )


@dataclass
class Telling:
    """Everything that a test of notifications does."""

    container: AppContainer
    people: People
    endpoint: Endpoint
    mailbox: Mailbox
    clock: FixedClock

    async def webhook(
        self, person: Person, path: str = "/hook", *, at: str = "/api/users/me/channels"
    ) -> dict[str, Any]:
        """A verified webhook."""
        answer = await person.ask("POST", at, {"kind": "webhook", "url": self.endpoint.url + path, "name": path})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        await self.container.notifications.challenger().challenge(made["channel"]["id"])
        shown = (await person.ask("GET", f"{at}/{made['channel']['id']}")).json()
        assert shown["state"] == "active", shown
        return made

    async def email(self, person: Person, address: str = "ada@example.org") -> dict[str, Any]:
        """A verified mailbox."""
        at = "/api/users/me/channels"
        answer = await person.ask("POST", at, {"kind": "email", "address": address})
        assert answer.status_code == 201, answer.text
        channel: dict[str, Any] = answer.json()["channel"]
        await self.container.notifications.challenger().challenge(channel["id"])
        verified = await person.ask("POST", f"{at}/{channel['id']}/verify", {"code": self.code()})
        assert verified.json()["state"] == "active", verified.text
        return channel

    def code(self) -> str:
        body = self.mailbox.mails.pop().get_body(("plain",))
        assert body is not None
        found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", body.get_content())
        assert found
        return found[0]

    def event(self, event: str = CHANGED, **payload: Any) -> Event:
        return Event(
            id=new_id(), event=event, aggregate="a:1", payload=payload, user_id=None, occurred_at=self.clock.now()
        )

    async def notify(self, event: Event, *recipients: Recipient) -> int:
        async with self.container.database().unit_of_work():
            told: int = await self.container.notifications.notifier().notify(event, recipients)
        return told

    async def tell(self, person: Person, subject_id: UUID | None = None, event: str = CHANGED, **payload: Any) -> int:
        """An event that is news to somebody, sent off."""
        news = self.event(event, **payload)
        told = await self.notify(news, Recipient(user_id=person.id, subject_id=subject_id or uuid4()))
        await self.send()
        return told

    async def send(self) -> None:
        await self.container.notifications.sender().send_due()

    async def log(self, person: Person, channel: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await person.ask("GET", f"/api/users/me/channels/{channel['id']}/deliveries")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def shown(self, person: Person, channel: dict[str, Any]) -> dict[str, Any]:
        answer = await person.ask("GET", f"/api/users/me/channels/{channel['id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def execute(self, statement: str, **parameters: Any) -> None:
        await self.container.standalone_writer().execute(text(statement), parameters)

    def later(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    async def guild(self, *members: tuple[Person, bool]) -> None:
        """A guild, with these people in it, admins or not."""
        await self.execute(
            "INSERT INTO guilds (id, name, created_at, updated_at) VALUES (:id, 'Comets', now(), now())"
            " ON CONFLICT DO NOTHING",
            id=GUILD,
        )
        for person, admin in members:
            await self.execute(
                "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
                " VALUES (:id, :user, :admin, now(), 'operator')",
                id=GUILD,
                user=person.id,
                admin=admin,
            )


@pytest.fixture
async def telling(
    api: Bench, container: AppContainer, people: People, endpoint: Endpoint, mailbox: Mailbox
) -> AsyncIterator[Telling]:
    clock = FixedClock()
    notifications = container.notifications
    notifications.clock.override(providers.Object(clock))
    notifications.writers.override(providers.Object([Words()]))
    yield Telling(container, people, endpoint, mailbox, clock)
    await notifications.post().close()
    await notifications.apprise().close()


@pytest.fixture
async def ada(telling: Telling) -> Person:
    return await telling.people.register("ada")


@pytest.fixture
async def bob(telling: Telling) -> Person:
    return await telling.people.register("bob")


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
