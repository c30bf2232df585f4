"""The mailbox of the demo's member: a real mail server on this machine that keeps what it gets."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

from aiosmtpd.controller import Controller
from tests.demo.product import DemoFailed, free_port
from tests.waiting import LIMIT_S

PATIENCE: Final = LIMIT_S
POLL_INTERVAL_S: Final = 0.05
CODE: Final = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


@dataclass
class Postbox:
    """What arrived, oldest first."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """By which the product hands its mail over here."""
        return {
            "TRACKERS_SMTP_HOST": "127.0.0.1",
            "TRACKERS_SMTP_PORT": str(self.port),
            "TRACKERS_SMTP_STARTTLS": "false",
            "TRACKERS_SMTP_FROM": "Trackers <trackers@example.org>",
            "TRACKERS_NOTIFY_PUBLIC_URL": "https://trackers.example.org",
        }

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the library's names
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def wait_for(self, subject: str) -> EmailMessage:
        """The first mail with these words in its subject."""
        until = time.monotonic() + PATIENCE
        while True:
            found = next((mail for mail in self.mails if subject in str(mail["Subject"])), None)
            if found is not None:
                return found
            if time.monotonic() > until:
                raise DemoFailed(f"no mail about {subject!r} came within {PATIENCE:g} s")
            time.sleep(POLL_INTERVAL_S)  # between two looks; the demo has errors of its own

    def code(self) -> str:
        """The code that proves the mailbox."""
        found = CODE.search(text_of(self.wait_for("Confirm this channel")))
        if found is None:
            raise DemoFailed("the mail brings no code")
        return found[0]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


@contextmanager
def postbox() -> Iterator[Postbox]:
    made = Postbox(free_port())
    controller = Controller(made, hostname="127.0.0.1", port=made.port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
