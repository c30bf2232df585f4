"""The job that sends mails about the e-mail addresses of accounts: confirmations and notices.

The job decides between a confirmation and a notice. The request does not, so neither its answer nor its time reveals
whether an account has the address.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from shared.clock import Clock
from shared.database import Database
from users.accounts.addresses import ConfirmationTokens
from users.accounts.mail_repository import AccountMailRepository, DueMail
from users.accounts.schemas import MailKind
from users.notifications.messages import Message
from users.notifications.outbound_messages import SendFailed
from users.notifications.transports.email import EmailTransport

PAGE: Final = "/api/email-confirmation"
RETRY_AFTER: Final = timedelta(minutes=5)
BATCH_SIZE: Final = 5
"""Mails per run; each can take as long as the time limit of the mail server."""
IGNORE: Final = "If it was not you, ignore this message: nothing has changed."


class AccountMailer:
    """Sends due mails; a mail that could not be sent is tried again until it expires."""

    def __init__(
        self,
        *,
        database: Database,
        mails: Callable[[], AccountMailRepository],
        transport: EmailTransport,
        tokens: ConfirmationTokens,
        public_url: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._mails = mails
        self._transport = transport
        self._tokens = tokens
        self._public_url = public_url
        self._clock = clock

    async def send_due(self) -> int:
        """Send up to one batch of due mails; return the number sent."""
        sent = 0
        for _ in range(BATCH_SIZE):
            due = await self._claimed()
            if due is None:
                break
            mail, token = due
            try:
                await self._transport.deliver(mail.address, mail.id, self._message(mail, token))
            except SendFailed as failure:
                structlog.get_logger(__name__).warning("account_mail_not_sent", kind=mail.kind.value, why=failure.why)
                if not failure.for_good:
                    continue
            else:
                sent += 1
            async with self._database.unit_of_work():
                await self._mails().note_sent(mail.id)
        return sent

    async def _claimed(self) -> tuple[DueMail, str] | None:
        """Claim the next mail; return it with the token of its link, or an empty token."""
        now = self._clock.now()
        async with self._database.unit_of_work():
            mail = await self._mails().claim(now=now, retry_at=now + RETRY_AFTER)
            if mail is None:
                return None
            if mail.kind is not MailKind.CONFIRMATION or mail.taken:
                return mail, ""
            token, digest = self._tokens.make(mail.id)
            await self._mails().put_digest(mail.id, digest)
        return mail, token

    def _message(self, mail: DueMail, token: str) -> Message:
        if mail.kind is MailKind.CHANGE:
            return Message(
                title="Your e-mail address is about to change",
                lines=(
                    "Somebody who knows your password entered another e-mail address for your Trackers account.",
                    "It replaces this one as soon as it is confirmed.",
                    "If it was not you, change your password now. That cancels the change and signs out other devices.",
                ),
            )
        if mail.kind is MailKind.REMOVAL:
            return Message(
                title="Your e-mail address was removed",
                lines=(
                    "This address no longer belongs to your Trackers account. Sign in with your username.",
                    "If it was not you, ask the operator for help: somebody knows your password.",
                ),
            )
        if mail.taken:
            name = f" or your username, {mail.username}," if mail.username else ""
            return Message(
                title="You have an account already",
                lines=(
                    "Somebody entered this address for an account on Trackers, but it belongs to your account.",
                    f"If it was you, sign in with this address{name} and your password.",
                    "The operator can set a new password.",
                    IGNORE,
                ),
            )
        if not self._public_url:
            how = f"Enter this code in Trackers within 24 hours: {token}"
            return Message(title="Confirm your e-mail address", lines=(how, IGNORE))
        return Message(
            title="Confirm your e-mail address",
            lines=("Open this page within 24 hours to use this address for your Trackers account.", IGNORE),
            url=f"{self._public_url}{PAGE}?token={token}",
        )
