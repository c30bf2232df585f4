"""How fresh and how complete what is known is, region by region: part of every list's answer.

Of a region that the operator dropped nobody knows what is on offer there now: what was live counts as `unfollowed`.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import text

from shared.database import Questions
from trackers.contracts.news import REGIONS
from trackers.contracts.schemas import RegionCoverage

_COVERAGE: Final = text("""
SELECT region_id, followed, followed AND complete AS complete,
       CASE WHEN followed THEN why_incomplete ELSE 'the operator dropped this region: it is looked at no longer' END
           AS why_incomplete,
       swept_at, complete_at, generation, CASE WHEN followed THEN next_sweep_at END AS next_sweep_at,
       CASE WHEN followed THEN live ELSE 0 END AS live, CASE WHEN followed THEN unread ELSE 0 END AS items_unread
FROM contract_regions ORDER BY region_id
""")


async def coverage(questions: Questions) -> list[RegionCoverage]:
    """Of every region that is looked at, or was and holds something still."""
    return [RegionCoverage(name=REGIONS.get(row["region_id"]), **row) for row in await questions.rows(_COVERAGE)]


def of_regions(known: Iterable[RegionCoverage], wanted: Sequence[int] | None) -> list[RegionCoverage]:
    """Of those that are wanted; of all where it does not matter."""
    return [region for region in known if wanted is None or region.region_id in wanted]


def dropped(known: Iterable[RegionCoverage]) -> list[int]:
    """Regions that are looked at no longer."""
    return [region.region_id for region in known if not region.followed]
