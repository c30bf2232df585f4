"""How fresh and how complete what is known is, region by region: part of every list's answer.

Of a region that the operator dropped nobody knows what is on offer there now: what was live counts as `unfollowed`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text

from shared.database import Queries
from trackers.contracts.messages import REGIONS
from trackers.contracts.schemas import RegionCoverage

_COVERAGE: Final = text("""
SELECT region_id, followed, followed AND complete AS complete,
       CASE WHEN followed THEN why_incomplete ELSE 'the operator dropped this region: it is looked at no longer' END
           AS why_incomplete,
       swept_at, complete_at, generation, CASE WHEN followed THEN next_sweep_at END AS next_sweep_at,
       CASE WHEN followed THEN live ELSE 0 END AS live, CASE WHEN followed THEN unread ELSE 0 END AS items_unread
FROM contract_regions ORDER BY region_id
""")
_LAST_COMPLETE: Final = text("""
SELECT r.region_id, coalesce(r.complete_at, t.created_at) AS since
FROM contract_regions r JOIN scrape_targets t ON t.id = r.target_id
WHERE r.followed ORDER BY r.region_id
""")


async def last_complete(questions: Queries) -> dict[int, datetime]:
    """Of every region that is looked at: when it was last read to its end; until then, since when it is followed."""
    return {row["region_id"]: row["since"] for row in await questions.rows(_LAST_COMPLETE)}


async def coverage(questions: Queries) -> list[RegionCoverage]:
    """Of every region that is looked at, or was and holds something still."""
    return [RegionCoverage(name=REGIONS.get(row["region_id"]), **row) for row in await questions.rows(_COVERAGE)]


def of_regions(known: Iterable[RegionCoverage], wanted: Sequence[int] | None) -> list[RegionCoverage]:
    """Of those that are wanted; of all where it does not matter."""
    return [region for region in known if wanted is None or region.region_id in wanted]


def dropped(known: Iterable[RegionCoverage]) -> list[int]:
    """Regions that are looked at no longer."""
    return [region.region_id for region in known if not region.followed]
