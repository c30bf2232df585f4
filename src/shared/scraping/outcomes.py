"""Outcomes of runs, and the leases of a job on its targets."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.scraping.failures import ScrapeFailure
from shared.scraping.fetch_context import FetchContext
from shared.scraping.repository import Lease
from shared.scraping.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchOutcome:
    """Outcome of one run before it is recorded: a value, unchanged, or a failure."""

    target: Target
    context: FetchContext
    started_at: datetime
    finished_at: datetime
    value: Any = None
    unchanged: bool = False
    failure: ScrapeFailure | None = None
    bug: str | None = None
    rest: float | None = None
    """Seconds for which this failure opened the host's breaker; None if it did not."""

    @property
    def succeeded(self) -> bool:
        return self.failure is None and self.bug is None


@dataclass(frozen=True, kw_only=True, slots=True)
class PostponedFetch:
    """A target that could not be fetched now; this is not a failure."""

    target: Target
    seconds: float


FetchTask = asyncio.Task[FetchOutcome | PostponedFetch]


class LeaseSet:
    """Current leases of a job on its targets; a renewed lease replaces the old one of the same target."""

    def __init__(self, *, until: float) -> None:
        self.until = until
        """Time of the event loop until which results may be recorded."""
        self._claims: dict[UUID, Lease] = {}

    def take(self, targets: Sequence[Target]) -> None:
        self._claims = {target.id: Lease(target.id, target.run_id, target.lease_until) for target in targets}

    def renewed(self, claims: Sequence[Lease]) -> None:
        self._claims.update({claim.target_id: claim for claim in claims})

    def claims(self, targets: Sequence[Target]) -> list[Lease]:
        return [self._claims[target.id] for target in targets]
