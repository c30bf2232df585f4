"""The numbers that stand for metrics in the tables, and the names of each table's lists, as they were last seen."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from time import monotonic
from typing import Any, Final

import structlog
from sqlalchemy import text

from shared.database import PooledQueries, Repository
from trackers.hiscores.catalogue import KNOWN, OVERALL, TOTAL_LEVEL, Metric, MetricKind, slug_of
from trackers.hiscores.errors import OtherKind, UnknownMetric
from trackers.hiscores.modes import GameMode
from trackers.hiscores.parser import BUILT_IN, Layout

TRUSTED_FOR: Final = 30.0
"""Seconds after which it is looked whether there are new names."""
ASKED: Final = {
    MetricKind.SKILL: frozenset({MetricKind.SKILL, MetricKind.LEVEL}),
    MetricKind.BOSS: frozenset({MetricKind.BOSS}),
    MetricKind.ACTIVITY: frozenset({MetricKind.ACTIVITY}),
}

_ALL: Final = text("SELECT id, slug, name, kind FROM hiscore_metrics ORDER BY id")
_ADD: Final = text("""
INSERT INTO hiscore_metrics (slug, name, kind, first_seen_at)
SELECT n.slug, n.name, n.kind, :now
FROM unnest(CAST(:slugs AS text[]), CAST(:names AS text[]), CAST(:kinds AS text[]))
     WITH ORDINALITY AS n (slug, name, kind, place)
WHERE NOT EXISTS (SELECT FROM hiscore_metrics m WHERE m.slug = n.slug)
ORDER BY n.place
ON CONFLICT (slug) DO NOTHING
""")
_LAYOUT: Final = text("SELECT skills, activities FROM hiscore_tables WHERE mode = :mode")
_NOTE_LAYOUT: Final = text("""
INSERT INTO hiscore_tables (mode, skills, activities, seen_at)
SELECT n.mode, n.skills, n.activities, :now
FROM (
    SELECT CAST(:mode AS text) AS mode, CAST(:skills AS text[]) AS skills, CAST(:activities AS text[]) AS activities
) AS n
WHERE NOT EXISTS (
    SELECT FROM hiscore_tables t WHERE t.mode = n.mode AND t.skills = n.skills AND t.activities = n.activities
)
ON CONFLICT (mode) DO UPDATE SET skills = excluded.skills, activities = excluded.activities, seen_at = excluded.seen_at
""")
_FORGET_LAYOUT: Final = text("DELETE FROM hiscore_tables WHERE mode = :mode")


class MetricNumbers(Repository):
    """Numbers of metrics for who writes, on the session of the transaction."""

    async def numbered(self, metrics: Iterable[Metric], *, now: datetime) -> dict[str, int]:
        """Slug -> number; names that were never seen are taken in, and told of in the log."""
        wanted = {metric.slug: metric for metric in metrics}
        known = await self._known()
        if missing := [metric for slug, metric in wanted.items() if slug not in known]:
            for metric in missing:
                if metric.slug not in KNOWN:
                    structlog.get_logger(__name__).warning(
                        "unknown_metric", slug=metric.slug, name=metric.name, kind=metric.kind
                    )
            await self.session.execute(
                _ADD,
                {
                    "slugs": [metric.slug for metric in missing],
                    "names": [metric.name for metric in missing],
                    "kinds": [str(metric.kind) for metric in missing],
                    "now": now,
                },
            )
            known = await self._known()
        return {slug: known[slug] for slug in wanted}

    async def by_number(self) -> dict[int, Metric]:
        """Everything that was ever seen, as this transaction sees it."""
        return {
            row.id: Metric(slug=row.slug, name=row.name, kind=MetricKind(row.kind))
            for row in (await self.session.execute(_ALL)).all()
        }

    async def note_layout(self, mode: GameMode, layout: Layout, *, now: datetime) -> None:
        """What a table's lists were like just now."""
        await self.session.execute(
            _NOTE_LAYOUT, {"mode": mode, "skills": layout.skills, "activities": layout.activities, "now": now}
        )

    async def forget_layout(self, mode: GameMode) -> None:
        """Take the next body of a table as it comes, however short its lists are."""
        await self.session.execute(_FORGET_LAYOUT, {"mode": mode})

    async def _known(self) -> dict[str, int]:
        return {row.slug: row.id for row in (await self.session.execute(_ALL)).all()}


class MetricBook:
    """What is counted, for who reads; looked up again every half a minute."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader
        self._metrics: dict[int, Metric] = {}
        self._numbers: dict[str, int] = {}
        self._read_at = float("-inf")

    async def metrics(self) -> Mapping[int, Metric]:
        """By number, in the order in which they were first seen."""
        if monotonic() - self._read_at > TRUSTED_FOR:
            await self._read()
        return self._metrics

    async def covering(self, numbers: Iterable[int]) -> Mapping[int, Metric]:
        """By number; looked up anew where one of these is new."""
        known = await self.metrics()
        if not known.keys() >= set(numbers):
            await self._read()
        return self._metrics

    async def find(self, asked: str, *kinds: MetricKind) -> tuple[int | None, Metric]:
        """A metric by its slug or name; its number is None where no body ever named it.

        Raises UnknownMetric, or OtherKind for one that is of none of the kinds.
        """
        await self.metrics()
        slug = slug_of(asked)
        number = self._numbers.get(slug)
        metric = self._metrics[number] if number is not None else KNOWN.get(slug)
        allowed = frozenset[MetricKind]().union(*(ASKED[kind] for kind in kinds)) if kinds else frozenset(MetricKind)
        if metric is not None and metric.kind not in allowed:
            raise OtherKind(metric.name, str(metric.kind))
        if metric is None:
            there = [one.slug for one in self._everything() if one.kind in allowed]
            raise UnknownMetric(asked, get_close_matches(slug, there, n=3))
        return number, metric

    async def listed(self) -> list[Metric]:
        """Everything that the hiscores count: Overall and the total level first, then skills, bosses, activities."""
        await self.metrics()
        return sorted(self._everything(), key=_place)

    async def layout(self, mode: GameMode) -> Layout | None:
        """A table's lists as they were last seen; None: never."""
        row = await self._reader.row(_LAYOUT, {"mode": mode})
        return None if row is None else Layout(**row)

    def _everything(self) -> list[Metric]:
        return list({**KNOWN, **{metric.slug: metric for metric in self._metrics.values()}}.values())

    async def _read(self) -> None:
        rows: Sequence[dict[str, Any]] = await self._reader.rows(_ALL)
        self._metrics = {
            row["id"]: Metric(slug=row["slug"], name=row["name"], kind=MetricKind(row["kind"])) for row in rows
        }
        self._numbers = {metric.slug: number for number, metric in self._metrics.items()}
        self._read_at = monotonic()


_KINDS: Final = (MetricKind.LEVEL, MetricKind.SKILL, MetricKind.BOSS, MetricKind.ACTIVITY)
_ORDER: Final = {
    slug: place
    for place, slug in enumerate((OVERALL, TOTAL_LEVEL, *map(slug_of, (*BUILT_IN.skills, *BUILT_IN.activities))))
}


def _place(metric: Metric) -> tuple[int, int, str]:
    first = 0 if metric.slug in {OVERALL, TOTAL_LEVEL} else 1 + _KINDS.index(metric.kind)
    return first, _ORDER.get(metric.slug, len(_ORDER)), metric.name
