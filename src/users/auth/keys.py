"""Bot keys: shown once when they are created, and only compared after that.

A key has the form `trk_<prefix>_<secret>`. The prefix finds the row; the row holds HMAC-SHA256 of the whole key under
the installation's secret, compared in constant time. The secret part has 256 random bits, so a slow hash would add
nothing. While the installation's secret is being replaced, each use of a key renews its digest.
"""

import re
import secrets
from collections.abc import Collection, Sequence
from time import monotonic
from typing import Final
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.errors import Invalid, NotFound, Unauthenticated
from shared.ids import new_id
from shared.installation_secret import InstallationSecret, position_of
from shared.web.identity import BotIdentity, PersonIdentity
from users.access import GuildNotFound
from users.auth.credential_cache import CredentialCache
from users.auth.models import BotKey
from users.auth.repository import BotKeyRepository, BotKeyStore
from users.auth.schemas import KnownKey, KnownKeys, MadeKey
from users.memberships import Memberships

KEY: Final = re.compile(r"trk_([a-z0-9]{10})_[A-Za-z0-9_-]{43}")


class BotKeyService:
    """Creates, lists and revokes keys."""

    def __init__(
        self,
        *,
        keys: BotKeyRepository,
        guilds: Memberships,
        activity: ActivityLog,
        clock: Clock,
        secret: InstallationSecret,
        known_scopes: Collection[str],
    ) -> None:
        self._keys = keys
        self._guilds = guilds
        self._activity = activity
        self._clock = clock
        self._secret = secret
        self._known_scopes = sorted(known_scopes)

    async def create(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        guild_ids: Sequence[str] | None = None,
        asker: PersonIdentity | None = None,
    ) -> MadeKey:
        """Create a key. The caller shows its text once.

        Raises Invalid for an unknown scope, or GuildNotFound for an unknown guild.
        """
        for scope in scopes:
            if scope not in self._known_scopes:
                raise Invalid(
                    f"There is no scope {scope!r}; the scopes are {', '.join(self._known_scopes)}.",
                    extra={"field": "scopes"},
                )
        if guild_ids and (unknown := set(guild_ids) - await self._guilds.known(guild_ids)):
            raise GuildNotFound(min(unknown))
        if not name.strip():
            raise Invalid("Give the key a name, so that you can recognise it later.")
        alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
        prefix = "".join(secrets.choice(alphabet) for _ in range(10))
        key = f"trk_{prefix}_{secrets.token_urlsafe(32)}"
        self._keys.add(
            BotKey(
                id=new_id(),
                name=name.strip(),
                prefix=prefix,
                digest=self._secret.digest(key.encode()),
                secret_id=self._secret.id,
                scopes=sorted(set(scopes)),
                guild_ids=None if guild_ids is None else sorted(set(guild_ids)),
                created_at=self._clock.now(),
            )
        )
        await self._activity.record(
            "bot_key.created",
            subject="bot_key",
            subject_id=prefix,
            actor=asker,
            details={"name": name.strip(), "scopes": sorted(set(scopes)), "guild_ids": guild_ids},
        )
        return MadeKey(prefix=prefix, text=key)

    async def every_key(self) -> KnownKeys:
        """Return all keys, revoked ones included, oldest first."""
        return KnownKeys(
            items=[
                KnownKey(
                    prefix=key.prefix,
                    name=key.name,
                    scopes=key.scopes,
                    guild_ids=key.guild_ids,
                    created_at=key.created_at,
                    last_used_at=key.last_used_at,
                    revoked_at=key.revoked_at,
                )
                for key in await self._keys.every_key()
            ]
        )

    async def revoke(self, prefix: str, *, asker: PersonIdentity | None = None) -> None:
        """Revoke a key. Raises NotFound if no working key has this prefix."""
        if not await self._keys.revoke(prefix, now=self._clock.now()):
            raise NotFound(f"There is no working key with the prefix {prefix!r}.")
        await self._activity.record("bot_key.revoked", subject="bot_key", subject_id=prefix, actor=asker)


class BotAuthenticator:
    """Finds the bot behind a key. Verified keys are cached for a moment."""

    def __init__(self, *, keys: BotKeyStore, clock: Clock, secret: InstallationSecret) -> None:
        self._keys = keys
        self._clock = clock
        self._secret = secret
        self._verified: CredentialCache[BotIdentity] = CredentialCache()

    async def authenticate(self, key: str) -> BotIdentity:
        """Return the bot behind a key. Raises Unauthenticated, with the same message for every reason."""
        known = self._verified.get(key)
        if known is not None:
            return known
        asked_at = monotonic()
        shape = KEY.fullmatch(key)
        row = await self._keys.by_prefix(shape[1]) if shape else None
        digests = self._secret.digests(key.encode())
        if row is None or position_of(row["digest"], digests) is None:
            raise Unauthenticated("The key is invalid or was revoked. Ask the operator for a new one.")
        if row["secret_id"] != self._secret.id:
            await self._keys.renew_digest(row["id"], row["digest"], digests[0], secret_id=self._secret.id)
        await self._keys.note_use(row["id"], now=self._clock.now())
        identity = BotIdentity(
            key_id=row["id"],
            name=row["name"],
            scopes=frozenset(row["scopes"]),
            guild_ids=None if row["guild_ids"] is None else frozenset(row["guild_ids"]),
        )
        self._verified.put(key, identity, asked_at=asked_at)
        return identity

    async def stands(self, key_id: UUID) -> bool:
        """True if a key that was authenticated some time ago still works. Always queries the database."""
        return await self._keys.stands(key_id)
