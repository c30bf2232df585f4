"""The source for Google Flights: fetches and parses searches."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from shared.errors import Invalid
from shared.scraping.failures import Blocked, PageChanged
from shared.scraping.fetch_context import FetchContext, RefusedRedirect
from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.policy import Policy
from shared.scraping.source import Source
from shared.scraping.target import Target
from trackers.flights.errors import ConsentAsked
from trackers.flights.google_query import search_url
from trackers.flights.parser import parse_page
from trackers.flights.providers import GOOGLE_FLIGHTS
from trackers.flights.search import ScrapeQuery, SearchResult
from trackers.flights.settings import GOOGLE, FlightsSettings

HTTP_OK: Final = 200
REFUSED: Final = frozenset({401, 403, 451})
ENABLE: Final = "set TRACKERS_FLIGHTS_ENABLED=true once you may send requests to Google Flights"


class FlightsRecorder(Protocol):
    """Stores answers and failures in the session of the open unit of work."""

    async def record(self, observations: Sequence[Observation[SearchResult]]) -> set[UUID]: ...

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None: ...


class GoogleFlightsSource(Source[SearchResult]):
    """Fetches searches, one page each. The address of a target is the key of its search."""

    name = GOOGLE_FLIGHTS
    followed_by_hand = False
    disabled_because = ENABLE

    def __init__(self, *, settings: FlightsSettings, recorder: Callable[[], FlightsRecorder]) -> None:
        self._recorder = recorder
        self._offers_kept = settings.offers_kept
        self.base_url = settings.google_url
        self.enabled = settings.enabled
        self.policy = Policy(
            host=urlsplit(settings.google_url).netloc,
            delay=settings.delay,
            jitter=min(settings.jitter, settings.delay),
            batch_size=1 if settings.delay >= 1 else settings.batch_size,
            max_in_flight=settings.batch_size,
            timeout=settings.timeout,
            operator_configured=settings.google_url != GOOGLE,
            proxy=settings.google_proxy.reveal() if settings.google_proxy else None,
        )

    def read(self, entered: str) -> tuple[str, str]:
        """Return (key, address), which are both the key of the search. Raises Invalid.

        Example: `google_flights:JFK:LAX:2027-03-01:one-way:1.0.0.0:economy:any:USD`.
        """
        try:
            key = ScrapeQuery.read(entered).key
        except ValueError as error:
            raise Invalid(f"{entered[:80]!r} is not the key of a search: {error}") from error
        return key, key

    async def collect(self, target: Target, context: FetchContext) -> SearchResult:
        query = ScrapeQuery.read(target.address)
        try:
            answer = await context.get(search_url(query, base_url=self.base_url or GOOGLE))
        except RefusedRedirect as error:
            if "consent." in error.location or "/consent" in error.location:
                raise ConsentAsked(f"the site redirected us to its consent page: {error.location[:200]}") from error
            if "/sorry" in error.location:
                raise Blocked(f"the site redirected us to its bot check (CAPTCHA): {error.location[:200]}") from error
            raise
        if "/sorry/" in answer.url:
            raise Blocked("the site redirected us to its bot check (CAPTCHA)", http_status=answer.status)
        if answer.status in REFUSED:
            raise Blocked(f"the site answered {answer.status}", http_status=answer.status)
        if answer.status != HTTP_OK:
            raise PageChanged(f"the site answered {answer.status} to a search", http_status=answer.status)
        return parse_page(answer.body, query, most=self._offers_kept)

    async def record(self, observations: Sequence[Observation[SearchResult]]) -> set[UUID]:
        return await self._recorder().record(observations)

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        await self._recorder().record_failures(failures)
