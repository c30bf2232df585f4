"""The game's API as a run asks it: counted, within its error budget, with retries where an answer was lost.

https://developers.eveonline.com/docs/services/esi: 100 errors a minute and address, then 420 on every route until the
window ends (`X-ESI-Error-Limit-*`); newer routes count tokens and answer 429 with Retry-After (`X-Ratelimit-*`).
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
"""How it shows that the API is away, rather than at odds with what was asked for; None: no answer came."""
GONE: Final = frozenset({NO_CONTENT, FORBIDDEN, NOT_FOUND})
"""How the API says that a contract was accepted, withdrawn or ran out meanwhile."""
JSON: Final = "application/json"
WINDOW: Final = 60.0
"""Seconds of the error budget's window, where the API does not say how much of it is left."""
MAX_COOLDOWN_S: Final = 3600.0
"""Seconds, whatever a header says."""
PAUSES: Final = (0.2, 1.0)
"""Seconds before a request is sent again whose answer was lost: servers close connections with requests in flight."""
MAX_PAGES: Final = 1_000
CACHED: Final = timedelta(minutes=30)
"""For how long the API caches a region's pages (its description says 1800 s), where an answer does not say it."""
AWAY: Final = (ScrapeFailure, HostCoolingDownError, PacerUnreachableError)
"""How it shows that nothing more can be asked now."""
R = TypeVar("R")


class Esi:
    """The API, asked by one visit of a run."""

    def __init__(
        self, context: FetchContext, run: AggregationRun, *, base_url: str, places: asyncio.Semaphore, error_floor: int
    ) -> None:
        self._fetch = context
        self._run = run
        self._base_url = base_url
        self._places = places
        self._floor = error_floor

    async def get(self, path: str, *, etag: str | None = None) -> SiteResponse:
        """An answer of any status that the route may give.

        Raises Throttled (the engine then lets the host rest for everybody), HostUnavailable, and LostLeaseError.
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
                    await self._mind_the_budget(self._fetch.headers)
                # What was answered counts as an error of ours, too: it is asked again once only.
                if pause is None or error.retry_after is not None or (refused and pause != PAUSES[0]):
                    raise
                await asyncio.sleep(pause)
                continue
            self._run.tally.answered(answer.status)
            if answer.status in {FORBIDDEN, NOT_FOUND} and answer.content_type != JSON:
                what = f"{answer.status} came with {answer.content_type or 'no type'}, so it is not the API's own"
                raise Blocked(what, http_status=answer.status)
            if answer.status in {ERROR_LIMITED, TOO_MANY}:
                await self._refused(answer)
            await self._mind_the_budget(answer.headers)
            return answer
        raise AssertionError("unreachable")  # the last try raises

    async def _refused(self, answer: SiteResponse) -> None:
        """Raises Throttled; the host rests at once, for those who ask beside us, too."""
        if answer.status == ERROR_LIMITED:
            why, wait = "the error budget is spent", _number(answer.headers.get("x-esi-error-limit-reset"))
        else:
            why, wait = "too many requests", retry_after(answer.headers.get("retry-after"), now=self._fetch.clock.now())
        rest = min(wait or WINDOW, MAX_COOLDOWN_S)
        await self._fetch.cool_down(rest)
        raise Throttled(f"the API answered {answer.status}: {why}", retry_after=rest, http_status=answer.status)

    async def _mind_the_budget(self, headers: Mapping[str, str]) -> None:
        left = _number(headers.get("x-esi-error-limit-remain"))
        if left is None:
            return
        self._run.tally.budget_left = int(left)
        if left <= self._floor:
            await self._fetch.cool_down(min(_number(headers.get("x-esi-error-limit-reset")) or WINDOW, MAX_COOLDOWN_S))


def status_of(error: HostUnavailable) -> int | None:
    """What a request was answered with; None where no answer came: the error names then the visit's last one."""
    return None if error.__cause__ is not None else error.http_status


def is_outage(error: BaseException) -> bool:
    """Whether it is the API that is away (a daily restart, a gateway, the way there), whatever was asked for."""
    return isinstance(error, HostUnavailable) and status_of(error) in OUTAGES


async def in_parallel(work: Iterable[Callable[[], Awaitable[R]]], *, limit: int) -> AsyncGenerator[R, None]:
    """Results as they come, up to `limit` under way at once; whatever one raises ends the others and is raised.

    To be closed by who stops early (`contextlib.aclosing`).
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
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, *done, return_exceptions=True)


def pages_of(answer: SiteResponse) -> int | None:
    """How many pages there are (X-Pages); None where it is not said. Raises PageChanged where that cannot be."""
    said = answer.headers.get("x-pages")
    if said is None:
        return None
    pages = _number(said)
    if pages is None or not 0 <= pages <= MAX_PAGES:
        raise PageChanged(f"X-Pages is {said[:20]!r}")
    return max(1, int(pages))


def generation_of(answer: SiteResponse) -> datetime | None:
    """Of which state of the region a page is (Last-Modified)."""
    return _date(answer.headers.get("last-modified"))


def fresh_for(answer: SiteResponse, *, now: datetime) -> timedelta | None:
    """For how long the API has nothing newer: max-age less Age, else until Expires (RFC 9111, 4.2).

    None where that is not said, or over already: when the next state comes, the answer does not know then.
    """
    fresh = _said_fresh_for(answer, now=now)
    return min(fresh, timedelta(days=1)) if fresh else None


def _said_fresh_for(answer: SiteResponse, *, now: datetime) -> timedelta | None:
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
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None  # noqa: PLR2004 -- no number of theirs is longer


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at if EARLIEST <= at <= LATEST else None
