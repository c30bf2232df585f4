"""Numbers of metrics in the database, and the lists of each hiscores table as they were last seen."""

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
"""Seconds after which the metrics are read again, because there may be new names."""
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
    """Numbers of metrics for writers, on the session of the transaction."""

    async def numbered(self, metrics: Iterable[Metric], *, now: datetime) -> dict[str, int]:
        """Return slug -> number. New names get a number; names that are not in the catalogue are logged."""
        by_slug = {metric.slug: metric for metric in metrics}
        known = await self._known()
        if missing := [metric for slug, metric in by_slug.items() if slug not in known]:
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
        return {slug: known[slug] for slug in by_slug}

    async def by_number(self) -> dict[int, Metric]:
        """Return number -> metric for all stored metrics, as this transaction sees them."""
        return {
            row.id: Metric(slug=row.slug, name=row.name, kind=MetricKind(row.kind))
            for row in (await self.session.execute(_ALL)).all()
        }

    async def note_layout(self, mode: GameMode, layout: Layout, *, now: datetime) -> None:
        """Store the present lists of a table."""
        await self.session.execute(
            _NOTE_LAYOUT, {"mode": mode, "skills": layout.skills, "activities": layout.activities, "now": now}
        )

    async def forget_layout(self, mode: GameMode) -> None:
        """Accept the next body of a table, even if its lists are shorter."""
        await self.session.execute(_FORGET_LAYOUT, {"mode": mode})

    async def _known(self) -> dict[str, int]:
        return {row.slug: row.id for row in (await self.session.execute(_ALL)).all()}


class MetricBook:
    """Cached metrics for readers; read from the database again every half minute."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader
        self._metrics: dict[int, Metric] = {}
        self._numbers: dict[str, int] = {}
        self._read_at = float("-inf")

    async def metrics(self) -> Mapping[int, Metric]:
        """Return number -> metric, in the order in which the metrics were first seen."""
        if monotonic() - self._read_at > TRUSTED_FOR:
            await self._read()
        return self._metrics

    async def covering(self, numbers: Iterable[int]) -> Mapping[int, Metric]:
        """Return number -> metric; read the metrics again if any of these numbers is new."""
        known = await self.metrics()
        if not known.keys() >= set(numbers):
            await self._read()
        return self._metrics

    async def find(self, asked: str, *kinds: MetricKind) -> tuple[int | None, Metric]:
        """Return the number and the metric of a slug or name; the number is None if no body has named the metric yet.

        Raises UnknownMetric, or OtherKind if the metric is of none of the given kinds.
        """
        await self.metrics()
        slug = slug_of(asked)
        number = self._numbers.get(slug)
        metric = self._metrics[number] if number is not None else KNOWN.get(slug)
        allowed = frozenset[MetricKind]().union(*(ASKED[kind] for kind in kinds)) if kinds else frozenset(MetricKind)
        if metric is not None and metric.kind not in allowed:
            raise OtherKind(metric.name, str(metric.kind))
        if metric is None:
            slugs = [known.slug for known in self._everything() if known.kind in allowed]
            raise UnknownMetric(asked, get_close_matches(slug, slugs, n=3))
        return number, metric

    async def listed(self) -> list[Metric]:
        """Return every metric of the hiscores: Overall and the total level first, then skills, bosses, activities."""
        await self.metrics()
        return sorted(self._everything(), key=_place)

    async def layout(self, mode: GameMode) -> Layout | None:
        """Return the lists of a table as they were last seen; None if there was no body yet."""
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
