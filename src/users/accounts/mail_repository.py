"""All SQL about mails about accounts' addresses."""

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
# Two sides may send at the same time, so a mail is claimed by moving its next attempt away.
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
    """A mail to send now; nobody else sends it until its next attempt."""

    id: UUID
    kind: MailKind
    address: str
    taken: bool
    """Another account has the address: its owner gets a notice instead of the link."""
    username: str | None
    """Of the account that has the address."""


class WaitingAddress(NamedTuple):
    """An address that waits for its link to be used."""

    user_id: UUID
    address: str
    digest: bytes
    username: str | None


class AccountMailRepository(Repository):
    """Mails from their request until they are sent, and confirmations until their link is used."""

    async def add(self, kind: MailKind, user_id: UUID, address: str, *, now: datetime, expires_at: datetime) -> None:
        """A mail that is due at once. Drop the account's former confirmation first."""
        row = {"id": new_id(), "user_id": user_id, "kind": kind.value, "address": address}
        await self.session.execute(_ADD, {**row, "now": now, "expires_at": expires_at})

    async def drop_confirmation(self, user_id: UUID) -> None:
        """The account's address stays what it is; a link that was mailed no longer works."""
        await self.session.execute(
            delete(AccountMail).where(AccountMail.user_id == user_id, AccountMail.kind == MailKind.CONFIRMATION.value)
        )

    async def drop_mails_to_address_of(self, user_id: UUID) -> None:
        """Mails to a person's address, whoever typed it in. The account is still there, and locked."""
        await self.session.execute(_DROP_TO_ADDRESS_OF, {"user_id": user_id})

    async def claim(self, *, now: datetime, retry_at: datetime) -> DueMail | None:
        """The mail that is due longest."""
        row = (await self.session.execute(_CLAIM, {"now": now, "retry_at": retry_at})).mappings().one_or_none()
        return None if row is None else DueMail(**{**row, "kind": MailKind(row["kind"])})

    async def put_digest(self, mail_id: UUID, digest: bytes) -> None:
        """Of the token that is about to leave; an earlier link no longer works."""
        await self.session.execute(update(AccountMail).where(AccountMail.id == mail_id).values(digest=digest))

    async def note_sent(self, mail_id: UUID) -> None:
        """A confirmation waits for its link; other mails are done."""
        await self.session.execute(
            delete(AccountMail).where(AccountMail.id == mail_id, AccountMail.kind != MailKind.CONFIRMATION.value)
        )
        await self.session.execute(update(AccountMail).where(AccountMail.id == mail_id).values(due_at=None))

    async def waiting(self, mail_id: UUID, *, now: datetime) -> WaitingAddress | None:
        """The address whose link was mailed and has not expired."""
        row = (await self.session.execute(_WAITING, {"id": mail_id, "now": now})).one_or_none()
        return None if row is None else WaitingAddress(*row)

    async def use_up(self, mail_id: UUID, digest: bytes) -> bool:
        """Whether the link still worked; it does not any more."""
        used = delete(AccountMail).where(AccountMail.id == mail_id, AccountMail.digest == digest)
        return (await self.session.execute(used.returning(AccountMail.id))).scalar_one_or_none() is not None

    async def remove_expired(self, *, now: datetime) -> None:
        await self.session.execute(_REMOVE_EXPIRED, {"now": now})
