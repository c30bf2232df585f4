"""E-mail addresses of accounts: in use once a mailed link proves that the account's owner reads the mailbox.

Requests get the same answer whether another account has the address or not: the decision what to mail is made when the
mail leaves, by a worker. See docs/decisions/0026.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.installation_secret import InstallationSecret, position_of
from users.accounts.errors import AccountDeactivated, BadConfirmationLink
from users.accounts.mail_repository import AccountMailRepository, WaitingAddress
from users.accounts.repository import AccountRepository
from users.accounts.schemas import MailKind

GOOD_FOR: Final = timedelta(hours=24)
_ID_BYTES: Final = 16
_RANDOM_BYTES: Final = 32


class ConfirmationTokens:
    """Makes and reads the tokens of links: the mail's id and 256 random bits, of which a digest is stored."""

    def __init__(self, secret: InstallationSecret) -> None:
        self._secret = secret

    def make(self, mail_id: UUID) -> tuple[str, bytes]:
        """A token as it is mailed, and its digest."""
        token = urlsafe_b64encode(mail_id.bytes + secrets.token_bytes(_RANDOM_BYTES)).decode()
        return token, self._secret.digest(_content(token))

    def mail_of(self, token: str) -> UUID:
        """The mail that a token names. Raises BadConfirmationLink."""
        try:
            content = urlsafe_b64decode(token)
        except (NotBase64Error, ValueError):
            content = b""
        if len(content) != _ID_BYTES + _RANDOM_BYTES:
            raise BadConfirmationLink
        return UUID(bytes=content[:_ID_BYTES])

    def fits(self, token: str, digest: bytes) -> bool:
        """Whether it is the token that was mailed last."""
        return position_of(digest, self._secret.digests(_content(token))) is not None


def _content(token: str) -> bytes:
    return f"confirm e-mail {token}".encode()


class AddressToConfirm(Struct, frozen=True, kw_only=True):
    """What the page of a link shows."""

    address: str
    username: str | None


class AddressService:
    """Asks for confirmations and takes them, on the open transaction."""

    def __init__(
        self,
        *,
        mails: AccountMailRepository,
        accounts: AccountRepository,
        tokens: ConfirmationTokens,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._mails = mails
        self._accounts = accounts
        self._tokens = tokens
        self._activity = activity
        self._clock = clock

    async def ask(self, user_id: UUID, address: str, *, current: str | None = None) -> None:
        """Have a link mailed to an address, and the change announced at the `current` one; the account is locked."""
        await self._mails.drop_confirmation(user_id)
        await self._add(MailKind.CONFIRMATION, user_id, address)
        if current is not None:
            await self._add(MailKind.CHANGE, user_id, current)

    async def drop(self, user_id: UUID, *, removed: str | None = None) -> None:
        """Forget an address that waits; announce at the `removed` one that the account no longer has it."""
        await self._mails.drop_confirmation(user_id)
        if removed is not None:
            await self._add(MailKind.REMOVAL, user_id, removed)

    async def shown(self, token: str) -> AddressToConfirm:
        """What a link would confirm; nothing changes. Raises BadConfirmationLink."""
        _, waiting = await self._waiting(token)
        return AddressToConfirm(address=waiting.address, username=waiting.username)

    async def confirm(self, token: str) -> None:
        """Use a link: the address becomes the account's.

        Raises BadConfirmationLink, AccountDeactivated or EmailTaken.
        """
        mail_id, waiting = await self._waiting(token)
        locked = (await self._accounts.lock(waiting.user_id)).get(waiting.user_id)
        if locked is None or not await self._mails.use_up(mail_id, waiting.digest):
            raise BadConfirmationLink  # erased, used or replaced while we waited
        if locked.deactivated:
            raise AccountDeactivated
        await self._accounts.change(waiting.user_id, {"email": waiting.address})
        await self._activity.record(
            "user.email_confirmed", subject="user", subject_id=waiting.user_id, user_id=waiting.user_id
        )

    async def _waiting(self, token: str) -> tuple[UUID, WaitingAddress]:
        mail_id = self._tokens.mail_of(token)
        waiting = await self._mails.waiting(mail_id, now=self._clock.now())
        if waiting is None or not self._tokens.fits(token, waiting.digest):
            raise BadConfirmationLink
        return mail_id, waiting

    async def _add(self, kind: MailKind, user_id: UUID, address: str) -> None:
        now = self._clock.now()
        await self._mails.add(kind, user_id, address, now=now, expires_at=now + GOOD_FOR)
