"""Encrypts the addresses of channels: they hold tokens, and a copy of the database must not be enough to send messages.

AES-256-GCM (NIST SP 800-38D) under a key derived from the installation's secret. The channel's id is authenticated too,
so that no address decrypts under another channel. Values of the previous secret decrypt as long as that secret is set.
"""

import secrets
from contextlib import suppress
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.installation_secret import InstallationSecret

NONCE: Final = 12


class Unsealable(Exception):  # noqa: N818 -- named after the state of the value
    """The value was encrypted under another secret, or does not belong to this channel."""


class FieldEncryption:
    """Encrypts and decrypts the addresses of channels."""

    def __init__(self, secret: InstallationSecret) -> None:
        self._ciphers = [AESGCM(key) for key in secret.keys("notification channels")]

    def seal(self, channel_id: UUID, content: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._ciphers[0].encrypt(nonce, content, channel_id.bytes)

    def open(self, channel_id: UUID, sealed: bytes) -> bytes:
        """Decrypt a value of a channel. Raises Unsealable."""
        for cipher in self._ciphers:
            with suppress(InvalidTag):
                return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], channel_id.bytes)
        raise Unsealable("it was encrypted under another secret; remove the channel and add it again")

    def sealed_anew(self, channel_id: UUID, sealed: bytes) -> bytes | None:
        """Return the value encrypted under the current secret; None if it already is. Raises Unsealable."""
        with suppress(InvalidTag):
            self._ciphers[0].decrypt(sealed[:NONCE], sealed[NONCE:], channel_id.bytes)
            return None
        return self.seal(channel_id, self.open(channel_id, sealed))
