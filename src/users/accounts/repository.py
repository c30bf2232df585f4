"""SQL for accounts, identities and claim codes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from shared.database import Repository
from shared.ids import new_id
from shared.web.identity import Role
from users.accounts.errors import AccountNotFound, EmailTaken, UsernameTaken
from users.accounts.models import ClaimCode, User, UserIdentity
from users.accounts.schemas import Account, NewProfile, UserData

ACCOUNT: Final = """
SELECT u.id, u.email,
       (SELECT m.address FROM account_mails m WHERE m.user_id = u.id AND m.kind = 'confirmation') AS unconfirmed_email,
       u.username, u.display_name, u.role, u.deactivated_at IS NULL AS active,
       u.password_hash IS NOT NULL AS has_password, u.time_zone, u.locale, u.created_at,
       coalesce((
           SELECT json_agg(json_build_object(
               'provider', i.provider, 'external_id', i.external_id, 'username', i.username,
               'global_name', i.global_name, 'avatar', i.avatar, 'updated_at', i.updated_at
           ) ORDER BY i.provider, i.external_id)
           FROM user_identities i WHERE i.user_id = u.id
       ), '[]') AS identities
"""
ACCOUNT_BY_ID: Final = text(f"{ACCOUNT} FROM users u WHERE u.id = :user_id")
# Every transaction locks users before their identities, in the order of the users' ids.
_LOCK_IDENTITIES: Final = text("""
SELECT i.external_id, u.id AS user_id, u.deactivated_at IS NOT NULL AS deactivated
FROM user_identities i JOIN users u ON u.id = i.user_id
WHERE i.provider = :provider AND i.external_id = ANY(CAST(:external_ids AS text[]))
ORDER BY u.id FOR UPDATE OF u
""")
_KNOWN_IDENTITY: Final = text("""
SELECT user_id FROM user_identities WHERE provider = :provider AND external_id = :external_id
""")
_MAKE_IDENTITIES: Final = text("""
WITH made AS (
    INSERT INTO users (id, created_at) SELECT unnest(CAST(:user_ids AS uuid[])), CAST(:now AS timestamptz)
)
INSERT INTO user_identities (provider, external_id, user_id, updated_at)
SELECT :provider, external_id, user_id, :now
FROM unnest(CAST(:external_ids AS text[]), CAST(:user_ids AS uuid[])) AS g (external_id, user_id) ORDER BY external_id
ON CONFLICT (provider, external_id) DO NOTHING
RETURNING user_id
""")
_REMOVE_UNUSED: Final = text("DELETE FROM users WHERE id = ANY(CAST(:ids AS uuid[]))")
_UPDATE_IDENTITIES: Final = text("""
UPDATE user_identities i
SET username = coalesce(g.username, i.username), global_name = coalesce(g.global_name, i.global_name),
    avatar = coalesce(g.avatar, i.avatar), updated_at = :now
FROM unnest(CAST(:external_ids AS text[]), CAST(:usernames AS text[]), CAST(:global_names AS text[]),
            CAST(:avatars AS text[])) AS g (external_id, username, global_name, avatar)
WHERE i.provider = :provider AND i.external_id = g.external_id
  AND (coalesce(g.username, i.username), coalesce(g.global_name, i.global_name), coalesce(g.avatar, i.avatar))
      IS DISTINCT FROM (i.username, i.global_name, i.avatar)
