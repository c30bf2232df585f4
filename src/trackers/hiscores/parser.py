"""Parser of the hiscores' bodies into readings: JSON by name, CSV by position. Pure.

Rank and value are read separately: rank -1 means unranked, value -1 means unknown, 0 is a real zero. A skill without
rank at level 1 with experience -1 is unknown; since November 2025 an unranked skill may come with its true experience.
Impossible values (negative, beyond the maximum, a name twice, no Overall) mean that the page has changed.
"""

import re
from collections.abc import Sequence
from typing import Final, NoReturn

import msgspec
from msgspec import Struct

from shared.scraping.failures import HostUnavailable, PageChanged, TargetNotFound
from shared.scraping.pages import HTTP_OK, is_html, is_json, raise_for_page, title_of
from trackers.hiscores.catalogue import (
    ACTIVITIES,
    BOSSES,
    KNOWN,
    OVERALL,
    SKILL_SLUGS,
    SKILLS,
    TOTAL,
    Metric,
    MetricKind,
    activity,
    skill,
    slug_of,
)
from trackers.hiscores.maths import FIRST_HITPOINTS, HIGHEST_VIRTUAL, MAX_XP, level_for
from trackers.hiscores.names import is_name

NOT_FOUND: Final = 404
MAX_ENTRIES: Final = 500
"""Maximum number of entries in a list; the game has 91."""
MAX_UNKNOWN: Final = 100
"""Maximum number of unknown names in a body; more are not new content of the game, but another page."""
MAX_NAME_LENGTH: Final = 80
MAX_SCORE: Final = 2**31 - 1
MAX_RANK: Final = 2**31 - 1
SKILL_FIELDS: Final = 3
_CSV_LINE: Final = re.compile(rb"-?\d{1,12}(,-?\d{1,12}){1,2}")


class MetricReading(Struct, frozen=True, kw_only=True):
    """A metric in a body: experience of a skill, a score, or the total level. None means unknown or unranked."""

    metric: Metric
    value: int | None
    rank: int | None


class HiscoresPage(Struct, frozen=True, kw_only=True):
    """A player in a table; the total level is the last reading."""

    name: str | None
    """The name in the game's spelling, if the body has it."""
    readings: list[MetricReading]
    layout: "Layout"


class Layout(Struct, frozen=True, kw_only=True):
    """Names in the lists of a table, in order."""

    skills: list[str]
    activities: list[str]


BUILT_IN: Final = Layout(skills=list(SKILLS), activities=[*ACTIVITIES, *BOSSES])
"""The lists of the main game as of September 2026."""


class _Skill(Struct):
    name: str
    rank: int
    level: int
    xp: int


class _Activity(Struct):
    name: str
    rank: int
    score: int


class _Body(Struct):
    skills: list[_Skill]
    activities: list[_Activity]
    name: str | None = None


_decoder: Final = msgspec.json.Decoder(_Body)


def raise_for_answer(status: int, body: bytes) -> None:
    """Return if the answer can be read as data; otherwise raise the ScrapeFailure that it means.

    404 means that the player is not in the table. Outages and firewalls send pages with status 200.
    """
    if status == NOT_FOUND:
        raise TargetNotFound("the hiscores have no such player in this table", http_status=status)
    if status == HTTP_OK and body.strip() and not body.lstrip().startswith(b"<"):
        return
    raise_for_page(status, body)
    if status == HTTP_OK and not body.strip():
        raise HostUnavailable("the hiscores answer with an empty body", http_status=status)
    title = f': "{title_of(body)}"' if body.strip() else ""
    if status == HTTP_OK or is_html(body):
        raise HostUnavailable(f"the hiscores show a page instead of data{title}", http_status=status)
    raise PageChanged(f"the hiscores answer {status} with an unrecognised response{title}", http_status=status)


def parse_json(body: bytes) -> HiscoresPage:
    """Parse a body of `index_lite.json`. Raises PageChanged with the difference."""
    if not is_json(body):
        raise PageChanged(f'the answer of the hiscores is not JSON: "{title_of(body)}"')
    try:
        read = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PageChanged(f"the hiscores' JSON has an unexpected format: {error}") from error
    return _page(
        [(entry.name, entry.rank, entry.level, entry.xp) for entry in read.skills],
        [(entry.name, entry.rank, entry.score) for entry in read.activities],
        name=read.name if read.name and is_name(read.name) else None,
    )


