"""Bot keys, for admins."""

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
    """Bot keys. The text of a key is shown once, when it is created."""

    path = "/keys"
    tags = ("keys",)

    @post("/", operation_id="create_key", status_code=HTTP_201_CREATED)
    async def create_key(self, request: Asking, data: JSONBody[CreateKey], key_service: Keys) -> MadeKey:
        """Create a bot key.

        A scope is the name of a module (`trackers`), or only reading or writing in it (`trackers:read`,
        `trackers:write`). With `guild_ids`, the key may act only for these guilds and their members. The response is
        the only one that contains the key. 404 `guild_not_found` if a guild is unknown, 422 `invalid` if a scope is
        unknown.
        """
        return await key_service.create(data.name, data.scopes, guild_ids=data.guild_ids, asker=request.auth)

    @get("/", operation_id="list_keys")
    async def list_keys(self, key_service: Keys) -> KnownKeys:
        """List all keys, including revoked ones, oldest first.

        `last_used_at` is accurate to the minute.
        """
        return await key_service.every_key()

    @delete("/{prefix:str}", operation_id="revoke_key")
    async def revoke_key(
        self, request: Asking, prefix: Annotated[str, PathParameter(pattern=r"^[a-z0-9]{10}$(?!\n)")], key_service: Keys
    ) -> None:
        """Revoke a key by its prefix.

        `prefix` is the part of the key between the underscores. The key stops working within two seconds. 404 if no
        working key has this prefix.
        """
        await key_service.revoke(prefix, asker=request.auth)
