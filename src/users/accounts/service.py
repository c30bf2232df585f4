"""Rules for accounts, and the operations that other modules use."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.errors import Invalid
from shared.web.identity import BotIdentity, Identity, PersonIdentity, Role
from users.accounts.addresses import AddressService
from users.accounts.errors import (
    AccountDeactivated,
    AccountNotFound,
    IdentityNotFound,
    LastAdmin,
)
from users.accounts.profiles import checked_display_name, checked_email, checked_time_zone
from users.accounts.repository import AccountRepository, LockedAccount
from users.accounts.schemas import Account, ChangeAccount, ChangeProfile, NewProfile, UserData, normalised_login

Confirm: TypeAlias = Callable[[], Awaitable[None]]
"""A check that runs once the account is locked; it raises if the asker may no longer make the change."""


class SessionEnder(Protocol):
    """Ends sessions in the open transaction: the part of authentication that accounts need."""

    async def end_all(self, user_id: UUID, *, because: str) -> None:
        """End every session of a person: at once in this process, within two seconds in the others."""


class CreatedMemberships(Protocol):
    """Guild memberships that count as confirmed because a guild's key created the account."""

    async def end_creation(self, user_ids: Collection[UUID], *, but: Collection[str] = ()) -> None:
        """Make these memberships unconfirmed, except in the guilds `but`: others have now added data to the account."""


