"""Players who play for a year, recorded by the product's own comparison, for the benchmarks of the hiscores."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trackers.hiscores.catalogue import KNOWN, Metric, MetricKind
from trackers.hiscores.comparison import Known, MetricValue, Verdict, compare

METRICS: Final[dict[int, Metric]] = dict(enumerate(KNOWN.values(), start=1))
BEGAN: Final = datetime(2016, 1, 1, 6, tzinfo=UTC)
EVERY: Final = timedelta(hours=6)
LOOKS: Final = 4 * 365

_METRICS: Final = """
INSERT INTO hiscore_metrics (id, slug, name, kind, first_seen_at) OVERRIDING SYSTEM VALUE
SELECT id, slug, name, kind, now()
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[]) AS m (id, slug, name, kind)
"""
_PLAYERS: Final = """
WITH made AS (
    INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
    SELECT uuidv7(), 'hiscores', 'regular:p' || n, 'regular:p' || n, 21600, now() FROM generate_series(1, $1) AS n
    RETURNING id, key
)
INSERT INTO hiscore_players (id, target_id, username, display_name, mode, created_at, verified_at)
SELECT uuidv7(), id, substr(key, 9), substr(key, 9), 'regular', now(), now() FROM made ORDER BY length(key), key
"""


async def make_players(connection: Any, players: int) -> list[int]:
    """Numbers of so many players, p1 and on, of whom nothing is recorded; every metric is known."""
    columns = [list(METRICS), *([str(getattr(m, name)) for m in METRICS.values()] for name in ("slug", "name", "kind"))]
    await connection.execute(_METRICS, *columns)
    await connection.execute(_PLAYERS, players)
    rows = await connection.fetch("SELECT no FROM hiscore_players ORDER BY no")
    return [row["no"] for row in rows]


def played(seed: int, looks: int = LOOKS) -> Iterator[tuple[datetime, Verdict]]:
    """What becomes of looks every six hours at somebody who plays about three in four of them.

    A session moves Overall, two to five skills, one to three bosses, now and then the total level and a clue.
    """
    rng = random.Random(seed)  # noqa: S311 -- no secret
    skills = [no for no, m in METRICS.items() if m.kind is MetricKind.SKILL and m.slug != "overall"]
    bosses = [no for no, m in METRICS.items() if m.kind is MetricKind.BOSS]
    overall = next(no for no, m in METRICS.items() if m.slug == "overall")
    total = next(no for no, m in METRICS.items() if m.kind is MetricKind.LEVEL)
    values = {no: rng.randrange(1, 9_000_000) if no in skills else rng.randrange(800) for no in METRICS}
    values[overall], values[total] = sum(values[no] for no in skills), 1_700
    known: Known | None = None
    for number in range(looks):
        at = BEGAN + EVERY * number
        if number and rng.random() < 0.75:
            for no in rng.sample(skills, rng.randint(2, 5)):
                gained = rng.randrange(500, 60_000)
                values[no] += gained
                values[overall] += gained
            for no in rng.sample(bosses, rng.randint(1, 3)):
                values[no] += rng.randrange(1, 40)
            values[total] += rng.random() < 0.1
        seen = {no: MetricValue(value, rng.randrange(1_000, 2_000_000)) for no, value in values.items()}
        verdict = compare(known, seen, METRICS)
        known = Known(entries=verdict.entries, era=verdict.era, since_keyframe=verdict.since_keyframe, fetched_at=at)
        yield at, verdict
