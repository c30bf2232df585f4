"""Errors about guilds: KeyForOtherGuilds 403, DuplicateMember 422. GuildNotFound is in `users.access`."""

from shared.errors import Forbidden, Invalid


class KeyForOtherGuilds(Forbidden):
    code = "key_for_other_guilds"

    def __init__(self, guild_id: str) -> None:
        super().__init__(f"This key does not cover the guild {guild_id}; ask the operator for one that does.")


class DuplicateMember(Invalid):
    code = "duplicate_member"
    title = "Named twice"

    def __init__(self, user_id: str, *, position: int) -> None:
        super().__init__(
            f"{user_id} is named twice; name each person once.", extra={"user_id": user_id, "position": position}
        )
