"""Identifiers: UUIDv7 (RFC 9562), so that rows made together lie together in an index."""

import secrets
from datetime import UTC, datetime
from typing import ClassVar, Final
from uuid import UUID

from uuid_utils.compat import uuid7

LAST: Final = UUID(int=2**128 - 1)
"""After every identifier: where reading from the newest begins."""
_AFTER_TIME: Final = 80
"""Bits of a UUIDv7 after its milliseconds (RFC 9562, 5.7)."""


class _Dated:
    newest: ClassVar[int] = 0
    """The last identifier of a given moment in this process, as a number."""


def new_id(*, at: datetime | None = None) -> UUID:
    """A new identifier, later than every one made before it in this process.

    `at`: the moment that it carries instead of the machine's, later than those made just before it for this moment.
    For rows whose age is read from their identifiers: it is the age by the clock that is injected.
    """
    if at is None:
        return uuid7()
    made = uuid7(nanoseconds=int(at.timestamp() * 1000) * 1_000_000).int
    if made >> _AFTER_TIME == _Dated.newest >> _AFTER_TIME:
        # The same millisecond: a random step from the last one keeps the order (RFC 9562, 6.2, method 2).
        made = max(made, _Dated.newest + 1 + secrets.randbits(32))
    _Dated.newest = made
    return UUID(int=made)


def first_id_of(at: datetime) -> UUID:
    """No identifier of this moment or later is smaller; a time without a zone is UTC."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return UUID(int=max(0, int(aware.timestamp() * 1000)) << _AFTER_TIME)
