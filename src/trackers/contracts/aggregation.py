"""The fetch of a region within a run: sweep it if the API has a newer state, then read items and bids."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.scraping.failures import HostUnavailable, PageChanged
from trackers.contracts.enrichment import Enrichment
from trackers.contracts.esi import CACHED, Esi
from trackers.contracts.region_repository import RegionRepository, RegionState
from trackers.contracts.repository import ContractRepository
from trackers.contracts.runs import AggregationRun
from trackers.contracts.settings import ContractsSettings
from trackers.contracts.sweep import AlertNotifier, Sweep
from trackers.contracts.type_cache import TypeCache

SOON: Final = timedelta(seconds=1)


class RegionReport(Struct, frozen=True, kw_only=True):
    """Result of fetching a region."""

    region_id: int
    changed: bool
    next_fetch_at: datetime


class ContractAggregationService:
    """Fetches regions; writes only within the run's fence."""

    def __init__(
        self, *, settings: ContractsSettings, clock: Clock, types: TypeCache, alerts: Callable[[], AlertNotifier]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._types = types
        self._alerts = alerts

    async def fetch_region(self, region_id: int, esi: Esi, run: AggregationRun) -> RegionReport:
        """Sweep and enrich one region. Raises the API's failures; what was written before stays."""
        run.tally.regions += 1
        steps: list[Sweep | Enrichment] = []
        try:
            if run.first("types"):
                await self._refresh_types(esi, run)
            state = await run.write(lambda session: RegionRepository(session).state(region_id))
            if state is None:
                raise PageChanged(f"region {region_id} is scheduled for fetching but is missing from the regions table")  # noqa: TRY301 -- counted like the API's failures
            await self._sweep(state, esi, run, steps)
            await self._enrich(region_id, esi, run, steps)
        except BaseException:
            run.tally.regions_failed.append(region_id)
            raise
        finally:
            changed = any(step.changed for step in steps)
            if changed:
                await run.write(lambda session: _count(session, region_id))
        return RegionReport(region_id=region_id, changed=changed, next_fetch_at=await self._next(region_id, run))

    async def _refresh_types(self, esi: Esi, run: AggregationRun) -> None:
        """Refresh old types; a failure is only logged, because no region waits for types."""
        try:
            await self._types.refresh(esi, run)
        except (HostUnavailable, PageChanged):
            structlog.get_logger(__name__).warning("types_not_refreshed", exc_info=True)

    async def _sweep(self, state: RegionState, esi: Esi, run: AggregationRun, steps: list[Sweep | Enrichment]) -> None:
        """Sweep the region, unless the API has nothing newer yet; earlier requests would bypass the API's cache."""
        if state.next_sweep_at is not None and state.next_sweep_at > self._clock.now():
            return
        sweep = Sweep(state, esi, run, settings=self._settings, clock=self._clock, alerts=self._alerts)
        steps.append(sweep)
        await sweep.run()

    async def _enrich(self, region_id: int, esi: Esi, run: AggregationRun, steps: list[Sweep | Enrichment]) -> None:
        enrichment = Enrichment(
            region_id,
            esi,
            run,
            settings=self._settings,
            clock=self._clock,
            types=self._types,
            ship_groups=await self._types.ship_groups(esi, run),
            alerts=self._alerts,
        )
        steps.append(enrichment)
        await enrichment.run()

    async def _next(self, region_id: int, run: AggregationRun) -> datetime:
        """Time of the next fetch: the next sweep, or earlier if items or bids are due before it."""
        now = self._clock.now()

        async def step(session: AsyncSession) -> datetime:
            regions, contracts = RegionRepository(session), ContractRepository(session)
            await regions.count(region_id)
            state = await regions.state(region_id)
            items, bids = await contracts.next_due(region_id, now=now)
            sweep = state.next_sweep_at if state else None
            bids = bids if self._settings.bids_limit else None  # bids that are never read stay due
            due = [at for at in (sweep, items, bids) if at is not None]
            return max(min(due), now + SOON) if due else now + CACHED

        return await run.write(step)


async def _count(session: AsyncSession, region_id: int) -> None:
    """Store the counts that would take too long to compute on each read."""
    regions = RegionRepository(session)
    await regions.count(region_id)
    await regions.count_types(region_id)
