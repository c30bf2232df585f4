"""The game's API as a source of the engine: a region is a target, and its fetch takes part in an aggregation run."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.errors import Invalid
from shared.scraping.fetch_context import FetchContext, Postponed
from shared.scraping.observation import Observation
from shared.scraping.policy import Policy
from shared.scraping.source import Source
from shared.scraping.target import Target
from trackers.contracts.aggregation import ContractAggregationService, RegionReport
from trackers.contracts.errors import DatabaseAwayError, LostLeaseError
from trackers.contracts.esi import CACHED, Esi
from trackers.contracts.runs import AggregationRuns
from trackers.contracts.settings import MAX_ID, OFFICIAL, SOURCE, ContractsSettings

INTERVAL: Final = CACHED
"""Time between two fetches of a region if the API does not say when it has a newer state; also the longest backoff."""
AFTER_LOST_LEASE: Final = 5.0
AFTER_DATABASE_AWAY: Final = 30.0
AFTER_DOWNTIME: Final = 5.0


class ContractsSource(Source[RegionReport]):
    """Public contracts of the configured regions."""

    name = SOURCE
    followed_by_hand = False

    def __init__(
        self,
        *,
        settings: ContractsSettings,
        runs: AggregationRuns,
        aggregation: ContractAggregationService,
        clock: Clock,
        contact: str,
    ) -> None:
        self.base_url = settings.base_url
        if not settings.enabled:
            self.disabled_because = "set TRACKERS_CONTRACTS_ENABLED=true"
        elif settings.base_url == OFFICIAL and not contact:
            self.disabled_because = "set TRACKERS_CONTACT: the API requires a contact address from automated clients"
        self.enabled = not self.disabled_because
        self._settings = settings
        self._runs = runs
        self._aggregation = aggregation
        self._clock = clock
        self._places = asyncio.Semaphore(settings.concurrency)
        self.policy = Policy(
            host=settings.base_url.partition("://")[2],
            delay=settings.delay,
            concurrency=settings.concurrency,
            batch_size=100,  # regions that are due together belong to one run
            timeout=settings.timeout,
            max_fetch_seconds=settings.max_fetch_seconds,
            obey_robots=False,  # the site declares it as an API
            operator_configured=settings.base_url != OFFICIAL,
            throttled_statuses=frozenset(),  # 420 and 429 have their own headers here: esi.py reads them
            headers={"Accept": "application/json", "X-Compatibility-Date": settings.compatibility_date},
        )

    def read(self, entered: str) -> tuple[str, str]:
        """Key and address of a region, both its id. Raises Invalid."""
        if not entered.isascii() or not entered.isdigit() or not 0 < int(entered) <= MAX_ID:
            raise Invalid(f"{entered[:30]!r} is not a region id; enter a number such as 10000002.")
        return str(int(entered)), str(int(entered))

    async def collect(self, target: Target, context: FetchContext) -> RegionReport:
        """Fetch a region within the run of this process. Contracts are written during the fetch, page by page.

        Raises Postponed during the game's restart, if the run cannot begin, or if it lost its lease or its database.
        """
        pause = self._settings.pause_at(self._clock.now())
        if pause is not None:
            raise Postponed("the game is restarting", seconds=pause.total_seconds() + AFTER_DOWNTIME)
        try:
            async with self._runs.joined() as run:
                esi = Esi(
                    context,
                    run,
                    base_url=self._settings.base_url,
                    places=self._places,
                    error_floor=self._settings.error_floor,
                )
                report = await self._aggregation.fetch_region(int(target.key), esi, run)
        except LostLeaseError as error:
            structlog.get_logger(__name__).error("run_lost_its_lease", error=str(error))
            raise Postponed("the run lost its lease", seconds=AFTER_LOST_LEASE) from error
        except DatabaseAwayError as error:
            structlog.get_logger(__name__).critical("run_aborted", error=str(error), exc_info=True)
            raise Postponed("the database is unreachable", seconds=AFTER_DATABASE_AWAY) from error
        context.next_fetch_at = report.next_fetch_at
        return report

    async def record(self, observations: Sequence[Observation[RegionReport]]) -> set[UUID]:
        """Return the targets that changed; the fetch has already written everything within the run's fence."""
        return {observation.target.id for observation in observations if observation.value.changed}
