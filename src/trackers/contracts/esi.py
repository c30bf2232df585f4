"""Requests of a run to the game's API: counted, within its error budget, and retried if an answer was lost.

https://developers.eveonline.com/docs/services/esi: 100 errors per minute and address, then 420 on every route until
the window ends (`X-ESI-Error-Limit-*`); newer routes count tokens and answer 429 with Retry-After (`X-Ratelimit-*`).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from shared.moments import EARLIEST, LATEST
from shared.scraping.failures import Blocked, HostUnavailable, PageChanged, ScrapeFailure, Throttled
from shared.scraping.fetch_context import SERVER_ERROR, FetchContext, SiteResponse, retry_after
from shared.scraping.pacing import HostCoolingDownError, PacerUnreachableError
from trackers.contracts.runs import AggregationRun

ERROR_LIMITED: Final = 420
TOO_MANY: Final = 429
NO_CONTENT: Final = 204
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
OUTAGES: Final = frozenset({None, 502, 503, 504})
"""Statuses of an outage of the API, as opposed to a problem with the request; None: no answer came."""
GONE: Final = frozenset({NO_CONTENT, FORBIDDEN, NOT_FOUND})
"""Statuses of contracts that were accepted or withdrawn, or that expired, since they were listed."""
JSON: Final = "application/json"
WINDOW: Final = 60.0
"""Seconds of the error budget's window, used if the API does not say how much of it is left."""
MAX_COOLDOWN_S: Final = 3600.0
"""Seconds of the longest cooldown, even if a header asks for more."""
PAUSES: Final = (0.2, 1.0)
"""Seconds before each retry of a request without an answer: servers close connections with requests in flight."""
MAX_PAGES: Final = 1_000
CACHED: Final = timedelta(minutes=30)
"""How long the API caches a region's pages (1800 s in its description), used if an answer does not say it."""
AWAY: Final = (ScrapeFailure, HostCoolingDownError, PacerUnreachableError)
"""Errors after which no further request can be sent now."""
R = TypeVar("R")


class Esi:
    """The API, as used by one fetch of a run."""

    def __init__(
        self, context: FetchContext, run: AggregationRun, *, base_url: str, places: asyncio.Semaphore, error_floor: int
    ) -> None:
        self._fetch = context
        self._run = run
        self._base_url = base_url
        self._places = places
        self._floor = error_floor

    async def get(self, path: str, *, etag: str | None = None) -> SiteResponse:
        """Return an answer of any status that the route may give.

        Raises Throttled (the engine then starts a cooldown of the host for all processes), HostUnavailable and
        LostLeaseError, and Blocked if a 403 or 404 does not come from the API itself.
        """
        headers = {"If-None-Match": etag} if etag else None
        for pause in (*PAUSES, None):
            self._run.check()
            try:
                async with self._places:
                    answer = await self._fetch.get(f"{self._base_url}{path}", headers=headers)
            except HostUnavailable as error:
                failed = status_of(error)
                refused = failed is not None and failed >= SERVER_ERROR
                self._run.tally.answered(failed if refused else None)
                if refused:
                    await self._check_budget(self._fetch.headers)
                # An error status also spends our error budget, so such a request is retried only once.
                if pause is None or error.retry_after is not None or (refused and pause != PAUSES[0]):
                    raise
                await asyncio.sleep(pause)
                continue
            self._run.tally.answered(answer.status)
            if answer.status in {FORBIDDEN, NOT_FOUND} and answer.content_type != JSON:
                why = f"{answer.status} has {answer.content_type or 'no content type'}, so the API did not send it"
                raise Blocked(why, http_status=answer.status)
            if answer.status in {ERROR_LIMITED, TOO_MANY}:
                await self._refused(answer)
            await self._check_budget(answer.headers)
            return answer
        raise AssertionError("unreachable")  # the last attempt raises

    async def _refused(self, answer: SiteResponse) -> None:
        """Start the cooldown of the host at once, because other requests are in flight. Always raises Throttled."""
        if answer.status == ERROR_LIMITED:
            why, wait = "the error budget is spent", _number(answer.headers.get("x-esi-error-limit-reset"))
        else:
            why, wait = "too many requests", retry_after(answer.headers.get("retry-after"), now=self._fetch.clock.now())
        cooldown = min(wait or WINDOW, MAX_COOLDOWN_S)
        await self._fetch.cool_down(cooldown)
        raise Throttled(f"the API answered {answer.status}: {why}", retry_after=cooldown, http_status=answer.status)

    async def _check_budget(self, headers: Mapping[str, str]) -> None:
        """Start a cooldown of the host once the error budget is down to the floor."""
        left = _number(headers.get("x-esi-error-limit-remain"))
        if left is None:
            return
        self._run.tally.budget_left = int(left)
        if left <= self._floor:
            await self._fetch.cool_down(min(_number(headers.get("x-esi-error-limit-reset")) or WINDOW, MAX_COOLDOWN_S))


