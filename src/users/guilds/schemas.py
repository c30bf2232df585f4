"""Structs of guilds: requests and responses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from users.accounts.schemas import ExternalId, UserData
from users.guilds.guild_settings import GuildSettings

MEMBERS_AT_ONCE = 1000
"""Maximum number of members in one call."""


class PutGuild(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guild that the bot is in."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    settings: Annotated[
        GuildSettings | None,
        Meta(description="Replaces all settings; those that you omit get their defaults. Without it, nothing changes."),
    ] = None


class GivenMember(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member of a guild."""

    user_id: ExternalId
    user_data: UserData = UserData()
    admin: Annotated[bool, Meta(description="True for an admin of the guild.")] = False


class PutMembers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Members to add to a guild, or to update."""

    members: Annotated[list[GivenMember], Meta(max_length=MEMBERS_AT_ONCE, description="Each person once.")]


class RemoveMembers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People who left a guild."""

    user_ids: Annotated[list[ExternalId], Meta(max_length=MEMBERS_AT_ONCE, description="Each person once.")]


class MembersPut(Struct, frozen=True, kw_only=True):
    """Counts of the given Discord ids. `updated`: became an admin, ceased to be one, or was confirmed."""

    added: int
    updated: int
    unchanged: int


class MembersRemoved(Struct, frozen=True, kw_only=True):
    """Number of given Discord ids that were in the guild."""

    removed: int


class GuildView(Struct, frozen=True, kw_only=True):
    """A guild and its settings."""

    id: str
    name: str
    settings: GuildSettings
    created_at: datetime
    updated_at: datetime


class Guilds(Struct, frozen=True, kw_only=True):
    """A page of guilds, by id."""

    items: list[GuildView]
    page: int
    per_page: int
    total: int


class MyGuild(Struct, frozen=True, kw_only=True):
    """A guild that you are in."""

    id: str
    name: str
    admin: bool
    joined_at: datetime
    confirmed: Annotated[
        bool, Meta(description="False: only a bot limited to this guild added you; it gets none of your data.")
    ]


class MyGuilds(Struct, frozen=True, kw_only=True):
    """A page of your guilds, by name."""

    items: list[MyGuild]
    page: int
    per_page: int
    total: int


class MemberView(Struct, frozen=True, kw_only=True):
    """A member of a guild. Of an unconfirmed member it shows only what the bot reported."""

    user_id: Annotated[UUID | None, Meta(description="null while the membership is not confirmed.")]
    external_id: str | None
    """Discord id that the bot put into the guild."""
    username: Annotated[
        str | None,
        Meta(description="Name of this Discord id; null, like global name and avatar, while unconfirmed."),
    ]
    global_name: str | None
    avatar: str | None
    admin: bool
    joined_at: datetime
    confirmed: Annotated[bool, Meta(description="False: only a bot limited to this guild added this member.")]


class Members(Struct, frozen=True, kw_only=True):
    """A page of members by Discord id. Each id that a bot put is an entry of its own."""

    items: list[MemberView]
    page: int
    per_page: int
    total: int


class MemberIdentity(Struct, frozen=True, kw_only=True):
    """A Discord id of a person that a bot put into a guild."""

    external_id: str
    admin: bool
    joined_at: datetime


class Membership(Struct, frozen=True, kw_only=True):
    """A person's membership of a guild, as in the export of their data."""

    guild_id: str
    name: str
    admin: bool
    joined_at: datetime
    confirmed: Annotated[
        bool, Meta(description="False: only a bot limited to this guild added you; it gets none of your data.")
    ]
    identities: list[MemberIdentity]
