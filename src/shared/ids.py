"""Identifiers: UUIDv7 (RFC 9562), so that rows created together are next to each other in an index."""

import secrets
from datetime import UTC, datetime
from typing import ClassVar, Final
from uuid import UUID

from uuid_utils.compat import uuid7

LAST: Final = UUID(int=2**128 - 1)
"""Greater than every identifier: the start of a listing from the newest."""
_AFTER_TIME: Final = 80
"""Number of bits after the milliseconds in a UUIDv7 (RFC 9562, 5.7)."""


class _Dated:
    newest: ClassVar[int] = 0
    """The last identifier with a given time in this process, as a number."""


def new_id(*, at: datetime | None = None) -> UUID:
    """A new identifier, greater than all earlier ones of this process.

    `at` is the time in the identifier, instead of the machine's time; the new identifier is greater than the last one
    with the same time. It is for rows whose age is read from their ids, so that the age follows the injected clock.
    """
    if at is None:
        return uuid7()
    number = uuid7(nanoseconds=int(at.timestamp() * 1000) * 1_000_000).int
    if number >> _AFTER_TIME == _Dated.newest >> _AFTER_TIME:
        # The same millisecond: a random increment keeps the order (RFC 9562, 6.2, method 2).
        number = max(number, _Dated.newest + 1 + secrets.randbits(32))
    _Dated.newest = number
    return UUID(int=number)


def first_id_of(at: datetime) -> UUID:
    """The smallest identifier with this time. A time without a zone is UTC."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return UUID(int=max(0, int(aware.timestamp() * 1000)) << _AFTER_TIME)
