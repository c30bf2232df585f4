"""What can be wrong with a guild: GuildNotFound 404, KeyForOtherGuilds 403, DuplicateMember 422."""

from shared.errors import Forbidden, Invalid, NotFound


class GuildNotFound(NotFound):
    """The same words for one that is not there and one that the asker may not know of."""

    code = "guild_not_found"

    def __init__(self, guild_id: str) -> None:
        super().__init__(f"There is no guild {guild_id} here, or none that you may know of.")


class KeyForOtherGuilds(Forbidden):
    code = "key_for_other_guilds"

    def __init__(self, guild_id: str) -> None:
        super().__init__(f"This key is for other guilds than {guild_id}; ask the operator for one that covers it.")


class DuplicateMember(Invalid):
    code = "duplicate_member"
    title = "Named twice"

    def __init__(self, user_id: str, *, position: int) -> None:
        super().__init__(
            f"{user_id} is named twice; name everybody once.", extra={"user_id": user_id, "position": position}
        )
