"""Cache of types, groups and categories: fetched once, types again after some days."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.scraping.failures import HostUnavailable, PageChanged
from shared.scraping.fetch_context import HTTP_OK
from trackers.contracts.esi import GONE, Esi, in_parallel
from trackers.contracts.parser import CategoryInfo, GroupInfo, TypeInfo, parse_category, parse_group, parse_type
from trackers.contracts.runs import AggregationRun
from trackers.contracts.settings import ContractsSettings
from trackers.contracts.ships import SHIPS
from trackers.contracts.type_repository import KnownType, TypeRepository

MAX_CONCURRENCY: Final = 15
WRITE_BATCH_SIZE: Final = 500
MISSING_AT_ONCE: Final = 50
SHIP_GROUPS_KEPT: Final = timedelta(days=1)
"""Age after which the groups of ships are fetched again: releases of the game add new ones."""
AGAIN: Final = timedelta(hours=1)
"""Time after which a type is requested again if the API never answered for it."""
HOPELESS: Final = 5
"""Failures before the first success after which the other types are left for the next run."""
T = TypeVar("T", TypeInfo, GroupInfo, CategoryInfo)


class TypeCache:
    """Reads the cache and fetches missing entries; writes within the run's fence."""

    def __init__(self, *, settings: ContractsSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._fetching = asyncio.Lock()
        """Regions are fetched concurrently and share types: one fetches a type, and the others wait for it."""

    async def ship_groups(self, esi: Esi, run: AggregationRun) -> frozenset[int]:
        """Groups whose types are ships: the configured ones, otherwise those of the API's category, up to a day old.

        If the API fails, older cached groups are returned; without any its failure is raised.
        """
        if configured := self._settings.ship_group_ids.numbers:
            return frozenset(configured)
        async with self._fetching:
            return await self._ship_groups(esi, run)

    async def _ship_groups(self, esi: Esi, run: AggregationRun) -> frozenset[int]:
        known = (await run.write(lambda session: TypeRepository(session).categories([SHIPS]))).get(SHIPS)
        if known is not None and known.refreshed_at > self._clock.now() - SHIP_GROUPS_KEPT:
            return frozenset(known.group_ids)
        try:
            category = await _get(esi, f"/universe/categories/{SHIPS}", parse_category)
        except (HostUnavailable, PageChanged):
            if known is None:
                raise
            structlog.get_logger(__name__).warning("ship_groups_not_refreshed", exc_info=True)
            return frozenset(known.group_ids)
        if category is None:
            raise PageChanged("the API no longer has a category of ships")
        await run.write(lambda session: TypeRepository(session).put_categories([category], now=self._clock.now()))
        return frozenset(category.groups)

    async def known(self, ids: Iterable[int], esi: Esi, run: AggregationRun) -> dict[int, KnownType]:
        """Type id -> type; missing types are fetched, with their groups and categories. Raises the API's failures."""
        type_ids = sorted(set(ids))
        known = await run.write(lambda session: TypeRepository(session).known(type_ids))
        if not self._missing(type_ids, known):
            return known
        async with self._fetching:
            known = await run.write(lambda session: TypeRepository(session).known(type_ids))
            if missing := self._missing(type_ids, known):
                run.tally.types_new += await self._fetch(missing, esi, run)
        return await run.write(lambda session: TypeRepository(session).known(type_ids))

    def _missing(self, type_ids: Sequence[int], known: Mapping[int, KnownType]) -> list[int]:
        """Types that were never requested, or whose last request failed at least AGAIN ago."""
        again = self._clock.now() - AGAIN
        return [
            type_id
            for type_id in type_ids
            if type_id not in known or (not known[type_id].settled and (known[type_id].failed_at or again) <= again)
        ]

    async def refresh(self, esi: Esi, run: AggregationRun) -> None:
        """Fetch the oldest types again, and the groups and categories that an interrupted run did not fetch.

        Up to `types_limit` types, MISSING_AT_ONCE groups and MISSING_AT_ONCE categories. Raises the API's failures.
        """
        before = self._clock.now() - timedelta(days=self._settings.types_keep_days)
        limit = self._settings.types_limit
        stale = await run.write(lambda session: TypeRepository(session).stale(before=before, limit=limit))
        if stale:
            run.tally.types_refreshed += await self._fetch(stale, esi, run)
        groups = await run.write(lambda session: TypeRepository(session).groups_missing(limit=MISSING_AT_ONCE))
        await self._fetch_groups(set(groups), esi, run)
        categories = await run.write(lambda session: TypeRepository(session).categories_missing(limit=MISSING_AT_ONCE))
        await self._fetch_categories(categories, esi, run)

    async def _fetch(self, ids: Sequence[int], esi: Esi, run: AggregationRun) -> int:
        """Fetch types and store them in batches; return the number of types that the API sent."""
        count = 0
        for start in range(0, len(ids), WRITE_BATCH_SIZE):
            batch = ids[start : start + WRITE_BATCH_SIZE]
            types, gone, failed, outage = await self._request(batch, "types", parse_type, esi)
            await run.write(partial(_store, types=types, gone=gone, failed=failed, now=self._clock.now()))
            run.tally.types_failed += len(failed)
            if outage is not None:
                raise outage
            count += len(types)
            await self._fetch_groups({info.group_id for info in types}, esi, run)
        return count

    async def _fetch_groups(self, ids: AbstractSet[int], esi: Esi, run: AggregationRun) -> None:
        known = await run.write(lambda session: TypeRepository(session).groups_known(sorted(ids)))
        if not (missing := sorted(ids - known)):
            return
        groups, _, _, _ = await self._request(missing, "groups", parse_group, esi)
        now = self._clock.now()
        await run.write(lambda session: TypeRepository(session).put_groups(groups, now=now))
        known_categories = await run.write(
            lambda session: TypeRepository(session).categories([group.category_id for group in groups])
        )
        await self._fetch_categories(
            sorted({group.category_id for group in groups} - known_categories.keys()), esi, run
        )

    async def _fetch_categories(self, ids: Sequence[int], esi: Esi, run: AggregationRun) -> None:
        if not ids:
            return
        categories, _, _, _ = await self._request(ids, "categories", parse_category, esi)
        now = self._clock.now()
        await run.write(lambda session: TypeRepository(session).put_categories(categories, now=now))

    async def _request(
        self, ids: Sequence[int], kind: str, parse: Callable[[bytes], T], esi: Esi
    ) -> tuple[list[T], list[int], list[int], HostUnavailable | None]:
        """(entries, ids that the API does not have, ids that failed, error that left the rest unrequested or None).

        A failure does not affect the other ids; after HOPELESS failures and no success, the rest is left for the next
        run.
        """
        entries: list[T] = []
        gone: list[int] = []
        failed: list[int] = []

        def request_of(entry_id: int) -> Callable[[], Awaitable[tuple[int, T | None, Exception | None]]]:
            async def request() -> tuple[int, T | None, Exception | None]:
                try:
                    return entry_id, await _get(esi, f"/universe/{kind}/{entry_id}", parse), None
                except (HostUnavailable, PageChanged) as error:
                    return entry_id, None, error

            return request

        work = (request_of(entry_id) for entry_id in ids)
        async with aclosing(in_parallel(work, limit=MAX_CONCURRENCY)) as answers:
            async for entry_id, entry, error in answers:
                if error is not None:
                    structlog.get_logger(__name__).warning("type_not_fetched", kind=kind, id=entry_id, error=str(error))
                    failed.append(entry_id)
                    if isinstance(error, HostUnavailable) and len(failed) >= HOPELESS and not (entries or gone):
                        return entries, gone, failed, error
                elif entry is None:
                    gone.append(entry_id)
                else:
                    entries.append(entry)
        return entries, gone, failed, None


async def _store(
    session: AsyncSession, *, types: Sequence[TypeInfo], gone: Sequence[int], failed: Sequence[int], now: datetime
) -> None:
    repository = TypeRepository(session)
    await repository.put(types, now=now)
    await repository.unknown_to_api(gone, now=now)
    await repository.failed(failed, now=now)


async def _get(esi: Esi, path: str, parse: Callable[[bytes], T]) -> T | None:
    """A type, group or category; None if the API does not have it. Raises PageChanged, and the API's failures."""
    answer = await esi.get(path)
    if answer.status in GONE:
        return None
    if answer.status != HTTP_OK:
        raise PageChanged(f"the request for {path} returned {answer.status}", http_status=answer.status)
    return parse(answer.body)
