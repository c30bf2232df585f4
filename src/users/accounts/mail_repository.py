"""SQL for mails about the addresses of accounts."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import delete, text, update

from shared.database import Repository
from shared.ids import new_id
from users.accounts.models import AccountMail
from users.accounts.schemas import MailKind

_ADD: Final = text("""
INSERT INTO account_mails (id, user_id, kind, address, due_at, created_at, expires_at)
VALUES (:id, :user_id, :kind, :address, :now, :now, :expires_at)
""")
# Two processes may send at the same time, so a mail is claimed by postponing its next attempt.
_CLAIM: Final = text("""
UPDATE account_mails m SET due_at = :retry_at
FROM (
    SELECT id FROM account_mails WHERE due_at <= :now AND expires_at > :now
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) due
WHERE m.id = due.id
RETURNING m.id, m.kind, m.address,
          m.kind = 'confirmation' AND EXISTS (
              SELECT FROM users u WHERE u.email = m.address AND u.id <> m.user_id
          ) AS taken,
          (SELECT u.username FROM users u WHERE u.email = m.address) AS username
""")
_WAITING: Final = text("""
SELECT m.user_id, m.address, m.digest, u.username FROM account_mails m JOIN users u ON u.id = m.user_id
WHERE m.id = :id AND m.kind = 'confirmation' AND m.digest IS NOT NULL AND m.expires_at > :now
""")
_DROP_TO_ADDRESS_OF: Final = text("""
WITH dropped AS MATERIALIZED (
    SELECT m.id FROM account_mails m JOIN users u ON u.email = m.address WHERE u.id = :user_id
    ORDER BY m.id FOR UPDATE OF m
)
DELETE FROM account_mails m USING dropped d WHERE m.id = d.id
""")
_REMOVE_EXPIRED: Final = text("DELETE FROM account_mails WHERE expires_at < :now")


class DueMail(NamedTuple):
    """A mail to send now. No other process sends it before its next attempt."""

    id: UUID
    kind: MailKind
    address: str
    taken: bool
    """True if another account has the address; its owner then gets a notice instead of the link."""
    username: str | None
    """Username of the account that has the address."""


class WaitingAddress(NamedTuple):
    """An address that waits for the use of its link."""

    user_id: UUID
    address: str
    digest: bytes
    username: str | None


class AccountMailRepository(Repository):
    """Stores mails until they are sent, and confirmations until their link is used."""

    async def add(self, kind: MailKind, user_id: UUID, address: str, *, now: datetime, expires_at: datetime) -> None:
        """Add a mail that is due now. Before a confirmation, drop the account's previous one."""
        row = {"id": new_id(), "user_id": user_id, "kind": kind.value, "address": address}
        await self.session.execute(_ADD, {**row, "now": now, "expires_at": expires_at})

    async def drop_confirmation(self, user_id: UUID) -> None:
        """Drop the unconfirmed address, so that its mailed link stops working. The account keeps its address."""
        await self.session.execute(
            delete(AccountMail).where(AccountMail.user_id == user_id, AccountMail.kind == MailKind.CONFIRMATION.value)
        )

    async def drop_mails_to_address_of(self, user_id: UUID) -> None:
        """Drop all mails to a person's address, no matter which account entered it.

        The person's account must exist and be locked.
        """
        await self.session.execute(_DROP_TO_ADDRESS_OF, {"user_id": user_id})

    async def claim(self, *, now: datetime, retry_at: datetime) -> DueMail | None:
        """Claim the mail that has been due longest and postpone its next attempt to `retry_at`. None if none is due."""
        row = (await self.session.execute(_CLAIM, {"now": now, "retry_at": retry_at})).mappings().one_or_none()
        return None if row is None else DueMail(**{**row, "kind": MailKind(row["kind"])})

    async def put_digest(self, mail_id: UUID, digest: bytes) -> None:
        """Store the digest of the token that is about to be mailed. Earlier links stop working."""
        await self.session.execute(update(AccountMail).where(AccountMail.id == mail_id).values(digest=digest))

    async def note_sent(self, mail_id: UUID) -> None:
        """Mark a mail as sent. A confirmation then waits for the use of its link; other mails are deleted."""
        await self.session.execute(
            delete(AccountMail).where(AccountMail.id == mail_id, AccountMail.kind != MailKind.CONFIRMATION.value)
        )
        await self.session.execute(update(AccountMail).where(AccountMail.id == mail_id).values(due_at=None))

    async def waiting(self, mail_id: UUID, *, now: datetime) -> WaitingAddress | None:
        """Return the address of a link that was mailed and has not expired, or None."""
        row = (await self.session.execute(_WAITING, {"id": mail_id, "now": now})).one_or_none()
        return None if row is None else WaitingAddress(*row)

    async def use_up(self, mail_id: UUID, digest: bytes) -> bool:
        """Delete a link, because it works only once. True if it still worked."""
        used = delete(AccountMail).where(AccountMail.id == mail_id, AccountMail.digest == digest)
        return (await self.session.execute(used.returning(AccountMail.id))).scalar_one_or_none() is not None

    async def remove_expired(self, *, now: datetime) -> None:
        await self.session.execute(_REMOVE_EXPIRED, {"now": now})