def status_of(error: HostUnavailable) -> int | None:
    """Status of the answer that caused an error; None if no answer came.

    The error itself then has the status of an earlier answer.
    """
    return None if error.__cause__ is not None else error.http_status


def is_outage(error: BaseException) -> bool:
    """True if the API itself is unavailable (daily restart, gateway, network), and not only the requested path."""
    return isinstance(error, HostUnavailable) and status_of(error) in OUTAGES


async def in_parallel(work: Iterable[Callable[[], Awaitable[R]]], *, limit: int) -> AsyncGenerator[R, None]:
    """Yield results as they complete, with up to `limit` running at once; the first error cancels the rest.

    A caller that stops early must close the generator (`contextlib.aclosing`).
    """
    todo = iter(work)
    under_way: set[asyncio.Future[R]] = set()
    done: set[asyncio.Future[R]] = set()
    try:
        while True:
            while len(under_way) < limit and (start := next(todo, None)) is not None:
                under_way.add(asyncio.ensure_future(start()))
            if not under_way:
                return
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            while done:
                yield done.pop().result()
    finally:
        for future in under_way:
            future.cancel()
        await asyncio.gather(*under_way, *done, return_exceptions=True)


def pages_of(answer: SiteResponse) -> int | None:
    """Number of pages (X-Pages), None without the header. Raises PageChanged unless it is a number up to MAX_PAGES."""
    header = answer.headers.get("x-pages")
    if header is None:
        return None
    pages = _number(header)
    if pages is None or not 0 <= pages <= MAX_PAGES:
        raise PageChanged(f"the X-Pages header is not a valid number of pages: {header[:20]!r}")
    return max(1, int(pages))


def generation_of(answer: SiteResponse) -> datetime | None:
    """Time at which the API made a page and all others of its region (Last-Modified)."""
    return _date(answer.headers.get("last-modified"))


def fresh_for(answer: SiteResponse, *, now: datetime) -> timedelta | None:
    """How long the API has nothing newer: max-age minus Age, otherwise until Expires (RFC 9111, 4.2); up to a day.

    None if the answer does not say it, or is no longer fresh: the time of the next state is then unknown.
    """
    fresh = _freshness_in_headers(answer, now=now)
    return min(fresh, timedelta(days=1)) if fresh else None


def _freshness_in_headers(answer: SiteResponse, *, now: datetime) -> timedelta | None:
    for directive in answer.headers.get("cache-control", "").split(","):
        name, _, value = directive.strip().partition("=")
        if name.lower() == "max-age" and (seconds := _number(value.strip('"'))) is not None:
            age = _number(answer.headers.get("age")) or 0.0
            return max(timedelta(0), timedelta(seconds=seconds - age))
    expires = _date(answer.headers.get("expires"))
    if expires is None:
        return None
    return max(timedelta(0), expires - (_date(answer.headers.get("date")) or now))


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None  # noqa: PLR2004 -- the API sends no number this long


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at if EARLIEST <= at <= LATEST else None
