"""What the operator does with people from the command line."""

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
    """An admin with a login; with a Discord id on the account that a bot knows.

    Anybody may have registered a name: an account that exists is taken over only where `existing` says so, and then
    gets the password, and its sessions end. Raises Invalid, Conflict, or NotFound.
    """
    profile = normalised(NewProfile(email=email, username=username))
    password_hash = await container.users.passwords().hashed(password)
    known = await _who_logs_in(container, email, username)
    accounts = container.users.accounts()
    if known is None:
        if existing:
            raise NotFound("Nobody logs in so; leave --existing out to make the account.")
        onto = await accounts.from_external(DISCORD, discord_id, UserData()) if discord_id else None
        if onto is not None and (await container.users.account_queries().password_hash(onto)) is not None:
            raise Conflict("The person with this Discord id has a login; give that one, with --existing.")
        made: UUID = await accounts.create(profile, password_hash, role=Role.ADMIN, onto=onto)
        return made
    if not existing:
        account = await container.users.account_queries().account(known)
        names = [account.display_name or "no name", *(identity.external_id for identity in account.identities)]
        raise Conflict(
            f"There is an account with this login already: {known} ({', '.join(names)}), registered "
            f"{account.created_at:%Y-%m-%d %H:%M} UTC. Anybody may have made it. --existing makes it an admin's, with "
            "the password that you give and without its sessions."
        )
    await accounts.set_password(known, password_hash)
    await accounts.make_admin(known)
    return known


async def replace_password(container: AppContainer, login: str, password: str) -> None:
    """Another password for who logs in so; their sessions end. Raises NotFound."""
    user_id = await _who_logs_in(container, login)
    if user_id is None:
        raise NotFound(f"Nobody logs in as {login!r}.")
    password_hash = await container.users.passwords().hashed(password)
    await container.users.accounts().set_password(user_id, password_hash)


async def _who_logs_in(container: AppContainer, *logins: str | None) -> UUID | None:
    for login in filter(None, logins):
        known = await container.users.account_queries().credentials(normalised_login(login))
        if known is not None:
            found: UUID = known.user_id
            return found
    return None