class AccountService:
    """Creates, finds and changes accounts, for this and other modules."""

    def __init__(
        self,
        *,
        accounts: AccountRepository,
        addresses: AddressService,
        sessions: SessionEnder,
        memberships: CreatedMemberships,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._addresses = addresses
        self._sessions = sessions
        self._memberships = memberships
        self._activity = activity
        self._clock = clock

    async def from_external(
        self, provider: str, external_id: str, data: UserData, *, by: Identity | None = None
    ) -> UUID:
        """Return the account behind an outside identity, locked until the transaction ends. Creates an unknown one.

        If `by` is a key for all guilds, memberships that only the creation of the account confirmed become unconfirmed.
        Raises AccountDeactivated.
        """
        now = self._clock.now()
        locked = (await self._accounts.lock_identities(provider, [external_id], now=now))[external_id]
        if locked.deactivated:
            raise AccountDeactivated
        await self._accounts.name_identities(provider, {external_id: data}, now=now)
        if not locked.made:
            await self.acted_for(locked.user_id, by)
        return locked.user_id

    async def acted_for(self, user_id: UUID, by: Identity | None, *, guild_id: str | None = None) -> None:
        """Call after a key adds data to an account. If it is a key for all guilds, some memberships become unconfirmed.

        These are the memberships that only the creation of the account confirmed. `guild_id`: the guild for which the
        key acts; the membership there stays confirmed.
        """
        if isinstance(by, BotIdentity) and by.guild_ids is None:
            await self._memberships.end_creation([user_id], but=[guild_id] if guild_id else ())

    async def known_external(self, provider: str, external_id: str) -> UUID | None:
        """Return the account behind an outside identity, or None."""
        return await self._accounts.known_identity(provider, external_id)

    async def from_external_many(self, provider: str, people: Mapping[str, UserData]) -> dict[str, UUID]:
        """Return the locked accounts behind many outside identities, even if deactivated. Creates unknown ones."""
        user_ids, _ = await self.made_or_known(provider, people)
        await self.name(provider, people)
        return user_ids

    async def made_or_known(self, provider: str, external_ids: Collection[str]) -> tuple[dict[str, UUID], set[UUID]]:
        """Return the locked accounts behind outside identities, and the set of accounts that this call created.

        Does not store names of the identities.
        """
        locked = await self._accounts.lock_identities(provider, external_ids, now=self._clock.now())
        user_ids = {external_id: identity.user_id for external_id, identity in locked.items()}
        return user_ids, {identity.user_id for identity in locked.values() if identity.made}

    async def name(self, provider: str, people: Mapping[str, UserData]) -> None:
        """Store the given names and avatars of outside identities. Their accounts must be locked."""
        await self._accounts.name_identities(provider, people, now=self._clock.now())

    async def lock(self, user_id: UUID) -> None:
        """Lock an account until the transaction ends. Raises AccountNotFound or AccountDeactivated."""
        if (await self._locked(user_id)).deactivated:
            raise AccountDeactivated

    async def lock_all(self, user_ids: Collection[UUID]) -> None:
        """Lock accounts until the transaction ends, deactivated ones included, always in the same order."""
        await self._accounts.lock(*user_ids)

    async def create(
        self, profile: NewProfile, password_hash: str, *, role: Role = Role.USER, onto: UUID | None = None
    ) -> UUID:
        """Create an account that can log in, from a `normalised` profile. Returns its id.

        With `onto`, add the login to this account, which only a bot knew; memberships that only its creation confirmed
        then need the person's confirmation. The caller guarantees that the address belongs to the person. Raises
        EmailTaken or UsernameTaken.
        """
        now = self._clock.now()
        if onto is None:
            user_id = await self._accounts.add(profile, password_hash, role=role, now=now)
        else:
            user_id = onto
            await self._accounts.give_login(user_id, profile, password_hash, now=now)
            await self._memberships.end_creation([user_id])
        await self._activity.record("user.registered", subject="user", subject_id=user_id, user_id=user_id)
        return user_id

    async def register(self, profile: NewProfile, password_hash: str, *, onto: UUID | None = None) -> UUID:
        """Like `create`, but the account gets its address only through the mailed link. Raises UsernameTaken."""
        user_id = await self.create(replace(profile, email=None), password_hash, onto=onto)
        if profile.email is not None:
            await self._addresses.ask(user_id, profile.email)
        return user_id

    async def change_profile(
        self, who: PersonIdentity, given: ChangeProfile, *, confirm: Confirm | None = None
    ) -> Account:
        """Change the given fields and return the account. Pass `confirm` if the change needs the password.

        A new address takes effect once its mailed link is used. Raises Invalid or UsernameTaken.
        """
        columns: dict[str, Any] = {
            name: value
            for name in given.__struct_fields__
            if name != "current_password" and (value := getattr(given, name)) is not UNSET
        }
        if not columns:
            return await self._accounts.account(who.user_id)
        fields = sorted(columns)
        if columns.get("display_name"):
            checked_display_name(columns["display_name"])
        if columns.get("email"):
            columns["email"] = checked_email(columns["email"])
        if columns.get("username"):
            columns["username"] = normalised_login(columns["username"])
        if "time_zone" in columns:
            checked_time_zone(columns["time_zone"])
        locked = await self._locked(who.user_id)
        if confirm is not None:
            await confirm()
        email = columns.pop("email", locked.email)
        if not ((email and locked.email) or columns.get("username", locked.username)):
            raise Invalid("Keep a confirmed e-mail address or a username; without them you could not log in.")
        if "email" in fields:
            await self._change_address(locked, email)
        if columns:
            await self._accounts.change(who.user_id, columns)
        await self._activity.record(
            "user.profile_changed",
            subject="user",
            subject_id=who.user_id,
            user_id=who.user_id,
            actor=who,
            details={"fields": fields},
        )
        return await self._accounts.account(who.user_id)

    async def change_account(self, asker: Identity, user_id: UUID, given: ChangeAccount) -> Account:
        """Change a person's role, or activate or deactivate the account. Raises AccountNotFound or LastAdmin."""
        if given.role is Role.USER or given.active is False:
            await self.keep_an_admin(user_id)
        account = await self._locked(user_id)
        now = self._clock.now()
        columns: dict[str, Any] = {}
        if given.role is not UNSET and given.role is not account.role:
            columns["role"] = given.role.value
        if given.active is not UNSET and given.active is account.deactivated:
            columns["deactivated_at"] = None if given.active else now
        if not columns:
            return await self._accounts.account(user_id)
        await self._accounts.change(user_id, columns)
        if columns.get("deactivated_at"):
            await self._sessions.end_all(user_id, because="account deactivated")
        await self._activity.record(
            "user.account_changed",
            subject="user",
            subject_id=user_id,
            user_id=user_id,
            actor=asker,
            details={"role": columns.get("role"), "active": None if given.active is UNSET else given.active},
        )
        return await self._accounts.account(user_id)

    async def make_admin(self, user_id: UUID) -> None:
        """Make a person an admin. Raises AccountNotFound."""
        await self._locked(user_id)
        await self._accounts.change(user_id, {"role": Role.ADMIN.value})
        await self._activity.record("user.made_admin", subject="user", subject_id=user_id, user_id=user_id)

    async def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Set a new password for the operator. Ends all sessions of the person. Raises AccountNotFound."""
        await self._locked(user_id)
        await self._addresses.drop(user_id)
        await self._accounts.change(user_id, {"password_hash": password_hash, "password_changed_at": self._clock.now()})
        await self._sessions.end_all(user_id, because="password set by the operator")
        await self._activity.record("auth.password_set", subject="user", subject_id=user_id, user_id=user_id)

    async def unlink(self, who: PersonIdentity, provider: str, external_id: str) -> None:
        """Remove an outside identity from an account. Raises IdentityNotFound.

        The next call of the bot for this identity creates a new account.
        """
        if not await self._accounts.remove_identity(who.user_id, provider, external_id):
            raise IdentityNotFound("Your account has no such identity.")
        await self._activity.record(
            "user.identity_unlinked",
            subject="user",
            subject_id=who.user_id,
            user_id=who.user_id,
            actor=who,
            details={"provider": provider},
        )

    async def keep_an_admin(self, user_id: UUID) -> None:
        """Call before an account stops being an active admin. Raises LastAdmin if it is the only one."""
        if await self._accounts.lock_admins(user_id) == {user_id}:
            raise LastAdmin

    async def _change_address(self, locked: LockedAccount, email: str | None) -> None:
        """Remove the address at once, or mail a link to another. The current address cancels a pending change."""
        if email is None:
            await self._accounts.change(locked.id, {"email": None})
            await self._addresses.drop(locked.id, removed=locked.email)
        elif email == locked.email:
            await self._addresses.drop(locked.id)
        else:
            await self._addresses.ask(locked.id, email, current=locked.email)

    async def _locked(self, user_id: UUID) -> LockedAccount:
        account = (await self._accounts.lock(user_id)).get(user_id)
        if account is None:
            raise AccountNotFound
        return account


def normalised(profile: NewProfile) -> NewProfile:
    """Return a profile as it is stored. Raises Invalid for an invalid address or time zone, or without any login."""
    if not profile.email and not profile.username:
        raise Invalid("Give an e-mail address or a username to log in with.")
    return NewProfile(
        email=checked_email(profile.email) if profile.email else None,
        username=normalised_login(profile.username) if profile.username else None,
        display_name=checked_display_name(profile.display_name) if profile.display_name else None,
        time_zone=checked_time_zone(profile.time_zone),
        locale=profile.locale,
    )
