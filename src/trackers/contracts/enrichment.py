"""What a listing does not tell: the items of contracts, once each, and the bids of auctions, now and again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Final, TypeVar

import structlog
from msgspec import Struct
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database import connection_was_lost, is_passing
from shared.scraping.failures import HostUnavailable, PageChanged
from shared.scraping.fetch_context import HTTP_OK
from trackers.contracts.esi import AWAY, GONE, Esi, in_parallel, is_outage, pages_of
from trackers.contracts.parser import Bid, Item, Rejected, parse_bids, parse_items
from trackers.contracts.repository import ContractRepository, ReadContract, Unread
from trackers.contracts.runs import AggregationRun
from trackers.contracts.settings import ContractsSettings
from trackers.contracts.ships import ship_offered
from trackers.contracts.sweep import AlertNotifier
from trackers.contracts.type_cache import TypeCache
from trackers.contracts.type_repository import KnownType

MAX_CONCURRENCY: Final = 15
MAX_TRIES: Final = 5
"""Of a contract whose items cannot be read, over hours; then an admin finds it among the rejected."""
AFTER_OUTAGE: Final = timedelta(minutes=5)
"""Until what the API's being away kept from being read is asked for again; no try of it is used up by that."""
UNEVALUATED_BATCH_SIZE: Final = 500
HOPELESS: Final = 10
"""Failures in a row after which the API is taken to be away rather than single contracts to be odd."""
R = TypeVar("R", Item, Bid)


class Read(Struct, frozen=True, kw_only=True):
    """What came of asking for the items, or the bids, of a contract: those, nothing any more, or a failure."""

    contract_id: int
    type: str = "auction"
    items: Sequence[Item] = ()
    bids: Sequence[Bid] = ()
    gone: bool = False
    failure: Exception | None = None


