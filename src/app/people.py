"""Commands of the operator for accounts: create an admin, set a password."""

from uuid import UUID

from app.container import AppContainer
from shared.errors import Conflict, NotFound
from shared.web.identity import Role
from users.accounts.schemas import DISCORD, NewProfile, UserData, normalised_login
from users.accounts.service import normalised


async def create_admin(
    container: AppContainer,
    *,
    email: str | None,
    username: str | None,
    discord_id: str | None,
    password: str,
    existing: bool,
) -> UUID:
    """Create an admin with a login, on the account of the Discord id if it is given; return the user id.

    An existing account is only used with `existing`, because anybody may have registered the name: its password is
    replaced, and its sessions end. Raises Invalid, Conflict or NotFound.
    """
    profile = normalised(NewProfile(email=email, username=username))
    password_hash = await container.users.passwords().hashed(password)
    known = await _who_logs_in(container, email, username)
    accounts = container.users.accounts()
    if known is None:
        if existing:
            raise NotFound("There is no account with this login; leave out --existing to create it.")
        onto = await accounts.from_external(DISCORD, discord_id, UserData()) if discord_id else None
        if onto is not None and (await container.users.account_queries().password_hash(onto)) is not None:
            raise Conflict("The person with this Discord id already has a login; use that login with --existing.")
        user_id: UUID = await accounts.create(profile, password_hash, role=Role.ADMIN, onto=onto)
        return user_id
    if not existing:
        account = await container.users.account_queries().account(known)
        names = [account.display_name or "no name", *(identity.external_id for identity in account.identities)]
        raise Conflict(
            f"There is already an account with this login: {known} ({', '.join(names)}), registered "
            f"{account.created_at:%Y-%m-%d %H:%M} UTC. Anyone could have registered it. With --existing, that "
            "account becomes an admin, its password is replaced with the one you enter, and its sessions end."
        )
    await accounts.set_password(known, password_hash)
    await accounts.make_admin(known)
    return known


async def replace_password(container: AppContainer, login: str, password: str) -> None:
    """Set the password of the account with this login and end its sessions. Raises NotFound if there is none."""
    user_id = await _who_logs_in(container, login)
    if user_id is None:
        raise NotFound(f"There is no account with the login {login!r}.")
    password_hash = await container.users.passwords().hashed(password)
    await container.users.accounts().set_password(user_id, password_hash)


async def _who_logs_in(container: AppContainer, *logins: str | None) -> UUID | None:
    for login in filter(None, logins):
        known = await container.users.account_queries().credentials(normalised_login(login))
        if known is not None:
            user_id: UUID = known.user_id
            return user_id
    return None
