"""Dates as the site writes them, often without their year. Pure."""

import re
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

BACK: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=334)
"""Eleven months: a page tells of nothing later, so that a day further off was one of the last weeks."""
SEASON_BEGINS: Final = 8
"""August, in fencing."""
EARLIEST: Final = 1990
LATEST: Final = 2100
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_WRITTEN: Final = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
    r"([a-z]{3,9})\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?(?:,?\s+([0-9]{4}))?(?:\s+at\s.*|\s+[0-9]{1,2}:[0-9]{2}.*)?"
)
_PACKED: Final = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")
_OPEN: Final = frozenset({"", "tbd", "tba", "-", "\u2013", "\u2014", "to be determined", "to be announced"})


class DateUnreadableError(ValueError):
    """A text that is neither a date nor says that there is none yet."""


class Day(Struct, frozen=True):
    """The day of an event; None while it is open."""

    on: date | None
    year_told: bool = False
    """Else the year was worked out."""


def read_day(text: str, *, packed: str | None, today: date) -> Day:
    """A day from `packed` (20260705), which tells the year, else from what is shown (Sat, Oct 4).

    Without a year it is the next such day on or after `today`, up to eleven months ahead; one that would be later was
    in the last weeks. Raises DateUnreadableError.
    """
    shown = " ".join(text.split()).casefold()
    if packed is not None and packed.strip().strip("0"):
        return Day(_packed(packed.strip()), year_told=True)
    if shown in _OPEN:
        return Day(None)
    if _PACKED.fullmatch(shown):
        return Day(_packed(shown), year_told=True)
    found = _WRITTEN.fullmatch(shown)
    month = _MONTHS.get(found[1][:3]) if found else None
    if found is None or month is None:
        raise DateUnreadableError(text[:60])
    if found[3]:
        return Day(_made(int(found[3]), month, int(found[2]), text), year_told=True)
    return Day(_next(month, int(found[2]), today, text))


def season_of(day: date) -> int:
    """The year in which the season of a day ends: it begins in August."""
    return day.year + (day.month >= SEASON_BEGINS)


def same_day_of_year(one: date, other: date) -> bool:
    """Whether two dates differ by their year at most."""
    return (one.month, one.day) == (other.month, other.day)


def _next(month: int, day: int, today: date, text: str) -> date | None:
    possible = False
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:  # the 29th of February, or no day at all
            continue
        possible = True
        if today - BACK <= found <= today + AHEAD:
            return found
    if not possible and (month, day) != (2, 29):
        raise DateUnreadableError(text[:60])
    return None


def _packed(text: str) -> date:
    found = _PACKED.fullmatch(text)
    if found is None:
        raise DateUnreadableError(text[:60])
    return _made(int(found[1]), int(found[2]), int(found[3]), text)


def _made(year: int, month: int, day: int, text: str) -> date:
    if not EARLIEST <= year <= LATEST:
        raise DateUnreadableError(text[:60])
    try:
        return date(year, month, day)
    except ValueError as error:
        raise DateUnreadableError(text[:60]) from error
