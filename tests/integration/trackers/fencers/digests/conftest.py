"""Digests from end to end: people with a mailbox, and what arrives in it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import Salle
from tests.integration.users.notifications.conftest import Mailbox as PlainMailbox


@dataclass
class Mailbox(PlainMailbox):
    """One that also keeps what it gets to the letter, and can be out of order."""

    raw: list[bytes] = field(default_factory=list)
    down: bool = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the library's name
        if self.down:
            return "451 come back later"
        self.raw.append(envelope.content)
        return await super().handle_DATA(server, session, envelope)

    def digests(self) -> list[EmailMessage]:
        return [mail for mail in self.mails if "digest" in str(mail["Subject"])]


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
        "TRACKERS_SMTP_HOST": "127.0.0.1",
        "TRACKERS_SMTP_PORT": str(mailbox.port),
        "TRACKERS_SMTP_STARTTLS": "false",
        "TRACKERS_SMTP_FROM": "trackers@example.org",
        "TRACKERS_NOTIFY_PUBLIC_URL": "https://trackers.example.org/",
    }


@dataclass
class GuardedHttpClient:
    """Who gets digests, and what arrives."""

    salle: Salle
    mailbox: Mailbox

    async def subscribe(self, who: Person, period: str = "daily", **more: Any) -> dict[str, Any]:
        """A verified mailbox, and digests to it; `who` wants to hear of registrations nowhere else."""
        await self.mailbox_of(who)
        answer = await who.ask("PUT", "/api/users/me/digest", {"period": period, **more})
        assert answer.status_code == 200, answer.text
        await who.ask("PUT", "/api/users/me/notifications", {"defaults": {"*": "digest"}})
        settled: dict[str, Any] = answer.json()
        return settled

    async def mailbox_of(self, who: Person) -> dict[str, Any]:
        at = "/api/users/me/channels"
        made = await who.ask("POST", at, {"kind": "email", "address": f"{who.login}@example.org"})
        assert made.status_code == 201, made.text
        channel: dict[str, Any] = made.json()["channel"]
        await self.salle.container.notifications.challenger().challenge(channel["id"])
        body = self.mailbox.mails.pop().get_body(("plain",))
        assert body is not None
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", body.get_content())
        assert code is not None
        verified = await who.ask("POST", f"{at}/{channel['id']}/verify", {"code": code[0]})
        assert verified.json()["state"] == "active", verified.text
        return channel

    async def a_day_passes(self) -> None:
        """And what is due is sent."""
        self.salle.clock.ahead += timedelta(days=1)
        await self.salle.job("notifications.digests")
        await self.send()

    async def send(self) -> None:
        await self.salle.container.notifications.sender().send_due()

    def texts(self) -> list[str]:
        return [part_of(mail, "plain") for mail in self.mailbox.digests()]


def part_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.fixture
async def post(salle: Salle, mailbox: Mailbox) -> GuardedHttpClient:
    salle.stage()
    return GuardedHttpClient(salle, mailbox)
