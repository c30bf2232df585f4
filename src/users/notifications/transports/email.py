"""E-mail: text and HTML of the same data, sent through the operator's mail server."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from typing import Final, Self
from uuid import UUID

import aiosmtplib
import msgspec
from email_validator import EmailNotValidError, validate_email
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from shared.clock import Clock
from shared.ids import new_id
from users.notifications.digest import READY, Digest
from users.notifications.digest_mail import DigestMail
from users.notifications.messages import Message
from users.notifications.outbound_messages import OutboundMessage, SendFailed, code_message
from users.notifications.schemas import ChannelAddress
from users.notifications.settings import SmtpSettings

NO_SUCH_MAILBOX: Final = frozenset({550, 551, 553})
IMPLICIT_TLS: Final = 465
MAX_SUBJECT_LENGTH: Final = 200


def mail_templates() -> Environment:
    """Return the templates of mails; values are escaped in HTML."""
    return Environment(
        loader=PackageLoader("users.notifications"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Unfolded(str):
    """A header value that stays on one line.

    The library encodes longer values (RFC 2047), and mailboxes cannot read an encoded address (RFC 2369, 2.).
    """

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, value: str) -> Self:
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"{name} must be plain text")
        header = super().__new__(cls, value)
        header.name = name
        return header

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _in_ascii(address: str) -> str:
    """Return an address in ASCII, as every mail server accepts it, with its domain in Punycode. Raises SendFailed."""
    if address.isascii():
        return address
    try:
        in_ascii = validate_email(address, check_deliverability=False).ascii_email
    except EmailNotValidError:
        in_ascii = None
    if in_ascii is None:
        raise SendFailed("its address cannot be written in ASCII", for_good=True)
    return in_ascii


class EmailTransport:
    """Sends mail through the mail server; its outages do not count as failures of the channel."""

    def __init__(
        self, *, settings: SmtpSettings, timeout: float, clock: Clock, templates: Environment, digests: DigestMail
    ) -> None:
        self._settings = settings
        self._timeout = timeout
        self._clock = clock
        self._templates = templates
        self._digests = digests

    async def send(self, target: ChannelAddress, outbound: OutboundMessage) -> None:
        event = outbound.news[0].event
        if event.event == READY and event.user_id is not None:
            await self._hand_over(self.digest(target.address, outbound.id, event.payload, event.user_id))
            return
        messages = [update.message for update in outbound.news]
        await self._hand_over(self.mail(target.address, outbound.id, outbound.title, messages))

    async def challenge(self, target: ChannelAddress, code: str) -> bool:
        title, text = code_message(code)
        await self.deliver(target.address, new_id(), Message(title=title, lines=(text,)))
        return False

    async def deliver(self, address: str, message_id: UUID, message: Message) -> None:
        """Send one message to an address. Raises SendFailed."""
        await self._hand_over(self.mail(address, message_id, message.title, [message]))

    def mail(self, address: str, message_id: UUID, title: str, messages: list[Message]) -> EmailMessage:
        """Build the mail of one or several messages."""
        mail = self._addressed(address, message_id, title)
        view = {"title": title, "messages": messages, "alone": len(messages) == 1}
        mail.set_content(self._templates.get_template("message.txt").render(view))
        mail.add_alternative(self._templates.get_template("message.html").render(view), subtype="html")
        return mail

    def digest(self, address: str, message_id: UUID, payload: object, user_id: UUID) -> EmailMessage:
        """Build the mail of a digest; `payload` is the payload of its event."""
        rendered = self._digests.rendered(msgspec.convert(payload, Digest), user_id)
        mail = self._addressed(address, message_id, rendered.subject)
        for name, value in rendered.headers.items():
            mail[name] = Unfolded(name, value)
        mail.set_content(rendered.text)
        mail.add_alternative(rendered.html, subtype="html")
        return mail

    def _addressed(self, address: str, message_id: UUID, title: str) -> EmailMessage:
        """Build an empty mail with its headers; the library refuses line breaks in them."""
        mail = EmailMessage(policy=SMTP)
        name, sender = parseaddr(self._settings.sender)
        mail["From"] = Address(display_name=name or "Trackers", addr_spec=sender)
        mail["To"] = Address(addr_spec=_in_ascii(address))
        mail["Subject"] = " ".join(title.split())[:MAX_SUBJECT_LENGTH]
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        return mail

    async def _hand_over(self, mail: EmailMessage) -> None:
        settings = self._settings
        if not settings.host:
            raise SendFailed("no mail server is set up", ours=True)
        implicit = settings.starttls and settings.port == IMPLICIT_TLS
        try:
            await aiosmtplib.send(
                mail,
                hostname=settings.host,
                port=settings.port,
                username=settings.username or None,
                password=settings.password.reveal() if settings.password else None,
                use_tls=implicit,
                start_tls=settings.starttls and not implicit,
                timeout=self._timeout,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code if error.recipients else 0
            raise SendFailed(
                f"the mail server refuses this address ({code})", for_good=code in NO_SUCH_MAILBOX
            ) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise SendFailed(f"the mail server did not accept the mail ({type(error).__name__})", ours=True) from error
