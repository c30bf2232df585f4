"""Times as parameters: RFC 3339 and nothing else. By itself the decoder would take 0.5 for a moment of 1970."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

from litestar.params import QueryParameter

RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Moment(datetime):
    """A time with its offset."""


def is_moment(kind: Any) -> bool:
    return kind is Moment


def read_moment(_: type[Moment], text: str) -> Moment:
    """Raises ValueError with what was expected."""
    if not RFC_3339.fullmatch(text):
        raise ValueError("Expected a time such as 2026-01-31T18:00:00Z")
    return Moment.fromisoformat(text.upper())  # RFC 3339 allows small letters, Python 3.11 does not


Since = Annotated[Moment | None, QueryParameter(description="From this time on.")]
Until = Annotated[Moment | None, QueryParameter(description="Before this time.")]