class Enrichment:
    """Enriches one region in one visit."""

    def __init__(
        self, region_id: int, esi: Esi, run: AggregationRun, *, settings: ContractsSettings, clock: Clock,
        types: TypeCache, ship_groups: AbstractSet[int], alerts: Callable[[], AlertNotifier],
    ) -> None:  # fmt: skip
        self._region = region_id
        self._esi = esi
        self._run = run
        self._settings = settings
        self._clock = clock
        self._types = types
        self._ship_groups = ship_groups
        self._alerts = alerts
        self._failed_in_a_row = 0
        self.changed = False

    async def run(self) -> None:
        """Items of what is new, ships among what could not be evaluated before, bids that are due. What was written stays
        where the API fails in between.
        """
        await self._read_items()
        await self._evaluate_again()
        await self._read_bids()

    async def _read_items(self) -> None:
        now, limit = self._clock.now(), self._settings.items_limit
        unread = await self._run.write(lambda s: ContractRepository(s).unread(self._region, now=now, limit=limit))
        if not unread:
            return
        began = monotonic()
        batch: list[Read] = []
        try:
            async with aclosing(
                in_parallel((partial(self._items_of, one) for one in unread), limit=MAX_CONCURRENCY)
            ) as answers:
                async for read in answers:
                    self._mind(read)
                    batch.append(read)
                    if len(batch) >= self._settings.items_batch:
                        writing, batch = batch, []
                        await self._store_items(writing)
        except AWAY:
            await self._store_items(batch)  # what came is not asked for again
            raise
        await self._store_items(batch)
        self._run.tally.took("items", monotonic() - began)

    async def _items_of(self, contract: Unread) -> Read:
        """All pages of a contract's items."""
        contract_id = contract.contract_id
        try:
            rows = await self._rows(f"/contracts/public/items/{contract_id}", parse_items)
        except (HostUnavailable, PageChanged) as error:
            return Read(contract_id=contract_id, type=contract.type, failure=error)
        if rows is None:
            return Read(contract_id=contract_id, type=contract.type, gone=True)
        items = {item.record_id: item for item in rows}
        return Read(contract_id=contract_id, type=contract.type, items=list(items.values()))

    async def _rows(self, path: str, parse: Callable[[bytes], list[R]]) -> list[R] | None:
        """What all pages hold; None where it is over. Raises PageChanged, and the API's failures."""
        rows: list[R] = []
        page, pages = 1, 1
        while page <= pages:
            answer = await self._esi.get(f"{path}?page={page}")
            if answer.status in GONE:
                return None
            if answer.status != HTTP_OK:
                raise PageChanged(f"{path} answered {answer.status}", http_status=answer.status)
            rows += parse(answer.body)
            pages = max(pages, pages_of(answer) or 1)
            page += 1
        return rows

    def _mind(self, read: Read) -> None:
        """One that fails is left for later; many in a row are the API's failure."""
        if read.failure is None:
            self._failed_in_a_row = 0
            return
        self._failed_in_a_row += 1
        structlog.get_logger(__name__).warning(
            "contract_not_read", contract_id=read.contract_id, error=str(read.failure)[:300]
        )
        if isinstance(read.failure, HostUnavailable) and self._failed_in_a_row >= HOPELESS:
            raise read.failure

    async def _store_items(self, batch: Sequence[Read]) -> None:
        """One transaction for a batch: items, ships, who waits for them."""
        if not batch:
            return
        found = [one for one in batch if not one.gone and one.failure is None]
        known = await self._known({item.type_id for one in found for item in one.items})
        await self._write(found, [one.contract_id for one in batch if one.gone], known)
        await self._enqueuer([one for one in batch if one.failure is not None])

    async def _write(self, found: Sequence[Read], gone: Sequence[int], known: Mapping[int, KnownType]) -> None:
        """Where a contract poisons its batch, halves of it, until it is alone and named."""
        read = [self._evaluated(one.contract_id, one.type, one.items, known) for one in found]
        began = monotonic()

        async def step(session: AsyncSession) -> tuple[list[int], int]:
            contracts = ContractRepository(session)
            stored = await contracts.store_items(read)
            if gone:
                await contracts.items_gone(gone)
            return stored, await self._alerts().on_step(stored)

        try:
            stored, alerts = await self._run.write(step)
        except DBAPIError as error:
            if connection_was_lost(error) or not found:
                raise
            if len(found) == 1:
                await self._write([], gone, known)
                await self._enqueuer([Read(contract_id=found[0].contract_id, failure=error)])
                return
            half = len(found) // 2
            await self._write(found[:half], [], known)
            await self._write(found[half:], gone, known)
            return
        tally, kept = self._run.tally, set(stored)
        tally.took("write_items", monotonic() - began)
        tally.items_read += len(stored)
        tally.items_gone += len(gone)
        tally.items += sum(len(one.items) for one in read if one.contract_id in kept)
        tally.ships += sum(one.ship is not None for one in read if one.contract_id in kept)
        tally.alerts += alerts
        self.changed |= bool(stored or gone)

    async def _enqueuer(self, failed: Sequence[Read]) -> None:
        """What fails by itself uses up its tries and is shown to the admin; what an outage kept back only waits."""
        if not failed:
            return
        now = self._clock.now()
        own = [one for one in failed if not _passes(one.failure)]
        rows = [
            Rejected(
                contract_id=one.contract_id,
                issuer_id=None,
                reason=f"{type(one.failure).__name__}: {one.failure}"[:300],
                sent="",
            )
            for one in own
        ]
        ids = [one.contract_id for one in own]
        kept_back = [one.contract_id for one in failed if _passes(one.failure)]

        async def step(session: AsyncSession) -> None:
            contracts = ContractRepository(session)
            if kept_back:
                await contracts.items_wait(kept_back, until=now + AFTER_OUTAGE)
            if own:
                await contracts.items_later(ids, now=now, most=MAX_TRIES)
                await contracts.reject(self._region, "items", rows, now=now)

        self._run.tally.rejected += len(own)
        await self._run.write(step)

    async def _known(self, types: AbstractSet[int]) -> Mapping[int, KnownType]:
        """What these types are; where the API does not say, what is known: the ships are then found later."""
        try:
            return await self._types.known(types, self._esi, self._run)
        except AWAY:
            structlog.get_logger(__name__).warning("types_not_fetched", types=len(types), exc_info=True)
            return {}

    def _evaluated(
        self, contract_id: int, kind: str, items: Sequence[Item], known: Mapping[int, KnownType]
    ) -> ReadContract:
        included = {item.type_id for item in items if item.is_included}
        ships = {one for one in included if one in known and known[one].group_id in self._ship_groups}
        return ReadContract(
            contract_id=contract_id,
            items=items,
            ship=ship_offered(kind, items, ships),
            evaluated=all(one in known and known[one].settled for one in included),
        )

    async def _evaluate_again(self) -> None:
        unevaluated = await self._run.write(
            lambda s: ContractRepository(s).unevaluated(self._region, limit=UNEVALUATED_BATCH_SIZE)
        )
        if not unevaluated:
            return
        known = await self._known({item.type_id for one in unevaluated for item in one.items})
        evaluated = [self._evaluated(one.contract_id, one.type, one.items, known) for one in unevaluated]
        settled = [one for one in evaluated if one.evaluated]
        if not settled:
            return

        async def step(session: AsyncSession) -> int:
            await ContractRepository(session).evaluate(settled)
            return await self._alerts().on_step([one.contract_id for one in settled])

        self._run.tally.alerts += await self._run.write(step)
        self._run.tally.ships += sum(one.ship is not None for one in settled)
        self.changed = True

    async def _read_bids(self) -> None:
        now, limit = self._clock.now(), self._settings.bids_limit
        due = await self._run.write(lambda s: ContractRepository(s).bids_due(self._region, now=now, limit=limit))
        if not due:
            return
        began = monotonic()
        work: list[Callable[[], Awaitable[Read]]] = [partial(self._bids_of, one) for one in due]
        batch: list[Read] = []
        try:
            async with aclosing(in_parallel(work, limit=MAX_CONCURRENCY)) as answers:
                async for read in answers:
                    self._mind(read)
                    batch.append(read)
                    if len(batch) >= self._settings.items_batch:
                        writing, batch = batch, []
                        await self._store_bids(writing)
        except AWAY:
            await self._store_bids(batch)  # else those that are over would spend the budget of errors again and again
            raise
        await self._store_bids(batch)
        self._run.tally.took("bids", monotonic() - began)

    async def _bids_of(self, contract_id: int) -> Read:
        try:
            bids = await self._rows(f"/contracts/public/bids/{contract_id}", parse_bids)
        except (HostUnavailable, PageChanged) as error:
            return Read(contract_id=contract_id, failure=error)
        return Read(contract_id=contract_id, bids=bids or (), gone=bids is None)

    async def _store_bids(self, batch: Sequence[Read]) -> None:
        """What is gone, or failed, is asked for again in its turn: an auction without bids is no error either."""
        if not batch:
            return
        next_fetch_at = self._clock.now() + timedelta(seconds=self._settings.bids_interval)
        read = [(one.contract_id, one.bids) for one in batch]
        await self._run.write(lambda s: ContractRepository(s).store_bids(read, next_fetch_at=next_fetch_at))
        self._run.tally.auctions_read += len(batch)
        self._run.tally.bids += sum(len(one.bids) for one in batch)


def _passes(failure: Exception | None) -> bool:
    """Whether a failure is nothing that the contract is to blame for."""
    return failure is not None and (is_outage(failure) or is_passing(failure))
