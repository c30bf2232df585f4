"""Data that listings do not contain: the items of contracts, read once, and the bids of auctions, read regularly."""

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
"""Tries, over hours, to read the items of a contract; after the last one its state is `failed`."""
AFTER_OUTAGE: Final = timedelta(minutes=5)
"""Delay after an outage of the API until items are requested again; an outage uses up no try."""
UNEVALUATED_BATCH_SIZE: Final = 500
HOPELESS: Final = 10
"""Consecutive failures after which the API counts as unavailable, and not the single contracts as broken."""
R = TypeVar("R", Item, Bid)


class Read(Struct, frozen=True, kw_only=True):
    """Answer to a request for the items or bids of a contract: the rows, gone, or a failure."""

    contract_id: int
    type: str = "auction"
    items: Sequence[Item] = ()
    bids: Sequence[Bid] = ()
    gone: bool = False
    failure: Exception | None = None


class Enrichment:
    """Reads items and bids of one region in one fetch, and finds ships."""

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
        """Read items of new contracts, evaluate contracts whose types were unknown before, and read bids that are due.

        Raises the API's failures; what was written before stays.
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
                in_parallel((partial(self._items_of, contract) for contract in unread), limit=MAX_CONCURRENCY)
            ) as answers:
                async for read in answers:
                    self._count_failure(read)
                    batch.append(read)
                    if len(batch) >= self._settings.items_batch:
                        writing, batch = batch, []
                        await self._store_items(writing)
        except AWAY:
            await self._store_items(batch)  # so that the next fetch need not request them again
            raise
        await self._store_items(batch)
        self._run.tally.took("items", monotonic() - began)

    async def _items_of(self, contract: Unread) -> Read:
        """Read all pages of a contract's items."""
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
        """Rows of all pages, or None if the contract is over. Raises PageChanged, and the API's failures."""
        rows: list[R] = []
        page, pages = 1, 1
        while page <= pages:
            answer = await self._esi.get(f"{path}?page={page}")
            if answer.status in GONE:
                return None
            if answer.status != HTTP_OK:
                raise PageChanged(f"the request for {path} returned {answer.status}", http_status=answer.status)
            rows += parse(answer.body)
            pages = max(pages, pages_of(answer) or 1)
            page += 1
        return rows

    def _count_failure(self, read: Read) -> None:
        """Log a failure and go on; raise it if it is HostUnavailable after at least HOPELESS consecutive failures."""
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
        """Write the items, ships and alerts of a batch in one transaction."""
        if not batch:
            return
        answered = [read for read in batch if not read.gone and read.failure is None]
        known = await self._known({item.type_id for read in answered for item in read.items})
        await self._write(answered, [read.contract_id for read in batch if read.gone], known)
        await self._postpone([read for read in batch if read.failure is not None])

    async def _write(self, answered: Sequence[Read], gone: Sequence[int], known: Mapping[int, KnownType]) -> None:
        """Write a batch; if the database refuses it, write its halves, until the bad contract is isolated."""
        contracts = [self._evaluated(read.contract_id, read.type, read.items, known) for read in answered]
        began = monotonic()

        async def step(session: AsyncSession) -> tuple[list[int], int]:
            repository = ContractRepository(session)
            stored = await repository.store_items(contracts)
            if gone:
                await repository.items_gone(gone)
            return stored, await self._alerts().on_step(stored)

        try:
            stored, alerts = await self._run.write(step)
        except DBAPIError as error:
            if connection_was_lost(error) or not answered:
                raise
            if len(answered) == 1:
                await self._write([], gone, known)
                await self._postpone([Read(contract_id=answered[0].contract_id, failure=error)])
                return
            half = len(answered) // 2
            await self._write(answered[:half], [], known)
            await self._write(answered[half:], gone, known)
            return
        tally, stored_ids = self._run.tally, set(stored)
        written = [contract for contract in contracts if contract.contract_id in stored_ids]
        tally.took("write_items", monotonic() - began)
        tally.items_read += len(stored)
        tally.items_gone += len(gone)
        tally.items += sum(len(contract.items) for contract in written)
        tally.ships += sum(contract.ship is not None for contract in written)
        tally.alerts += alerts
        self.changed |= bool(stored or gone)

    async def _postpone(self, failed: Sequence[Read]) -> None:
        """Retry later: an outage only delays contracts; other failures use up a try and are shown to admins."""
        if not failed:
            return
        now = self._clock.now()
        delayed = [read.contract_id for read in failed if _is_temporary(read.failure)]
        rows = [
            Rejected(
                contract_id=read.contract_id,
                issuer_id=None,
                reason=f"{type(read.failure).__name__}: {read.failure}"[:300],
                sent="",
            )
            for read in failed
            if not _is_temporary(read.failure)
        ]
        ids = [read.contract_id for read in failed if not _is_temporary(read.failure)]

        async def step(session: AsyncSession) -> None:
            contracts = ContractRepository(session)
            if delayed:
                await contracts.items_wait(delayed, until=now + AFTER_OUTAGE)
            if ids:
                await contracts.items_later(ids, now=now, most=MAX_TRIES)
                await contracts.reject(self._region, "items", rows, now=now)

        self._run.tally.rejected += len(ids)
        await self._run.write(step)

    async def _known(self, types: AbstractSet[int]) -> Mapping[int, KnownType]:
        """Type id -> type; empty if the API fails: these contracts are then evaluated in a later fetch."""
        try:
            return await self._types.known(types, self._esi, self._run)
        except AWAY:
            structlog.get_logger(__name__).warning("types_not_fetched", types=len(types), exc_info=True)
            return {}

    def _evaluated(
        self, contract_id: int, kind: str, items: Sequence[Item], known: Mapping[int, KnownType]
    ) -> ReadContract:
        included = {item.type_id for item in items if item.is_included}
        ships = {type_id for type_id in included if type_id in known and known[type_id].group_id in self._ship_groups}
        return ReadContract(
            contract_id=contract_id,
            items=items,
            ship=ship_offered(kind, items, ships),
            evaluated=all(type_id in known and known[type_id].settled for type_id in included),
        )

    async def _evaluate_again(self) -> None:
        unevaluated = await self._run.write(
            lambda s: ContractRepository(s).unevaluated(self._region, limit=UNEVALUATED_BATCH_SIZE)
        )
        if not unevaluated:
            return
        known = await self._known({item.type_id for contract in unevaluated for item in contract.items})
        again = [
            self._evaluated(contract.contract_id, contract.type, contract.items, known) for contract in unevaluated
        ]
        evaluated = [contract for contract in again if contract.evaluated]
        if not evaluated:
            return

        async def step(session: AsyncSession) -> int:
            await ContractRepository(session).evaluate(evaluated)
            return await self._alerts().on_step([contract.contract_id for contract in evaluated])

        self._run.tally.alerts += await self._run.write(step)
        self._run.tally.ships += sum(contract.ship is not None for contract in evaluated)
        self.changed = True

    async def _read_bids(self) -> None:
        now, limit = self._clock.now(), self._settings.bids_limit
        due = await self._run.write(lambda s: ContractRepository(s).bids_due(self._region, now=now, limit=limit))
        if not due:
            return
        began = monotonic()
        work: list[Callable[[], Awaitable[Read]]] = [partial(self._bids_of, contract_id) for contract_id in due]
        batch: list[Read] = []
        try:
            async with aclosing(in_parallel(work, limit=MAX_CONCURRENCY)) as answers:
                async for read in answers:
                    self._count_failure(read)
                    batch.append(read)
                    if len(batch) >= self._settings.items_batch:
                        writing, batch = batch, []
                        await self._store_bids(writing)
        except AWAY:
            await self._store_bids(batch)  # so that auctions that are over do not spend the error budget again
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
        """Store bids; auctions that are gone or failed are requested again after the same interval as the others."""
        if not batch:
            return
        next_fetch_at = self._clock.now() + timedelta(seconds=self._settings.bids_interval)
        bids = [(read.contract_id, read.bids) for read in batch]
        await self._run.write(lambda s: ContractRepository(s).store_bids(bids, next_fetch_at=next_fetch_at))
        self._run.tally.auctions_read += len(batch)
        self._run.tally.bids += sum(len(read.bids) for read in batch)


def _is_temporary(failure: Exception | None) -> bool:
    """True if the contract did not cause the failure: an outage of the API, or a temporary error of the database."""
    return failure is not None and (is_outage(failure) or is_passing(failure))
