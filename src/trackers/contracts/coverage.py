"""How fresh and complete the stored contracts are, by region: part of every list's answer.

Regions that the operator dropped are no longer fetched, so their live contracts count as `unfollowed`.
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
       CASE WHEN followed THEN why_incomplete ELSE 'the operator dropped this region: it is no longer fetched' END
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


async def last_complete(queries: Queries) -> dict[int, datetime]:
    """Followed region id -> end of its last complete sweep; before the first one, when its target was created."""
    return {row["region_id"]: row["since"] for row in await queries.rows(_LAST_COMPLETE)}


async def coverage(queries: Queries) -> list[RegionCoverage]:
    """Coverage of all followed regions, and of dropped regions that still have contracts."""
    return [RegionCoverage(name=REGIONS.get(row["region_id"]), **row) for row in await queries.rows(_COVERAGE)]


def of_regions(regions: Iterable[RegionCoverage], region_ids: Sequence[int] | None) -> list[RegionCoverage]:
    """Coverage of the given regions, or of all if None are given."""
    return [region for region in regions if region_ids is None or region.region_id in region_ids]


def dropped(regions: Iterable[RegionCoverage]) -> list[int]:
    """Ids of regions that are no longer followed."""
    return [region.region_id for region in regions if not region.followed]