""")
_LOCK: Final = text("""
SELECT id, role, email, username, deactivated_at IS NOT NULL AS deactivated, password_hash IS NOT NULL AS has_password
FROM users WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
""")
# Includes the account that is about to change, so that all rows are locked in one order.
_LOCK_ADMINS: Final = text("""
WITH held AS MATERIALIZED (
    SELECT id, role = 'admin' AND deactivated_at IS NULL AND password_hash IS NOT NULL AS is_admin FROM users
    WHERE id = :user_id OR role = 'admin' AND deactivated_at IS NULL AND password_hash IS NOT NULL
    ORDER BY id FOR UPDATE
)
SELECT id FROM held WHERE is_admin
""")
_CLAIMABLE: Final = text("""
SELECT i.user_id FROM claim_codes c
JOIN user_identities i ON i.provider = c.provider AND i.external_id = c.external_id
WHERE c.digest = ANY(:digests) AND c.expires_at > :now
""")
_REDEEM: Final = text("""
DELETE FROM claim_codes c USING user_identities i
WHERE c.digest = ANY(:digests) AND c.expires_at > :now AND i.provider = c.provider AND i.external_id = c.external_id
RETURNING i.user_id
""")
_REMOVE_EXPIRED_CODES: Final = text("DELETE FROM claim_codes WHERE expires_at < :now")


class LockedAccount(NamedTuple):
    """Fields of a locked account that the rules depend on."""

    id: UUID
    role: Role
    email: str | None
    username: str | None
    deactivated: bool
    has_password: bool


class LockedIdentity(NamedTuple):
    """User of an outside identity. The account is locked."""

    user_id: UUID
    deactivated: bool
    made: bool = False
    """True if this call created the account."""


class AccountRepository(Repository):
    """Stores users, their identities and claim codes."""

    async def lock_identities(
        self, provider: str, external_ids: Collection[str], *, now: datetime
    ) -> dict[str, LockedIdentity]:
        """Lock the users behind outside identities until the transaction ends. Creates users for unknown identities."""
        created: set[UUID] = set()
        locked = await self._locked(provider, external_ids)
        while missing := sorted(set(external_ids) - locked.keys()):
            created |= await self._create(provider, missing, now=now)
            locked = await self._locked(provider, external_ids)  # with users that another transaction created meanwhile
        return {
            external_id: identity._replace(made=identity.user_id in created) for external_id, identity in locked.items()
        }

    async def name_identities(self, provider: str, people: Mapping[str, UserData], *, now: datetime) -> None:
        """Store the given names and avatars of outside identities. Their users must be locked."""
        updates = {external_id: data for external_id, data in sorted(people.items()) if data != UserData()}
        if updates:
            await self.session.execute(
                _UPDATE_IDENTITIES,
                {
                    "provider": provider,
                    "now": now,
                    "external_ids": list(updates),
                    "usernames": [data.username for data in updates.values()],
                    "global_names": [data.global_name for data in updates.values()],
                    "avatars": [data.avatar for data in updates.values()],
                },
            )

    async def known_identity(self, provider: str, external_id: str) -> UUID | None:
        """Return the user of an outside identity, or None. Creates and locks nothing."""
        user_id: UUID | None = (
            await self.session.execute(_KNOWN_IDENTITY, {"provider": provider, "external_id": external_id})
        ).scalar_one_or_none()
        return user_id

    async def _locked(self, provider: str, external_ids: Iterable[str]) -> dict[str, LockedIdentity]:
        identities = {"provider": provider, "external_ids": list(external_ids)}
        rows = await self.session.execute(_LOCK_IDENTITIES, identities)
        return {row.external_id: LockedIdentity(row.user_id, row.deactivated) for row in rows}

    async def _create(self, provider: str, external_ids: Sequence[str], *, now: datetime) -> set[UUID]:
        """Create users for these identities, in this order. Returns the ids of the new users.

        An identity that another transaction has created meanwhile gets no new user.
        """
        user_ids = [new_id() for _ in external_ids]
        identities = {"provider": provider, "external_ids": list(external_ids), "user_ids": user_ids, "now": now}
        used = set((await self.session.execute(_MAKE_IDENTITIES, identities)).scalars())
        if unused := [user_id for user_id in user_ids if user_id not in used]:
            await self.session.execute(_REMOVE_UNUSED, {"ids": unused})
        return used

    async def lock(self, *user_ids: UUID) -> dict[UUID, LockedAccount]:
        """Lock accounts until the transaction ends, so that checks and counts of them stay true."""
        rows = await self.session.execute(_LOCK, {"ids": list(user_ids)})
        return {row.id: LockedAccount(**{**row, "role": Role(row["role"])}) for row in rows.mappings()}

    async def account(self, user_id: UUID) -> Account:
        """Return an account with the changes of this transaction. Raises AccountNotFound."""
        row = (await self.session.execute(ACCOUNT_BY_ID, {"user_id": user_id})).mappings().one_or_none()
        return account_of(None if row is None else dict(row))

    async def add(self, profile: NewProfile, password_hash: str, *, role: Role, now: datetime) -> UUID:
        """Insert an account and return its id. Raises EmailTaken or UsernameTaken, which abort the transaction."""
        user_id = new_id()
        columns = {**_columns(profile), "password_hash": password_hash, "password_changed_at": now}
        with _conflicts_translated():
            await self.session.execute(insert(User).values(id=user_id, role=role.value, created_at=now, **columns))
        return user_id

    async def give_login(self, user_id: UUID, profile: NewProfile, password_hash: str, *, now: datetime) -> None:
        """Add a login to an account that only a bot knew. Raises EmailTaken or UsernameTaken."""
        await self.change(user_id, {**_columns(profile), "password_hash": password_hash, "password_changed_at": now})

    async def change(self, user_id: UUID, columns: Mapping[str, Any]) -> None:
        """Set columns of an account. Raises EmailTaken or UsernameTaken, which abort the transaction."""
        with _conflicts_translated():
            await self.session.execute(update(User).where(User.id == user_id).values(**columns))

    async def replace_password(
        self, user_id: UUID, verified_hash: str | None, new_hash: str, *, now: datetime | None = None
    ) -> bool:
        """Replace the hash that was verified. False if the account has another hash meanwhile.

        `now`: time of the change, if the password itself changes; None if only its hash does.
        """
        values = {"password_hash": new_hash} | ({"password_changed_at": now} if now else {})
        same = User.password_hash.is_not_distinct_from(verified_hash)
        changed = await self.session.execute(
            update(User).where(User.id == user_id, same).values(**values).returning(User.id)
        )
        return changed.scalar_one_or_none() is not None

    async def has_password(self, user_id: UUID, password_hash: str | None) -> bool:
        """True if the account has this hash, as the open transaction sees it."""
        statement = select(User.id).where(User.id == user_id, User.password_hash.is_not_distinct_from(password_hash))
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def lock_admins(self, user_id: UUID) -> set[UUID]:
        """Lock this account and all active admins who can log in. Returns the ids of these admins."""
        return set((await self.session.execute(_LOCK_ADMINS, {"user_id": user_id})).scalars())

    async def delete(self, user_id: UUID) -> None:
        """Delete the account and, by foreign keys, everything that it owns."""
        await self.session.execute(delete(User).where(User.id == user_id))

    async def move_identities(self, user_id: UUID, *, to: UUID) -> None:
        await self.session.execute(update(UserIdentity).where(UserIdentity.user_id == user_id).values(user_id=to))

    async def remove_identity(self, user_id: UUID, provider: str, external_id: str) -> bool:
        """Remove an identity from a person. True if the person had it."""
        statement = delete(UserIdentity).where(
            UserIdentity.user_id == user_id,
            UserIdentity.provider == provider,
            UserIdentity.external_id == external_id,
        )
        return bool((await self.session.execute(statement)).rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it

    async def put_claim_code(self, provider: str, external_id: str, digest: bytes, *, expires_at: datetime) -> None:
        """Store the claim code of an identity. It replaces an earlier code."""
        statement = upsert(ClaimCode).values(
            provider=provider, external_id=external_id, digest=digest, expires_at=expires_at
        )
        await self.session.execute(
            statement.on_conflict_do_update(
                index_elements=[ClaimCode.provider, ClaimCode.external_id],
                set_={"digest": digest, "expires_at": expires_at},
            )
        )

    async def claimable(self, digests: Sequence[bytes], *, now: datetime) -> UUID | None:
        """Return the user behind the identity of a claim code; None if the code is unknown or has expired.

        `digests`: digests of one code, under each accepted secret.
        """
        parameters = {"digests": list(digests), "now": now}
        user_id: UUID | None = (await self.session.execute(_CLAIMABLE, parameters)).scalar()
        return user_id

    async def redeem(self, digests: Sequence[bytes], *, now: datetime) -> UUID | None:
        """Delete a claim code. Returns the user behind its identity; None if the code is unknown or has expired."""
        parameters = {"digests": list(digests), "now": now}
        user_id: UUID | None = (await self.session.execute(_REDEEM, parameters)).scalar()
        return user_id

    async def remove_expired_codes(self, *, now: datetime) -> None:
        await self.session.execute(_REMOVE_EXPIRED_CODES, {"now": now})


def _columns(profile: NewProfile) -> dict[str, Any]:
    return {name: getattr(profile, name) for name in profile.__struct_fields__}


def account_of(row: dict[str, Any] | None) -> Account:
    """Convert a row to an account. Raises AccountNotFound if there is no row."""
    if row is None:
        raise AccountNotFound
    return msgspec.convert(row, Account)


@contextmanager
def _conflicts_translated() -> Iterator[None]:
    """Raise EmailTaken or UsernameTaken for a unique violation, which also covers a name taken a moment ago."""
    try:
        yield
    except IntegrityError as error:
        if "uq_users_email" in str(error.orig):
            raise EmailTaken from error
        if "uq_users_username" in str(error.orig):
            raise UsernameTaken from error
        raise
