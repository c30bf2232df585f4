"""Identifiers: UUIDv7 (RFC 9562), so that rows made together lie together in an index."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

LAST: Final = UUID(int=2**128 - 1)
"""After every identifier: where reading from the newest begins."""
_AFTER_TIME: Final = 80
"""Bits of a UUIDv7 after its milliseconds (RFC 9562, 5.7)."""


def new_id(*, at: datetime | None = None) -> UUID:
    """A new identifier, later than every one made before it in this process; or one as if made at another time."""
    if at is None:
        return uuid7()
    return uuid7(nanoseconds=int(at.timestamp() * 1000) * 1_000_000)


def first_id_of(at: datetime) -> UUID:
    """No identifier of this moment or later is smaller; a time without a zone is UTC."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return UUID(int=max(0, int(aware.timestamp() * 1000)) << _AFTER_TIME)
