"""Read queries for accounts: static statements whose rows become Structs."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.database import PooledQueries
from shared.web.identity import BotIdentity
from users.access import AccessPolicy
from users.accounts.errors import AccountNotFound
from users.accounts.repository import ACCOUNT, ACCOUNT_BY_ID, account_of
from users.accounts.schemas import DISCORD, Account, AccountPage, Credentials, KnownPerson, MailKind, SentMail

_BY_IDENTITY: Final = text(f"""
{ACCOUNT} FROM user_identities o JOIN users u ON u.id = o.user_id
WHERE o.provider = :provider AND o.external_id = :external_id
""")
_MATCHING: Final = """
FROM users u
WHERE (CAST(:role AS text) IS NULL OR u.role = :role)
  AND (CAST(:active AS boolean) IS NULL OR (u.deactivated_at IS NULL) = :active)
  AND (CAST(:search AS text) IS NULL
       OR strpos(u.email, :search) > 0 OR strpos(u.username, :search) > 0 OR strpos(lower(u.display_name), :search) > 0
       OR EXISTS (SELECT 1 FROM user_identities i WHERE i.user_id = u.id AND (
           i.external_id = :search OR strpos(lower(i.username), :search) > 0
           OR strpos(lower(i.global_name), :search) > 0)))
"""
_PAGE: Final = text(f"{ACCOUNT} {_MATCHING} ORDER BY u.id DESC LIMIT :limit OFFSET :skip")
_COUNT: Final = text(f"SELECT count(*) {_MATCHING}")
_CREDENTIALS: Final = text("""
SELECT id AS user_id, password_hash, deactivated_at IS NOT NULL AS deactivated
FROM users WHERE email = :login OR username = :login
""")
_PASSWORD: Final = text("SELECT password_hash FROM users WHERE id = :user_id")

_MAILS: Final = text("""
SELECT kind, address, created_at, expires_at FROM account_mails WHERE user_id = :user_id ORDER BY created_at, id
""")


class AccountQueries:
    """Reads accounts."""

    def __init__(self, reader: PooledQueries, *, access: AccessPolicy) -> None:
        self._reader = reader
        self._access = access

    async def account(self, user_id: UUID) -> Account:
        """Return an account. Raises AccountNotFound."""
        return account_of(await self._reader.row(ACCOUNT_BY_ID, {"user_id": user_id}))

    async def known_person(self, bot: BotIdentity, external_id: str) -> KnownPerson:
        """Return the person behind a Discord id. Raises AccountNotFound, also if the bot may not see the person."""
        account = account_of(await self._reader.row(_BY_IDENTITY, {"provider": DISCORD, "external_id": external_id}))
        await self._access.check_read(bot, account.id, unknown=AccountNotFound())
        return KnownPerson(
            id=account.id,
            display_name=account.display_name,
            has_login=account.has_password,
            active=account.active,
            time_zone=account.time_zone,
            locale=account.locale,
            identities=account.identities,
        )

    async def accounts(
        self, *, page: int, per_page: int, role: str | None, active: bool | None, search: str | None
    ) -> AccountPage:
        """Return a page of accounts, newest first.

        `search` matches parts of names and addresses in any case, and whole ids of identities.
        """
        criteria = {"role": role, "active": active, "search": search.strip().lower() if search else None}
        rows = await self._reader.rows(_PAGE, {**criteria, "limit": per_page, "skip": (page - 1) * per_page})
        return AccountPage(
            items=[account_of(row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._reader.value(_COUNT, criteria),
        )

    async def credentials(self, login: str) -> Credentials | None:
        """Return the credentials for a login (an e-mail address or a username), or None if nobody has it."""
        row = await self._reader.row(_CREDENTIALS, {"login": login})
        return None if row is None else Credentials(**row)

    async def mails(self, user_id: UUID) -> list[SentMail]:
        """Return the stored mails about a person's e-mail address, oldest first."""
        rows = await self._reader.rows(_MAILS, {"user_id": user_id})
        return [SentMail(**{**row, "kind": MailKind(row["kind"])}) for row in rows]

    async def password_hash(self, user_id: UUID) -> str | None:
        password_hash: str | None = await self._reader.value(_PASSWORD, {"user_id": user_id})
        return password_hash
