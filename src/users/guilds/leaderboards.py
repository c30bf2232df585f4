"""Opt-outs of members from leaderboards: of single guilds, or of all."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from shared.audit.activity import ActivityLog
from shared.web.identity import PersonIdentity
from users.access import GuildNotFound
from users.accounts.schemas import SNOWFLAKE
from users.accounts.service import AccountService
from users.guilds.opt_out_repository import OptOutRepository

MAX_GUILDS: Final = 200


class LeaderboardChoice(Struct, frozen=True, kw_only=True):
    """Leaderboards on which a member does not appear."""

    hidden_everywhere: Annotated[bool, Meta(description="On no guild's leaderboard, also of guilds joined later.")]
    hidden_in: list[str]


class ChooseLeaderboards(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Leaderboards on which a member does not want to appear. The member appears on all others."""

    hidden_everywhere: Annotated[bool, Meta(description="On no guild's leaderboard, also of guilds joined later.")] = (
        False
    )
    hidden_in: Annotated[
        list[Annotated[str, Meta(pattern=SNOWFLAKE)]],
        Meta(max_length=MAX_GUILDS, description="Guilds on whose leaderboards you do not appear."),
    ] = []


class LeaderboardOptOuts:
    """Reads and changes a member's choice. Also its personal data provider."""

    name: Final = "leaderboards"

    def __init__(self, *, opt_outs: OptOutRepository, accounts: AccountService, activity: ActivityLog) -> None:
        self._opt_outs = opt_outs
        self._accounts = accounts
        self._activity = activity

    async def choice_of(self, user_id: UUID) -> LeaderboardChoice:
        return _choice(await self._opt_outs.of(user_id))

    async def choose(self, asker: PersonIdentity, choice: ChooseLeaderboards) -> LeaderboardChoice:
        """Replace the choice. Raises GuildNotFound for a guild that the asker is not in and had not chosen before."""
        user_id = asker.user_id
        await self._accounts.lock(user_id)
        before = await self._opt_outs.of(user_id)
        known = {*before, *await self._opt_outs.guilds_of(user_id)}
        for guild_id in choice.hidden_in:
            if guild_id not in known:
                raise GuildNotFound(guild_id)
        opt_outs: list[str | None] = [None] if choice.hidden_everywhere else []
        opt_outs += sorted(set(choice.hidden_in))
        if opt_outs != before:
            await self._opt_outs.replace(user_id, opt_outs)
            await self._activity.record(
                "user.leaderboards_chosen",
                subject="user",
                subject_id=user_id,
                user_id=user_id,
                actor=asker,
                details=msgspec.to_builtins(_choice(opt_outs)),
            )
        return _choice(opt_outs)

    async def export(self, user_id: UUID) -> LeaderboardChoice:
        return await self.choice_of(user_id)

    async def erase(self, user_id: UUID) -> None:
        await self._opt_outs.replace(user_id, [])

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Merge the opt-outs of two accounts of one person: an opt-out of either account stays."""
        await self._opt_outs.hand_over(user_id, to=to)


def _choice(rows: Sequence[str | None]) -> LeaderboardChoice:
    return LeaderboardChoice(
        hidden_everywhere=None in rows, hidden_in=[guild_id for guild_id in rows if guild_id is not None]
    )
