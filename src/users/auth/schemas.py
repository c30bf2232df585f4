"""Structs of authentication: requests and responses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from shared.web.identity import Role
from users.accounts.schemas import GivenPassword, Password


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Login and password; the login is an e-mail address or a username."""

    login: Annotated[str, Meta(min_length=1, max_length=320, examples=["ada@example.org"])]
    password: GivenPassword


class Refresh(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(max_length=200, description="The newest refresh token; each works once.")]


class ChangePassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    current_password: GivenPassword
    new_password: Password


class Tokens(Struct, frozen=True, kw_only=True):
    """Tokens from a login or refresh (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    """Seconds until the access token expires."""
    refresh_token: str
    refresh_expires_at: datetime
    """End of the session, no matter how often it is refreshed."""
    user_id: UUID


class Client(Struct, frozen=True, kw_only=True):
    """Address and user agent from which a login came."""

    address: str
    user_agent: str | None


class WhoIAm(Struct, frozen=True, kw_only=True):
    """Account, session and expiry of an access token."""

    user_id: UUID
    role: Role
    session_id: UUID
    expires_at: datetime


class SessionView(Struct, frozen=True, kw_only=True):
    """A session that has not ended."""

    id: UUID
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    user_agent: str | None
    address: str | None
    current: bool
    """True for the session of this request."""


class SessionList(Struct, frozen=True, kw_only=True):
    items: list[SessionView]


class EndedSessions(Struct, frozen=True, kw_only=True):
    ended: int


class CreateKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bot key: its name, its scopes, and the guilds that it may act for (omit for all)."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(min_length=1, max_length=50)]
    guild_ids: Annotated[list[Annotated[str, Meta(max_length=20)]], Meta(min_length=1, max_length=1000)] | None = None


class MadeKey(Struct, frozen=True, kw_only=True):
    """A new key. Its text is shown only here."""

    prefix: str
    text: str


class KnownKey(Struct, frozen=True, kw_only=True):
    """A key without its text."""

    prefix: str
    name: str
    scopes: list[str]
    guild_ids: list[str] | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class KnownKeys(Struct, frozen=True, kw_only=True):
    items: list[KnownKey]
