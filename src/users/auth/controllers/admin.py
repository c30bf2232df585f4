"""Bot keys for admins."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, SkipValidation
from litestar.status_codes import HTTP_201_CREATED

from shared.web.identity import PersonIdentity
from users.auth.keys import BotKeyService
from users.auth.schemas import CreateKey, KnownKeys, MadeKey

Keys = NamedDependency[SkipValidation[BotKeyService]]
Asking = Request[Any, PersonIdentity, Any]


class KeyController(Controller):
    """A key's text is shown once, when it is made."""

    path = "/keys"
    tags = ("keys",)

    @post("/", operation_id="create_key", status_code=HTTP_201_CREATED)
    async def create_key(self, request: Asking, data: JSONBody[CreateKey], key_service: Keys) -> MadeKey:
        """Make a bot's key: with a module's name as scope for all of it, `trackers:read` or `:write` for part.

        With `guild_ids` it speaks for these guilds and their members only. 404 for a guild that nobody told us of,
        422 for a scope that opens nothing.
        """
        return await key_service.create(data.name, data.scopes, guild_ids=data.guild_ids, asker=request.auth)

    @get("/", operation_id="list_keys")
    async def list_keys(self, key_service: Keys) -> KnownKeys:
        """Every key, working and revoked, the oldest first, and when it was last used (to the minute)."""
        return await key_service.every_key()

    @delete("/{prefix:str}", operation_id="revoke_key")
    async def revoke_key(
        self, request: Asking, prefix: Annotated[str, PathParameter(pattern=r"^[a-z0-9]{10}$(?!\n)")], key_service: Keys
    ) -> None:
        """End a key; it stops working within two seconds. `prefix`: its part between the underscores."""
        await key_service.revoke(prefix, asker=request.auth)
