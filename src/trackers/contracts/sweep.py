"""A sweep reads all pages of a region, writes their contracts as they come, and then ends the missing contracts.

The API makes all pages of a region at the same time (`Last-Modified`); such a state is called a generation. An
unchanged page (304) has the contracts that it had when it was last sent. Only a sweep that saw all pages of one
generation may end contracts. If it misses all contracts of a region, or most of them, they end only once a second
generation misses them, too.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final, Protocol, TypeVar

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database import connection_was_lost, is_passing
from shared.scraping.block_repository import BlockRepository
from shared.scraping.failures import PageChanged, TargetNotFound
from shared.scraping.fetch_context import HTTP_OK, NOT_MODIFIED, SiteResponse
from trackers.contracts.esi import CACHED, NOT_FOUND, Esi, fresh_for, generation_of, in_parallel, pages_of
from trackers.contracts.parser import Listing, Rejected, issuer_key, parse_listings
from trackers.contracts.region_repository import RegionRepository, RegionState, StoredPage
from trackers.contracts.repository import Concluded, ContractRepository, ListingChanges
from trackers.contracts.runs import AggregationRun
from trackers.contracts.settings import SOURCE, ContractsSettings

PAGES_AT_ONCE: Final = 8
ATTEMPTS: Final = 2
"""Attempts per sweep: if its pages are of two generations, it starts over once."""
MAX_ETAG_LENGTH: Final = 512
Row = TypeVar("Row", Listing, Rejected)
DOUBTED_FOR: Final = timedelta(hours=2)
"""Time after which a doubted sweep is believed, even if the API does not say that its state is a new one."""


class AlertNotifier(Protocol):
    """Publishes alerts for watches, in the open transaction."""

    async def on_step(self, contracts: Sequence[int]) -> int:
        """Publish an alert for each watch that these contracts match; return the number of alerts."""


@dataclass(slots=True)
class SweepAttempt:
    """Pages and contracts that one attempt of a sweep has read."""

    generation: datetime | None
    pages: int
    ids: set[int] = field(default_factory=set)
    unchanged: bool = True
    """True if every page was as stored, by an earlier sweep or by the first attempt of this one."""
    unreadable: bool = False
    """True if a row has no readable contract id."""
    torn: str | None = None
    """Reason why the pages do not belong to one generation."""


class Sweep:
    """The sweep of one region in one fetch."""

    def __init__(
        self, state: RegionState, esi: Esi, run: AggregationRun, *, settings: ContractsSettings, clock: Clock,
        alerts: Callable[[], AlertNotifier],
    ) -> None:  # fmt: skip
        self._region = state.region_id
        self._state = state
        self._esi = esi
        self._run = run
        self._settings = settings
        self._clock = clock
        self._alerts = alerts
        self._known = dict(state.pages)
        self._batch: list[Listing] = []
        self._batch_pages: list[StoredPage] = []
        self._begun = False
        self._unchanged = True
        self._expires_at: datetime | None = None
        self.changed = False

    async def run(self) -> None:
        """Sweep the region and record the result. Raises the API's failures; what was written before stays."""
        began = monotonic()
        log = structlog.get_logger(__name__)
        why: str | None = "not started"
        for attempt in range(ATTEMPTS):
            seen = await self._attempt()
            await self._flush()
            self._unchanged &= seen.unchanged
            why = seen.torn
            if why is None:
                break
            log.warning("sweep_torn", region=self._region, why=why, attempt=attempt + 1)
        if why is None and seen.unreadable:
            why = "a row has no readable contract id, so no contract is ended as missing"
        self._run.tally.took("sweep", monotonic() - began)
        if await self._finish(seen, why) is not None:
            self._run.tally.regions_incomplete.append(self._region)

    async def _attempt(self) -> SweepAttempt:
        """Read page 1, which has the number of pages, then the others; stop early at a page of another generation."""
        first = await self._page(1)
        if first.status == NOT_MODIFIED and pages_of(first) is None:
            first = await self._page(1, unconditional=True)
        pages = pages_of(first)
        seen = SweepAttempt(generation=generation_of(first), pages=pages or max(1, self._state.page_count))
        if pages is None:
            seen.torn = "page 1 does not give the number of pages"
        if seen.pages != self._state.page_count:
            seen.unchanged = False
        if self._is_older(seen.generation):
            seen.torn = f"page 1 is of {seen.generation:%H:%M:%S}, which is older than the last complete sweep"
            self._note_freshness(first)
            return seen
        await self._take(1, first, seen)
        numbers = range(2, seen.pages + 1)
        work = (partial(self._numbered, number) for number in numbers)
        async with aclosing(in_parallel(work, limit=PAGES_AT_ONCE)) as answers:
            async for number, answer in answers:
                await self._take(number, answer, seen)
                if seen.torn is not None:
                    break
        return seen

    def _is_older(self, generation: datetime | None) -> bool:
        """True if a cache sent an older state, which would end new contracts and bring back ended ones.

        A stored generation in the future is ignored, because it cannot be right.
        """
        last = self._state.generation
        return generation is not None and last is not None and generation < last <= self._clock.now()

    async def _numbered(self, number: int) -> tuple[int, SiteResponse]:
        return number, await self._page(number)

    async def _page(self, number: int, *, unconditional: bool = False) -> SiteResponse:
        stored = None if unconditional else self._known.get(number)
        path = f"/contracts/public/{self._region}?page={number}"
        answer = await self._esi.get(path, etag=stored.etag if stored else None)
        if answer.status == NOT_MODIFIED and stored is None:
            raise PageChanged("the API answered 304 to a request without a validator", http_status=NOT_MODIFIED)
        if answer.status == NOT_FOUND and number == 1:
            raise TargetNotFound(f"the API has no region {self._region}", http_status=NOT_FOUND)
        if answer.status not in {HTTP_OK, NOT_MODIFIED, NOT_FOUND}:
            raise PageChanged(
                f"the request for a page of contracts returned {answer.status}", http_status=answer.status
            )
        return answer

    async def _take(self, number: int, answer: SiteResponse, seen: SweepAttempt) -> None:
        """Add the contracts of a page to the attempt; write them once a batch is full."""
        if answer.status == NOT_FOUND:
            seen.torn = f"page {number} of {seen.pages} is missing"
            return
        generation, pages = generation_of(answer), pages_of(answer)
        if generation is None and answer.status == HTTP_OK and seen.pages > 1:
            seen.torn = f"page {number} has no Last-Modified"
        elif generation is not None and seen.generation is not None and generation != seen.generation:
            seen.torn = f"page {number} is of {generation:%H:%M:%S}, page 1 of {seen.generation:%H:%M:%S}"
        elif pages is not None and pages != seen.pages:
            seen.torn = f"page {number} gives {pages} pages, page 1 {seen.pages}"
        self._note_freshness(answer)
        self._run.tally.pages += 1
        if answer.status == NOT_MODIFIED:
            self._run.tally.pages_unchanged += 1
            seen.ids.update(self._known[number].ids)
            return
        seen.unchanged = False
        parsed = parse_listings(answer.body)
        ids = [listing.contract_id for listing in parsed.rows]
        unreadable = any(row.contract_id is None for row in parsed.rejected)
        if parsed.rejected:
            await self._reject(parsed.rejected)
            ids += [row.contract_id for row in parsed.rejected if row.contract_id is not None]
            seen.unreadable |= unreadable
        seen.ids.update(ids)
        etag = answer.headers.get("etag", "")
        page = StoredPage(page=number, etag=etag if etag.isascii() and len(etag) <= MAX_ETAG_LENGTH else "", ids=ids)
        if page.etag and not unreadable:
            self._known[number] = page
            self._batch_pages.append(page)
        self._batch += parsed.rows
        self._run.tally.listings += len(parsed.rows)
        if len(self._batch) >= self._settings.listings_batch:
            await self._flush()

    def _note_freshness(self, answer: SiteResponse) -> None:
        """Note when the first of the pages expires: the next sweep begins then."""
        now = self._clock.now()
        fresh = fresh_for(answer, now=now)
        if fresh is not None:
            expires_at = now + fresh
            self._expires_at = min(self._expires_at or expires_at, expires_at)

    async def _flush(self) -> None:
        """Write the batch: its contracts, and then their pages."""
        listings = list({listing.contract_id: listing for listing in self._batch}.values())
        pages, self._batch, self._batch_pages = self._batch_pages, [], []
        if not listings and not pages:
            return
        began = monotonic()
        await self._write(listings, pages)
        self._run.tally.took("write_listings", monotonic() - began)

    async def _write(self, listings: Sequence[Listing], pages: Sequence[StoredPage]) -> None:
        """Write a batch in one transaction; if the database refuses it, halve it until the bad row is isolated."""
        now = self._clock.now()

        async def step(session: AsyncSession) -> ListingChanges:
            regions, contracts = RegionRepository(session), ContractRepository(session)
            if not self._begun:
                await regions.begun(self._region)
            allowed = await self._allowed(session, listings)
            written = await contracts.store_listings(self._region, allowed, now=now)
            if pages:
                await regions.put_pages(self._region, msgspec.json.encode(pages).decode())
            if written.changed:
                self._run.tally.alerts += await self._alerts().on_step(written.changed)
            return written

        try:
            written = await self._run.write(step)
        except DBAPIError as error:
            if connection_was_lost(error) or not listings:
                raise
            if len(listings) == 1:
                if is_passing(error):
                    raise
                await self._reject([_refused(listings[0], error)])
                await self._write([], pages)
                return
            half = len(listings) // 2
            await self._write(listings[:half], [])
            await self._write(listings[half:], pages)
            return
        self._begun = True
        self.changed |= bool(written.new or written.changed)
        self._run.tally.contracts_new += len(written.new)
        self._run.tally.contracts_changed += len(written.changed)

    @staticmethod
    async def _allowed(session: AsyncSession, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows without those of blocked issuers; prevents new blocks until the transaction ends."""
        if not rows:
            return rows
        blocks = BlockRepository(session)
        await blocks.share()
        blocked = await blocks.among(SOURCE, {issuer_key(row.issuer_id) for row in rows if row.issuer_id is not None})
        if not blocked:
            return rows
        return [row for row in rows if row.issuer_id is None or issuer_key(row.issuer_id) not in blocked]

    async def _reject(self, rejected: Sequence[Rejected]) -> None:
        now = self._clock.now()

        async def step(session: AsyncSession) -> Sequence[Rejected]:
            allowed = await self._allowed(session, rejected)
            if allowed:
                await ContractRepository(session).reject(self._region, "listing", allowed, now=now)
            return allowed

        stored = await self._run.write(step)
        log = structlog.get_logger(__name__)
        for row in stored:
            log.error("contract_rejected", region=self._region, contract_id=row.contract_id, reason=row.reason)
        self._run.tally.rejected += len(stored)

    async def _finish(self, seen: SweepAttempt, torn: str | None) -> str | None:
        """Record the sweep and, if it is complete, end the contracts that it missed; return why it is incomplete.

        After a sweep without changes there is nothing to end, provided that the sweep before was complete.
        """
        now = self._clock.now()
        as_before = self._unchanged and self._state.complete and self._state.concluded
        least = now + timedelta(seconds=self._settings.shortest_cache)
        expires_at = self._expires_at or now + CACHED
        next_sweep_at = max(least, expires_at + timedelta(seconds=self._settings.slack))

        async def step(session: AsyncSession) -> tuple[Concluded, str | None]:
            regions, ended, why = RegionRepository(session), Concluded(), torn
            if torn is None and not as_before:
                ended = await self._conclude(session, seen, now)
                if ended.doubted:
                    why = _doubt(ended, seen)
                else:
                    await regions.cut_pages(self._region, after=seen.pages)
            await regions.swept(
                self._region,
                now=now,
                next_sweep_at=next_sweep_at,
                generation=seen.generation,
                pages=seen.pages,
                why_incomplete=why,
                doubted=ended.doubted,
            )
            return ended, why

        ended, why = await self._run.write(step)
        self._run.tally.contracts_gone += ended.gone
        self._run.tally.contracts_expired += ended.expired
        self.changed |= bool(ended.gone or ended.expired)
        log = structlog.get_logger(__name__)
        (log.warning if ended.doubted else log.info)(
            "region_swept",
            region=self._region,
            pages=seen.pages,
            unchanged=seen.unchanged,
            incomplete=why,
            gone=ended.gone,
            expired=ended.expired,
            next_sweep_at=next_sweep_at.isoformat(),
        )
        return why

    async def _conclude(self, session: AsyncSession, seen: SweepAttempt, now: datetime) -> Concluded:
        return await ContractRepository(session).conclude(
            self._region,
            seen=list(seen.ids),
            at=seen.generation or now,
            now=now,
            confirmed=self._confirms(seen.generation, now),
        )

    def _confirms(self, generation: datetime | None, now: datetime) -> bool:
        """True if this sweep confirms an earlier, doubted one.

        It does if its generation is newer, or if the doubted sweep is at least DOUBTED_FOR old.
        """
        at, doubted = self._state.doubted_at, self._state.doubted_generation
        if at is None:
            return False
        is_newer = generation is not None and doubted is not None and generation > doubted
        return is_newer or now - at >= DOUBTED_FOR


def _doubt(ended: Concluded, seen: SweepAttempt) -> str:
    return (
        f"{ended.missing:,} of {ended.live:,} contracts are missing at once, {len(seen.ids):,} are listed: "
        "a newer state must confirm it"
    )


def _refused(listing: Listing, error: DBAPIError) -> Rejected:
    """A row that the database refuses; only the first line of its message is kept, since the rest may quote the row."""
    message = str(error.orig).split("\n", 1)[0][:300]
    sent = msgspec.json.encode(listing).decode()[:300]
    return Rejected(
        contract_id=listing.contract_id,
        issuer_id=listing.issuer_id,
        reason=f"the database refuses it: {message}",
        sent=sent,
    )
