"""Channels' addresses hold tokens: whoever reads the database, or a backup of it, shall not write to people.

AES-256-GCM (NIST SP 800-38D) under a key derived from the installation's secret; the channel's id is authenticated
along, so that no address opens under another channel. What the previous secret sealed opens as long as that one is set.
"""

import secrets
from contextlib import suppress
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.installation_secret import InstallationSecret

NONCE: Final = 12


class Unsealable(Exception):  # noqa: N818 -- what it is, not that it is wrong
    """It was sealed under another installation's secret, or is no seal of this channel."""


class FieldEncryption:
    """Seals and opens."""

    def __init__(self, secret: InstallationSecret) -> None:
        self._ciphers = [AESGCM(key) for key in secret.keys("notification channels")]

    def seal(self, channel_id: UUID, content: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._ciphers[0].encrypt(nonce, content, channel_id.bytes)

    def open(self, channel_id: UUID, sealed: bytes) -> bytes:
        """Raises Unsealable."""
        for cipher in self._ciphers:
            with suppress(InvalidTag):
                return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], channel_id.bytes)
        raise Unsealable("it was sealed under another secret of this installation; make the channel anew")

    def sealed_anew(self, channel_id: UUID, sealed: bytes) -> bytes | None:
        """The same content under the current secret; None where it is already. Raises Unsealable."""
        with suppress(InvalidTag):
            self._ciphers[0].decrypt(sealed[:NONCE], sealed[NONCE:], channel_id.bytes)
            return None
        return self.seal(channel_id, self.open(channel_id, sealed))
