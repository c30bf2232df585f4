"""What the operator does with people from the command line."""

from uuid import UUID

from app.container import AppContainer
from shared.errors import NotFound
from shared.web.identity import Role
from users.accounts.schemas import DISCORD, Profile, UserData, normalised_login
from users.accounts.service import normalised


async def admin_known(
    container: AppContainer, *, email: str | None, username: str | None, discord_id: str | None
) -> UUID | None:
    """Make the person an admin whom a login or a Discord id names; None where no account has that login."""
    if discord_id:
        user_id: UUID = await container.users.accounts().from_external(DISCORD, discord_id, UserData())
    else:
        for login in filter(None, (email, username)):
            known = await container.users.account_queries().credentials(normalised_login(login))
            if known is not None:
                user_id = known.user_id
                break
        else:
            return None
    await container.users.accounts().make_admin(user_id)
    return user_id


async def new_admin(container: AppContainer, *, email: str | None, username: str | None, password: str) -> UUID:
    """An admin with a login. Raises Invalid for an address that is none."""
    profile = normalised(Profile(email=email, username=username))
    password_hash = await container.users.passwords().hashed(password)
    made: UUID = await container.users.accounts().create(profile, password_hash, role=Role.ADMIN)
    return made


async def replace_password(container: AppContainer, login: str, password: str) -> None:
    """Another password for who logs in so; their sessions end. Raises NotFound."""
    known = await container.users.account_queries().credentials(normalised_login(login))
    if known is None:
        raise NotFound(f"Nobody logs in as {login!r}.")
    password_hash = await container.users.passwords().hashed(password)
    await container.users.accounts().set_password(known.user_id, password_hash)
    await container.users.session_repository().revoke(
        known.user_id, because="password set by the operator", now=container.clock().now()
    )
