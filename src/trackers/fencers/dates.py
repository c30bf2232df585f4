"""Parse dates as the site writes them, often without a year. Pure."""

import re
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

BACK: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=334)
"""Pages list events of the next eleven months; a day that would be further ahead was in the last weeks."""
SEASON_BEGINS: Final = 8
"""August is the first month of a fencing season."""
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
    """The text is neither a date nor a note that the date is open."""


class Day(Struct, frozen=True):
    """The day of an event; `on` is None while the day is open."""

    on: date | None
    year_told: bool = False
    """True if the site gives the year; otherwise it is inferred."""


def read_day(text: str, *, packed: str | None, today: date) -> Day:
    """Read a day from `packed` (20260705), which has the year, or else from the shown text (Sat, Oct 4).

    Without a year it is the next such day on or after `today`, up to eleven months ahead. A day that would be further
    ahead was in the last weeks. Raises DateUnreadableError.
    """
    shown = " ".join(text.split()).casefold()
    if packed is not None and packed.strip().strip("0"):
        return Day(_packed(packed.strip()), year_told=True)
    if shown in _OPEN:
        return Day(None)
    if _PACKED.fullmatch(shown):
        return Day(_packed(shown), year_told=True)
    match = _WRITTEN.fullmatch(shown)
    month = _MONTHS.get(match[1][:3]) if match else None
    if match is None or month is None:
        raise DateUnreadableError(text[:60])
    if match[3]:
        return Day(_valid_date(int(match[3]), month, int(match[2]), text), year_told=True)
    return Day(_next(month, int(match[2]), today, text))


def season_of(day: date) -> int:
    """Return the year in which the season of a day ends; seasons begin in August."""
    return day.year + (day.month >= SEASON_BEGINS)


def same_day_of_year(first: date, second: date) -> bool:
    """True if two dates differ in their year at most."""
    return (first.month, first.day) == (second.month, second.day)


def _next(month: int, day: int, today: date, text: str) -> date | None:
    possible = False
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            candidate = date(year, month, day)
        except ValueError:  # the 29th of February, or not a day of the calendar
            continue
        possible = True
        if today - BACK <= candidate <= today + AHEAD:
            return candidate
    if not possible and (month, day) != (2, 29):
        raise DateUnreadableError(text[:60])
    return None


def _packed(text: str) -> date:
    match = _PACKED.fullmatch(text)
    if match is None:
        raise DateUnreadableError(text[:60])
    return _valid_date(int(match[1]), int(match[2]), int(match[3]), text)


def _valid_date(year: int, month: int, day: int, text: str) -> date:
    if not EARLIEST <= year <= LATEST:
        raise DateUnreadableError(text[:60])
    try:
        return date(year, month, day)
    except ValueError as error:
        raise DateUnreadableError(text[:60]) from error
