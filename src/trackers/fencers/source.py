"""The source for fencingtracker.com: fetches and parses the pages of fencers and clubs."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from msgspec import structs

from shared.clock import Clock
from shared.scraping.bounded_parsing import parse_bounded
from shared.scraping.failures import (
    Blocked,
    HostUnavailable,
    LoginRequired,
    PageChanged,
    Reason,
    ScrapeFailure,
    TargetNotFound,
)
from shared.scraping.fetch_context import FetchContext, RefusedRedirect, SiteResponse
from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.pacing import HostCoolingDownError
from shared.scraping.pages import BLOCK_WORDS, HTTP_OK, REFUSED, title_of
from shared.scraping.policy import Policy
from shared.scraping.source import Source
from shared.scraping.target import Target
from trackers.fencers.links import SOURCE, SubjectKind, read_key, slug_in
from trackers.fencers.parser import ClubPage, FencerPage, asks_to_log_in, parse_club, parse_fencer
from trackers.fencers.queries import PageQueries
from trackers.fencers.settings import SITE, FencersSettings

USUAL_DELAY: Final = 5.0
SWITCHED_OFF_FOR: Final = 900.0
"""Seconds by which a fencer's fetch is postponed while their pages are turned off."""
ONE_BY_ONE: Final = 2.0
"""Seconds of delay from which pages are claimed one at a time, strictly clubs before fencers."""
COOLDOWN_LIMIT: Final = 86_400.0
BODY_LIMIT: Final = 4_194_304
_UNAUTHORIZED: Final = 401
_GONE: Final = frozenset({404, 410})
_LOGIN: Final = ("login", "log-in", "signin", "sign-in", "sign_in", "signup", "register", "auth", "account", "session")
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})

Page = FencerPage | ClubPage


class FencersRecorder(Protocol):
    """Stores pages in the session of the open unit of work."""

    async def record(self, observations: Sequence[Observation[Page]]) -> set[UUID]: ...


class FencersSource(Source[Page]):
    """Fetches the pages of fencers and clubs; clubs first, one request at a time."""

    name = SOURCE
    followed_by_hand = False
    parser_version = 2

    def __init__(
        self, *, settings: FencersSettings, recorder: Callable[[], FencersRecorder], pages: PageQueries, clock: Clock
    ) -> None:
        self.base_url = settings.base_url
        self._recorder = recorder
        self._pages = pages
        self._clock = clock
        self._asks_for_fencers = settings.asks_for_fencers
        delay = settings.scrape_delay or USUAL_DELAY
        self.policy = Policy(
            host=settings.base_url.partition("://")[2],
            delay=delay,
            jitter=min(settings.scrape_jitter, delay),
            concurrency=2,
            batch_size=1,
            max_in_flight=1 if delay >= ONE_BY_ONE else 20,
            timeout=settings.timeout,
            obey_robots=True,
            body_limit=BODY_LIMIT,
            breaker_threshold=settings.max_failures,
            cooldown=settings.failure_cooldown * 60,
            cooldown_limit=COOLDOWN_LIMIT,
            retry=60.0,
            pause_after=settings.max_failures,
            pause=settings.failure_cooldown * 60,
            pause_limit=COOLDOWN_LIMIT,
            operator_configured=settings.base_url != SITE,
        )

    def read(self, entered: str) -> tuple[str, str]:
        """Return (key, address) of fencer:100000001, club:100000900, a number or a link. Raises BadReference."""
        reference = read_key(entered)
        return reference.key, reference.address

    async def collect(self, target: Target, context: FetchContext) -> Page:
        reference = read_key(target.key)
        if reference.kind is SubjectKind.FENCER and not self._asks_for_fencers:
            raise HostCoolingDownError(self.policy.host, SWITCHED_OFF_FOR, breaker_open=False)
        try:
            answer = await context.get(f"{self.base_url}{target.address}", conditional=True)
        except RefusedRedirect as error:
            if _is_login(error.location):
                raise LoginRequired("the site redirected us to a login page", http_status=error.http_status) from error
            raise
        raise_for_answer(answer, asked=target.address)
        today, number = self._clock.now().date(), reference.upstream_id
        page: Page
        if reference.kind is SubjectKind.FENCER:
            page = await parse_bounded(parse_fencer, answer.body, upstream_id=number, today=today)
        else:
            page = await parse_bounded(parse_club, answer.body, upstream_id=number, today=today)
            if not page.tables and (known := await self._pages.listed_on(target.id, today)):
                raise PageChanged(
                    f"layout changed: the club had {known} registrations, and its page has no table of them"
                )
        arrived = urlsplit(answer.url).path
        if page.slug is None and arrived != target.address:  # the site redirected us
            return structs.replace(page, slug=slug_in(arrived, reference.kind, number))
        return page

    async def record(self, observations: Sequence[Observation[Page]]) -> set[UUID]:
        return await self._recorder().record(observations)

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        """Log failed pages: throttled and blocked ones as warnings, all others as errors."""
        log = structlog.get_logger(__name__)
        for failed in failures:
            throttled = failed.failure.reason in {Reason.THROTTLED, Reason.BLOCKED}
            (log.warning if throttled else log.error)(
                "page_throttled" if throttled else "page_failed",
                target=failed.target.key,
                reason=failed.failure.reason.value,
                error=str(failed.failure),
                retry_after=failed.failure.retry_after,
                failures=failed.target.failures + 1,
            )


def raise_for_answer(answer: SiteResponse, *, asked: str) -> None:
    """Return if an answer can be parsed; otherwise raise the ScrapeFailure that it means."""
    if answer.status == _UNAUTHORIZED or (_is_login(answer.url) and not _is_login(asked)):
        raise LoginRequired("the site asks for a login", http_status=answer.status)
    if answer.status in _GONE:
        raise TargetNotFound("the site has no such page", http_status=answer.status)
    title = title_of(answer.body)
    if answer.status in REFUSED or any(words in title.casefold() for words in BLOCK_WORDS):
        raise Blocked(f'the site refuses our requests with {answer.status}: "{title}"', http_status=answer.status)
    failure: ScrapeFailure | None = None
    if answer.status != HTTP_OK:
        failure = HostUnavailable(f"the site answered {answer.status}", http_status=answer.status)
    elif answer.content_type not in _HTML:
        failure = PageChanged(f"the answer is {answer.content_type or 'of no type'}, not HTML")
    elif asks_to_log_in(answer.body):
        failure = LoginRequired("the site shows a login instead of the page", http_status=answer.status)
    if failure is not None:
        raise failure


def _is_login(url: str) -> bool:
    """True if an address is that of a login, by the parts of its path."""
    parts = [part.partition(".")[0] for part in urlsplit(url).path.casefold().split("/")[1:]]
    return bool(parts) and (parts[0] in _LOGIN or (parts[0] in {"users", "user"} and parts[-1] in _LOGIN))
