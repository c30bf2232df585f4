"""All SQL about accounts."""

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
# Users are locked before their identities, by everybody, in the order of their ids.
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
# With the account that is about to change, so that all of them are locked in one order.
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
    """What the rules ask of an account that is held."""

    id: UUID
    role: Role
    email: str | None
    username: str | None
    deactivated: bool
    has_password: bool


class LockedIdentity(NamedTuple):
    """Whose outside identity it is; the account is held."""

    user_id: UUID
    deactivated: bool
    made: bool = False
    """Whether this call made the account."""


class AccountRepository(Repository):
    """Users and their identities."""

    async def lock_identities(
        self, provider: str, external_ids: Collection[str], *, now: datetime
    ) -> dict[str, LockedIdentity]:
        """The users behind outside identities, made on first sight, held until the transaction ends."""
        made: set[UUID] = set()
        locked = await self._locked(provider, external_ids)
        while missing := sorted(set(external_ids) - locked.keys()):
            made |= await self._make(provider, missing, now=now)
            locked = await self._locked(provider, external_ids)  # of those whom somebody else made meanwhile, theirs
        return {one: identity._replace(made=identity.user_id in made) for one, identity in locked.items()}

    async def name_identities(self, provider: str, people: Mapping[str, UserData], *, now: datetime) -> None:
        """Keep what is told of outside identities; their users are held."""
        told = {external_id: data for external_id, data in sorted(people.items()) if data != UserData()}
        if told:
            await self.session.execute(
                _UPDATE_IDENTITIES,
                {
                    "provider": provider,
                    "now": now,
                    "external_ids": list(told),
                    "usernames": [data.username for data in told.values()],
                    "global_names": [data.global_name for data in told.values()],
                    "avatars": [data.avatar for data in told.values()],
                },
            )

    async def known_identity(self, provider: str, external_id: str) -> UUID | None:
        """Whose an outside identity is; nobody is made, nobody held."""
        found: UUID | None = (
            await self.session.execute(_KNOWN_IDENTITY, {"provider": provider, "external_id": external_id})
        ).scalar_one_or_none()
        return found

    async def _locked(self, provider: str, external_ids: Iterable[str]) -> dict[str, LockedIdentity]:
        identities = {"provider": provider, "external_ids": list(external_ids)}
        rows = await self.session.execute(_LOCK_IDENTITIES, identities)
        return {row.external_id: LockedIdentity(row.user_id, row.deactivated) for row in rows}

    async def _make(self, provider: str, external_ids: Sequence[str], *, now: datetime) -> set[UUID]:
        """New users behind these identities, in this order; none where somebody else was faster."""
        made = [new_id() for _ in external_ids]
        identities = {"provider": provider, "external_ids": list(external_ids), "user_ids": made, "now": now}
        used = set((await self.session.execute(_MAKE_IDENTITIES, identities)).scalars())
        if unused := [user_id for user_id in made if user_id not in used]:
            await self.session.execute(_REMOVE_UNUSED, {"ids": unused})
        return used

    async def lock(self, *user_ids: UUID) -> dict[UUID, LockedAccount]:
        """Hold accounts until the transaction ends, so that what is counted of them stays so."""
        rows = await self.session.execute(_LOCK, {"ids": list(user_ids)})
        return {row.id: LockedAccount(**{**row, "role": Role(row["role"])}) for row in rows.mappings()}

    async def account(self, user_id: UUID) -> Account:
        """An account as this transaction leaves it. Raises AccountNotFound."""
        row = (await self.session.execute(ACCOUNT_BY_ID, {"user_id": user_id})).mappings().one_or_none()
        return account_of(None if row is None else dict(row))

    async def add(self, profile: NewProfile, password_hash: str, *, role: Role, now: datetime) -> UUID:
        """A new account. Raises EmailTaken or UsernameTaken, which end the transaction."""
        user_id = new_id()
        columns = {**_columns(profile), "password_hash": password_hash, "password_changed_at": now}
        with _names_in_words():
            await self.session.execute(insert(User).values(id=user_id, role=role.value, created_at=now, **columns))
        return user_id

    async def give_login(self, user_id: UUID, profile: NewProfile, password_hash: str, *, now: datetime) -> None:
        """Make an account that only a bot knew one that can log in. Raises EmailTaken or UsernameTaken."""
        await self.change(user_id, {**_columns(profile), "password_hash": password_hash, "password_changed_at": now})

    async def change(self, user_id: UUID, columns: Mapping[str, Any]) -> None:
        """Set columns of an account. Raises EmailTaken or UsernameTaken, which end the transaction."""
        with _names_in_words():
            await self.session.execute(update(User).where(User.id == user_id).values(**columns))

    async def replace_password(
        self, user_id: UUID, kept: str | None, fresh: str, *, now: datetime | None = None
    ) -> bool:
        """Put a hash in the place of the one that was verified; `now`: the password itself is another one."""
        values = {"password_hash": fresh} | ({"password_changed_at": now} if now else {})
        same = User.password_hash.is_not_distinct_from(kept)
        changed = await self.session.execute(
            update(User).where(User.id == user_id, same).values(**values).returning(User.id)
        )
        return changed.scalar_one_or_none() is not None

    async def has_password(self, user_id: UUID, kept: str | None) -> bool:
        """Whether an account has this hash, as the transaction that is open sees it."""
        statement = select(User.id).where(User.id == user_id, User.password_hash.is_not_distinct_from(kept))
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def lock_admins(self, user_id: UUID) -> set[UUID]:
        """Active admins who can log in; they and this account stay as they are until the transaction ends."""
        return set((await self.session.execute(_LOCK_ADMINS, {"user_id": user_id})).scalars())

    async def delete(self, user_id: UUID) -> None:
        """The account, and by the keys of the database everything that is owned through it."""
        await self.session.execute(delete(User).where(User.id == user_id))

    async def move_identities(self, user_id: UUID, *, to: UUID) -> None:
        await self.session.execute(update(UserIdentity).where(UserIdentity.user_id == user_id).values(user_id=to))

    async def remove_identity(self, user_id: UUID, provider: str, external_id: str) -> bool:
        """Whether the person had this identity."""
        statement = delete(UserIdentity).where(
            UserIdentity.user_id == user_id,
            UserIdentity.provider == provider,
            UserIdentity.external_id == external_id,
        )
        return bool((await self.session.execute(statement)).rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it

    async def put_claim_code(self, provider: str, external_id: str, digest: bytes, *, expires_at: datetime) -> None:
        """The one code of an identity; an earlier one no longer works."""
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
        """The user behind the identity that a code stands for; None where it is none or is too old.

        `digests`: of the one code, under every secret that is accepted.
        """
        given = {"digests": list(digests), "now": now}
        found: UUID | None = (await self.session.execute(_CLAIMABLE, given)).scalar()
        return found

    async def redeem(self, digests: Sequence[bytes], *, now: datetime) -> UUID | None:
        """Use a code up: the user behind its identity; None as `claimable`."""
        given = {"digests": list(digests), "now": now}
        found: UUID | None = (await self.session.execute(_REDEEM, given)).scalar()
        return found

    async def remove_expired_codes(self, *, now: datetime) -> None:
        await self.session.execute(_REMOVE_EXPIRED_CODES, {"now": now})


def _columns(profile: NewProfile) -> dict[str, Any]:
    return {name: getattr(profile, name) for name in profile.__struct_fields__}


def account_of(row: dict[str, Any] | None) -> Account:
    """Raises AccountNotFound where there is no row."""
    if row is None:
        raise AccountNotFound
    return msgspec.convert(row, Account)


@contextmanager
def _names_in_words() -> Iterator[None]:
    """A name that somebody else has, said so, however short the moment between their asking and ours."""
    try:
        yield
    except IntegrityError as error:
        if "uq_users_email" in str(error.orig):
            raise EmailTaken from error
        if "uq_users_username" in str(error.orig):
            raise UsernameTaken from error
        raise
