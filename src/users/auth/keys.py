"""Bot keys: made once, shown once, then only compared.

A key reads `trk_<prefix>_<secret>`. The prefix finds the row; the row holds HMAC-SHA256 of the whole key under the
installation's secret, compared in constant time. The secret has 256 random bits, so a slow hash would add nothing.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Final

from msgspec import Struct

from shared.clock import Clock
from shared.errors import Invalid, NotFound, Unauthenticated
from shared.ids import new_id
from shared.settings import Secret
from shared.web.identity import BotIdentity
from users.auth.models import BotKey
from users.auth.repository import BotKeyReader, BotKeyRepository

KEY: Final = re.compile(r"trk_([a-z0-9]{10})_[A-Za-z0-9_-]{43}")
TRUSTED: Final = 1.5
"""Seconds that a verified key is trusted without a look at the database; a revocation holds everywhere after these."""
REMEMBERED: Final = 10_000
"""Verified keys a process remembers at once."""
SCOPE: Final = re.compile(r"[a-z]+(:(read|write))?")


class MadeKey(Struct, frozen=True, kw_only=True):
    """A key just made: the only time that its text is known."""

    prefix: str
    text: str


class KnownKey(Struct, frozen=True, kw_only=True):
    """What may be told of a key."""

    prefix: str
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class BotKeyService:
    """Makes, lists and revokes keys."""

    def __init__(self, *, keys: BotKeyRepository, clock: Clock, secret: Secret) -> None:
        self._keys = keys
        self._clock = clock
        self._secret = secret

    def create(self, name: str, scopes: Sequence[str]) -> MadeKey:
        """A new key; the caller shows its text once. Raises Invalid for a scope that is none."""
        for scope in scopes:
            if not SCOPE.fullmatch(scope):
                raise Invalid(
                    f"{scope!r} is no scope; give a module's name, with :read or :write where less is enough."
                )
        if not name.strip():
            raise Invalid("Give the key a name, so that you know later whose it is.")
        alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
        prefix = "".join(secrets.choice(alphabet) for _ in range(10))
        key = f"trk_{prefix}_{secrets.token_urlsafe(32)}"
        self._keys.add(
            BotKey(
                id=new_id(),
                name=name.strip(),
                prefix=prefix,
                digest=digest(key, self._secret),
                scopes=sorted(set(scopes)),
                created_at=self._clock.now(),
            )
        )
        return MadeKey(prefix=prefix, text=key)

    async def every_key(self) -> list[KnownKey]:
        """Working and revoked ones, oldest first."""
        return [
            KnownKey(
                prefix=key.prefix,
                name=key.name,
                scopes=key.scopes,
                created_at=key.created_at,
                last_used_at=key.last_used_at,
                revoked_at=key.revoked_at,
            )
            for key in await self._keys.every_key()
        ]

    async def revoke(self, prefix: str) -> None:
        """End a key. Raises NotFound where none that works has this prefix."""
        if not await self._keys.revoke(prefix, now=self._clock.now()):
            raise NotFound(f"There is no working key with the prefix {prefix!r}.")


class BotAuthenticator:
    """Tells whose key it is; verified keys are remembered for a moment."""

    def __init__(self, *, keys: BotKeyReader, clock: Clock, secret: Secret) -> None:
        self._keys = keys
        self._clock = clock
        self._secret = secret
        self._verified: dict[str, tuple[float, BotIdentity]] = {}

    async def authenticate(self, key: str) -> BotIdentity:
        """Raises Unauthenticated, with the same words whatever was wrong."""
        known = self._verified.get(key)
        if known is not None and known[0] > monotonic():
            return known[1]
        self._verified.pop(key, None)
        shape = KEY.fullmatch(key)
        row = await self._keys.by_prefix(shape[1]) if shape else None
        if row is None or not hmac.compare_digest(row["digest"], digest(key, self._secret)):
            raise Unauthenticated("The key is not one of ours, or was revoked. Ask the operator for a new one.")
        await self._keys.note_use(row["id"], now=self._clock.now())
        identity = BotIdentity(key_id=row["id"], name=row["name"], scopes=frozenset(row["scopes"]))
        if len(self._verified) >= REMEMBERED:
            self._verified.clear()
        self._verified[key] = (monotonic() + TRUSTED, identity)
        return identity


def digest(key: str, secret: Secret) -> bytes:
    """What is kept of a key: HMAC-SHA256 under the installation's secret (32 bytes)."""
    return hmac.digest(secret.reveal().encode(), key.encode(), hashlib.sha256)
