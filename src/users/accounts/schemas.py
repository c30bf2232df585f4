"""Structs of accounts: requests, responses and shared field types."""

import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.web.identity import Role

DISCORD: Final = "discord"
"""Provider of the identities that bots report."""
# Means the same in both dialects that read it: Python's `$` accepts a final newline and its `\d` the digits of any
# script; JSON Schema has no `\Z`.
SNOWFLAKE: Final = r"^[0-9]{17,20}$(?!\n)"
ExternalId = Annotated[
    str,
    Meta(
        pattern=SNOWFLAKE,
        description="The person's Discord id (a snowflake).",
        examples=["281474976710656001"],
    ),
]
Username = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,31}$(?!\n)",
        description="3 to 32 letters, digits, dots, dashes and underscores; case does not matter.",
        examples=["ada"],
    ),
]
Email = Annotated[str, Meta(min_length=3, max_length=254, examples=["ada@example.org"])]
DisplayName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
TimeZone = Annotated[
    str, Meta(max_length=64, description="A name of the IANA time zone database.", examples=["Europe/Berlin"])
]
Locale = Annotated[
    str,
    Meta(
        pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$(?!\n)",
        description="Language, optionally with script and region (BCP 47).",
        examples=["de-AT"],
    ),
]
Password = Annotated[
    str,
    Meta(
        min_length=10,
        max_length=256,
        description="At least 10 characters of any kind, so that whole sentences work.",
        examples=["correct horse battery staple"],
    ),
]
GivenPassword = Annotated[str, Meta(max_length=256)]
"""A password that is only compared. It has no minimum length, so that a later rule locks nobody out."""
ClaimText = Annotated[
    str, Meta(min_length=8, max_length=20, description="The code from the bot.", examples=["K7QD-93XM"])
]

ConfirmationToken = Annotated[str, Meta(min_length=1, max_length=100)]


class UserData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names and avatar of the person on Discord. Each call updates them."""

    username: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    global_name: Annotated[str, Meta(max_length=100)] | None = None
    avatar: Annotated[str, Meta(max_length=500)] | None = None


class NewProfile(Struct, frozen=True, kw_only=True):
    """Profile of a new account."""

    email: str | None = None
    username: str | None = None
    display_name: str | None = None
    time_zone: str = "UTC"
    locale: str = "en"


class Register(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new login. With `claim_code` it belongs to the account that the bot already knows."""

    username: Username
    password: Password
    email: (
        Annotated[Email, Meta(description="Also a login when you have confirmed it with the mailed link.")] | None
    ) = None
    display_name: DisplayName | None = None
    time_zone: TimeZone = "UTC"
    locale: Locale = "en"
    claim_code: ClaimText | None = None

    @property
    def profile(self) -> NewProfile:
        return NewProfile(
            email=self.email,
            username=self.username,
            display_name=self.display_name,
            time_zone=self.time_zone,
            locale=self.locale,
        )


class ChangeProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Omitted fields keep their values; null clears a field. `email` and `username` need `current_password`."""

    current_password: GivenPassword | UnsetType = UNSET
    email: (
        Annotated[Email, Meta(description="Is used when you have confirmed it with the mailed link.")]
        | UnsetType
        | None
    ) = UNSET
    username: Username | UnsetType | None = UNSET
    display_name: DisplayName | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET


class EraseAccount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account's password, because an open session alone must not erase the account."""

    current_password: GivenPassword


class ConfirmEmail(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code in the mail, or the `token` of its link."""

    token: ConfirmationToken


class ChangeAccount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of an account by an admin. Omitted fields keep their values."""

    role: Role | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class LinkedIdentity(Struct, frozen=True, kw_only=True):
    """A person's identity elsewhere, such as a Discord user."""

    provider: str
    external_id: str
    username: str | None
    global_name: str | None
    avatar: str | None
    updated_at: datetime


class Account(Struct, frozen=True, kw_only=True):
    """A person's account, as the person and admins see it."""

    id: UUID
    email: str | None
    unconfirmed_email: Annotated[
        str | None, Meta(description="Becomes `email` when you confirm it with the mailed link.")
    ]
    username: str | None
    display_name: str | None
    role: Role
    active: bool
    has_password: bool
    """True if the person can log in; otherwise only a bot knows them."""
    time_zone: str
    locale: str
    created_at: datetime
    identities: list[LinkedIdentity]


class KnownPerson(Struct, frozen=True, kw_only=True):
    """A person as a bot sees them, without e-mail address."""

    id: UUID
    display_name: str | None
    has_login: bool
    """True if the account has a login."""
    active: bool
    time_zone: str
    locale: str
    identities: list[LinkedIdentity]


class AccountPage(Struct, frozen=True, kw_only=True):
    items: list[Account]
    page: int
    per_page: int
    total: int


class Credentials(Struct, frozen=True, kw_only=True):
    """Stored data to check a login against."""

    user_id: UUID
    password_hash: str | None
    deactivated: bool


class PastSession(Struct, frozen=True, kw_only=True):
    """A session, current or ended."""

    id: UUID
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_because: str | None
    user_agent: str | None
    address: str | None


class MailKind(StrEnum):
    """Kind of a mail about an account's address: a link that confirms it, or a notice of its change or removal."""

    CONFIRMATION = "confirmation"
    CHANGE = "change"
    REMOVAL = "removal"


class SentMail(Struct, frozen=True, kw_only=True):
    """A mail about an account's address."""

    kind: MailKind
    address: str
    created_at: datetime
    expires_at: datetime


class AskForClaimCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The person who asked the bot for a code."""

    user_id: ExternalId
    user_data: UserData = UserData()


class ClaimCodeMade(Struct, frozen=True, kw_only=True):
    """A claim code. Show it only to the person who asked for it; it replaces the previous code."""

    code: str
    expires_at: datetime


class ClaimIdentity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: ClaimText


class Export(Struct, frozen=True, kw_only=True):
    """Everything that is stored about a person, one part per module."""

    exported_at: datetime
    user_id: UUID
    data: dict[str, Any]


def normalised_login(text: str) -> str:
    """Return an e-mail address or username as it is stored and compared: trimmed, NFC, lower case."""
    return unicodedata.normalize("NFC", text.strip()).lower()
