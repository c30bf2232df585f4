"""What people send to log in, and what they get."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from shared.web.identity import Role
from users.accounts.schemas import GivenPassword, Password


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The e-mail address or username, and the password."""

    login: Annotated[str, Meta(min_length=1, max_length=320, examples=["ada@example.org"])]
    password: GivenPassword


class Refresh(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(max_length=200, description="The newest one; each is good for one use.")]


class ChangePassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    current_password: GivenPassword
    new_password: Password


class Tokens(Struct, frozen=True, kw_only=True):
    """What a login or refresh gives (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    """Seconds that the access token is good for."""
    refresh_token: str
    refresh_expires_at: datetime
    """When the session ends, however often it is refreshed."""
    user_id: UUID


class Client(Struct, frozen=True, kw_only=True):
    """From where somebody logs in."""

    address: str
    user_agent: str | None


class WhoIAm(Struct, frozen=True, kw_only=True):
    """Whose token this is."""

    user_id: UUID
    role: Role
    session_id: UUID
    expires_at: datetime


class SessionView(Struct, frozen=True, kw_only=True):
    """A login that goes on."""

    id: UUID
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    user_agent: str | None
    address: str | None
    current: bool
    """Whether it is the one that asks."""


class SessionList(Struct, frozen=True, kw_only=True):
    items: list[SessionView]


class EndedSessions(Struct, frozen=True, kw_only=True):
    ended: int


class CreateKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bot's key: its name, what it opens, and the guilds that it may speak for (leave out for all)."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(min_length=1, max_length=50)]
    guild_ids: Annotated[list[Annotated[str, Meta(max_length=20)]], Meta(min_length=1, max_length=1000)] | None = None


class MadeKey(Struct, frozen=True, kw_only=True):
    """A key just made: the only time that its text is known."""

    prefix: str
    text: str


class KnownKey(Struct, frozen=True, kw_only=True):
    """What may be told of a key."""

    prefix: str
    name: str
    scopes: list[str]
    guild_ids: list[str] | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class KnownKeys(Struct, frozen=True, kw_only=True):
    items: list[KnownKey]
