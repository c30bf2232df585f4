"""How fresh and how complete what is known is, region by region: part of every list's answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text

from trackers.contracts.news import REGIONS
from trackers.contracts.schemas import RegionCoverage

COVERAGE: Final = text("""
SELECT region_id, complete, why_incomplete, swept_at, complete_at, generation, next_sweep_at, live,
       unread AS items_unread
FROM contract_regions WHERE followed ORDER BY region_id
""")


def coverage_of(rows: Sequence[Mapping[str, Any]], wanted: Sequence[int] | None = None) -> list[RegionCoverage]:
    """Of the regions that are looked at; of those that are wanted only, where some are."""
    return [
        RegionCoverage(name=REGIONS.get(row["region_id"]), **row)
        for row in rows
        if wanted is None or row["region_id"] in wanted
    ]
