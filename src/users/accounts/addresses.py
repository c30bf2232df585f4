"""E-mail addresses of accounts. An account gets an address once a mailed link proves that its owner reads the mailbox.

A request gets the same answer whether or not another account has the address: a worker decides what to mail when the
mail leaves. See docs/decisions/0026.
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
    """Makes and reads the tokens of links. A token is the mail's id and 256 random bits; only its digest is stored."""

    def __init__(self, secret: InstallationSecret) -> None:
        self._secret = secret

    def make(self, mail_id: UUID) -> tuple[str, bytes]:
        """Return a new token for a mail, and the digest of the token."""
        token = urlsafe_b64encode(mail_id.bytes + secrets.token_bytes(_RANDOM_BYTES)).decode()
        return token, self._secret.digest(_content(token))

    def mail_of(self, token: str) -> UUID:
        """Return the id of the mail that a token names. Raises BadConfirmationLink if the token is malformed."""
        try:
            content = urlsafe_b64decode(token)
        except (NotBase64Error, ValueError):
            content = b""
        if len(content) != _ID_BYTES + _RANDOM_BYTES:
            raise BadConfirmationLink
        return UUID(bytes=content[:_ID_BYTES])

    def fits(self, token: str, digest: bytes) -> bool:
        """True if `digest`, which belongs to the token that was mailed last, is the digest of this token."""
        return position_of(digest, self._secret.digests(_content(token))) is not None


def _content(token: str) -> bytes:
    return f"confirm e-mail {token}".encode()


class AddressToConfirm(Struct, frozen=True, kw_only=True):
    """Content of the page that a confirmation link opens: the address, and the account's username."""

    address: str
    username: str | None


class AddressService:
    """Requests and accepts confirmations of addresses, in the open transaction."""

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
        """Mail a link to a new address, and a notice of the change to the `current` one. The account must be locked."""
        await self._mails.drop_confirmation(user_id)
        await self._add(MailKind.CONFIRMATION, user_id, address)
        if current is not None:
            await self._add(MailKind.CHANGE, user_id, current)

    async def drop(self, user_id: UUID, *, removed: str | None = None) -> None:
        """Drop the unconfirmed address. Mail a notice to the `removed` address, which the account no longer has."""
        await self._mails.drop_confirmation(user_id)
        if removed is not None:
            await self._add(MailKind.REMOVAL, user_id, removed)

    async def shown(self, token: str) -> AddressToConfirm:
        """Return the address that a link would confirm, without changing anything. Raises BadConfirmationLink."""
        _, waiting = await self._waiting(token)
        return AddressToConfirm(address=waiting.address, username=waiting.username)

    async def confirm(self, token: str) -> None:
        """Redeem a confirmation link: set the account's e-mail address.

        Raises BadConfirmationLink, AccountDeactivated or EmailTaken.
        """
        mail_id, waiting = await self._waiting(token)
        locked = (await self._accounts.lock(waiting.user_id)).get(waiting.user_id)
        if locked is None or not await self._mails.use_up(mail_id, waiting.digest):
            raise BadConfirmationLink  # erased, used or replaced during the wait for the lock
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
