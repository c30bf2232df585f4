"""Channels' addresses hold tokens: whoever reads the database, or a backup of it, shall not write to people.

AES-256-GCM (NIST SP 800-38D) under a key derived from the installation's secret; the channel's id is authenticated
along, so that no address opens under another channel.
"""

import secrets
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.settings import Secret
from users.auth.tokens import derived

NONCE: Final = 12


class Unsealable(Exception):  # noqa: N818 -- what it is, not that it is wrong
    """It was sealed under another installation's secret, or is no seal of this channel."""


class Sealing:
    """Seals and opens."""

    def __init__(self, secret: Secret) -> None:
        self._cipher = AESGCM(derived(secret, "notification channels"))

    def seal(self, channel_id: UUID, content: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher.encrypt(nonce, content, channel_id.bytes)

    def open(self, channel_id: UUID, sealed: bytes) -> bytes:
        """Raises Unsealable."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], channel_id.bytes)
        except InvalidTag:
            raise Unsealable("it was sealed under another secret of this installation; make the channel anew") from None