def parse_csv(body: bytes, layout: Layout) -> HiscoresPage:
    """Parse a body of `index_lite.ws` by position, in a layout of exactly the same length. Raises PageChanged."""
    lines = body.split()
    if len(lines) > MAX_ENTRIES or not all(_CSV_LINE.fullmatch(line) for line in lines):
        raise PageChanged("the hiscores' CSV has an unexpected format")
    rows = [[int(number) for number in line.split(b",")] for line in lines]
    skills = [row for row in rows if len(row) == SKILL_FIELDS]
    activities = rows[len(skills) :]
    if any(len(row) == SKILL_FIELDS for row in activities):
        raise PageChanged("the hiscores' CSV mixes skills with activities")
    if (len(skills), len(activities)) != (len(layout.skills), len(layout.activities)):
        raise PageChanged(
            f"the hiscores' CSV has {len(skills)} skills and {len(activities)} activities instead of "
            f"{len(layout.skills)} and {len(layout.activities)}, so they cannot be matched to names"
        )
    return _page(
        [(name, *_three(row)) for name, row in zip(layout.skills, skills, strict=True)],
        [(name, *_two(row)) for name, row in zip(layout.activities, activities, strict=True)],
        name=None,
    )


def _three(row: Sequence[int]) -> tuple[int, int, int]:
    return row[0], row[1], row[2]


def _two(row: Sequence[int]) -> tuple[int, int]:
    return row[0], row[1]


def _page(
    skills: Sequence[tuple[str, int, int, int]], activities: Sequence[tuple[str, int, int]], *, name: str | None
) -> HiscoresPage:
    if len(skills) > MAX_ENTRIES or len(activities) > MAX_ENTRIES:
        _changed("has more entries than the game could have")
    readings = [_skill_reading(*entry) for entry in skills if _is_nameable(entry[0])]
    slugs = [reading.metric.slug for reading in readings]
    if OVERALL not in slugs or not set(slugs) & (SKILL_SLUGS - {OVERALL}):
        _changed("has no Overall, or no known skill")
    readings += [_activity_reading(*entry) for entry in activities if _is_nameable(entry[0])]
    slugs = [reading.metric.slug for reading in readings]
    if len(set(slugs)) < len(slugs):
        twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
        _changed(f"has duplicate names: {', '.join(twice[:5])}")
    unknown = [slug for slug in slugs if slug not in KNOWN]
    if len(unknown) > MAX_UNKNOWN:
        _changed(f"has {len(unknown)} unknown names")
    overall = next(entry for entry in skills if slug_of(entry[0]) == OVERALL)
    readings.append(_total(overall, readings))
    layout = Layout(skills=[entry[0] for entry in skills], activities=[entry[0] for entry in activities])
    return HiscoresPage(name=name, readings=readings, layout=layout)


def _skill_reading(name: str, rank: int, level: int, xp: int) -> MetricReading:
    metric = _named(skill(name))
    most = MAX_XP * MAX_ENTRIES if metric.slug == OVERALL else MAX_XP
    if not -1 <= xp <= most or not -1 <= rank <= MAX_RANK or not 0 <= level <= HIGHEST_VIRTUAL * MAX_ENTRIES:
        _changed(f"shows {metric.name} at rank {rank}, level {level}, experience {xp}")
    return MetricReading(metric=metric, value=xp if xp >= 0 else None, rank=rank if rank > 0 else None)


def _activity_reading(name: str, rank: int, score: int) -> MetricReading:
    metric = _named(activity(name))
    if not -1 <= score <= MAX_SCORE or not -1 <= rank <= MAX_RANK:
        _changed(f"shows {metric.name} at rank {rank}, score {score}")
    return MetricReading(metric=metric, value=score if score >= 0 else None, rank=rank if rank > 0 else None)


def _is_nameable(name: str) -> bool:
    """True if the name of an entry is usable. Other entries are left out, so that they do not fail the whole table."""
    return bool(slug_of(name)) and len(name) <= MAX_NAME_LENGTH and name.isprintable()


def _named(metric: Metric) -> Metric:
    return KNOWN.get(metric.slug, metric)


def _total(overall: tuple[str, int, int, int], readings: Sequence[MetricReading]) -> MetricReading:
    """Return the total level: the table's own, or the sum of known levels if that is larger.

    The rank always comes from the Overall row.
    """
    _, rank, level, xp = overall
    summed = sum(
        level_for(reading.value) if reading.value is not None else _first_level(reading.metric.slug)
        for reading in readings
        if reading.metric.kind is MetricKind.SKILL and reading.metric.slug != OVERALL
    )
    known = xp >= 0 or any(
        reading.value is not None and reading.metric.kind is MetricKind.SKILL for reading in readings
    )
    return MetricReading(metric=TOTAL, value=max(level, summed) if known else None, rank=rank if rank > 0 else None)


def _first_level(slug: str) -> int:
    return FIRST_HITPOINTS if slug == "hitpoints" else 1


def _changed(what: str) -> NoReturn:
    raise PageChanged(f"the hiscores' body {what}")
