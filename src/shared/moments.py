"""Times as people and bots send them: RFC 3339 and nothing else, within bounds. By itself the decoder would take 0.5
for a moment of 1970.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Moment(datetime):
    """A time with its offset."""


EARLIEST: Final = Moment(1970, 1, 1, tzinfo=UTC)
LATEST: Final = Moment(2200, 1, 1, tzinfo=UTC)
"""Nothing here is older or newer. A time beyond stands for the bound: programs send year 1 or 9999 for "always", and
with an offset that cannot be converted to UTC."""


def is_moment(kind: Any) -> bool:
    return kind is Moment


def read_moment(_: type[Moment], text: Any) -> Moment:
    """Raises ValueError with what was expected."""
    if not isinstance(text, str) or not RFC_3339.fullmatch(text):
        raise ValueError("Expected a time such as 2026-01-31T18:00:00Z")
    moment = Moment.fromisoformat(text.upper())  # RFC 3339 allows small letters, Python 3.11 does not
    return min(max(moment, EARLIEST), LATEST)


def decode_moments(kind: type, value: Any) -> Any:
    """For msgspec, which knows no moments. Raises ValueError with what was expected."""
    if is_moment(kind):
        return read_moment(kind, value)
    raise NotImplementedError(kind)
