"""Times in requests: RFC 3339 only, within bounds.

Without this type, msgspec would also accept numbers such as 0.5 as a time in 1970.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Moment(datetime):
    """A time with its offset."""


EARLIEST: Final = Moment(1970, 1, 1, tzinfo=UTC)
LATEST: Final = Moment(2200, 1, 1, tzinfo=UTC)
"""Bounds of all times. An earlier or later time is replaced by the bound: programs send year 1 or 9999 for "always",
and with an offset such a time cannot be converted to UTC."""


def is_moment(kind: Any) -> bool:
    return kind is Moment


def read_moment(_: type[Moment], text: Any) -> Moment:
    """Parse a time and clamp it to the bounds. Raises ValueError if it is not RFC 3339."""
    if not isinstance(text, str) or not RFC_3339.fullmatch(text):
        raise ValueError("Expected a time such as 2026-01-31T18:00:00Z")
    moment = Moment.fromisoformat(text.upper())  # RFC 3339 allows lower case, Python 3.11 does not
    return min(max(moment, EARLIEST), LATEST)


def decode_moments(kind: type, value: Any) -> Any:
    """Decoding hook for msgspec, which does not support Moment. Raises ValueError for an invalid time."""
    if is_moment(kind):
        return read_moment(kind, value)
    raise NotImplementedError(kind)
