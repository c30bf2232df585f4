"""What bots and guild admins send, and what they get to see."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from users.accounts.schemas import ExternalId, UserData
from users.guilds.guild_settings import GuildSettings

MEMBERS_AT_ONCE = 1000
"""Members that one call may name."""


class PutGuild(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guild that the bot is in."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    settings: Annotated[
        GuildSettings | None, Meta(description="All of them, what is not named at its default; left out: as they were.")
    ] = None


class GivenMember(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody in a guild."""

    user_id: ExternalId
    user_data: UserData = UserData()
    admin: Annotated[bool, Meta(description="Whether they run the guild.")] = False


class PutMembers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People to add to a guild, or to bring up to date."""

    members: Annotated[list[GivenMember], Meta(max_length=MEMBERS_AT_ONCE, description="Nobody twice.")]


class RemoveMembers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People who left a guild."""

    user_ids: Annotated[list[ExternalId], Meta(max_length=MEMBERS_AT_ONCE, description="Nobody twice.")]


class MembersPut(Struct, frozen=True, kw_only=True):
    """What a bulk call did, by given Discord id; `updated`: became or ceased to be an admin, or was confirmed."""

    added: int
    updated: int
    unchanged: int


class MembersRemoved(Struct, frozen=True, kw_only=True):
    """How many of the given Discord ids were in the guild."""

    removed: int


class GuildView(Struct, frozen=True, kw_only=True):
    """A guild and what it has settled."""

    id: str
    name: str
    settings: GuildSettings
    created_at: datetime
    updated_at: datetime


class Guilds(Struct, frozen=True, kw_only=True):
    """Guilds by id."""

    items: list[GuildView]
    page: int
    per_page: int
    total: int


class MyGuild(Struct, frozen=True, kw_only=True):
    """A guild that the asker is in."""

    id: str
    name: str
    admin: bool
    joined_at: datetime
    confirmed: Annotated[
        bool, Meta(description="False: only the guild's own bot says so, and it learns nothing of the member's things.")
    ]


class MyGuilds(Struct, frozen=True, kw_only=True):
    """One's own guilds, by name."""

    items: list[MyGuild]
    page: int
    per_page: int
    total: int


class MemberView(Struct, frozen=True, kw_only=True):
    """Somebody in a guild; of an unconfirmed member only what the bot said."""

    user_id: Annotated[UUID | None, Meta(description="null while the membership is not confirmed.")]
    external_id: str | None
    """The Discord id that the bot put into the guild."""
    username: Annotated[
        str | None,
        Meta(description="Of this Discord id, as global name and avatar; null while the membership is not confirmed."),
    ]
    global_name: str | None
    avatar: str | None
    admin: bool
    joined_at: datetime
    confirmed: Annotated[bool, Meta(description="False: only the guild's own bot says that they are a member.")]


class Members(Struct, frozen=True, kw_only=True):
    """Members by Discord id, each id that a bot put on its own."""

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
    """A person's place in a guild, as they get it in the export of their data."""

    guild_id: str
    name: str
    admin: bool
    joined_at: datetime
    confirmed: Annotated[
        bool, Meta(description="False: only the guild's own bot says so, and it learns nothing of the member's things.")
    ]
    identities: list[MemberIdentity]
