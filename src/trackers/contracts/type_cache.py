"""What things are: types, their groups and categories, asked for once and then now and again."""

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
"""New groups of ships appear with the game's releases."""
AGAIN: Final = timedelta(hours=1)
"""After which a type that never answered is asked for again."""
HOPELESS: Final = 5
"""Failures before the first success after which the rest is left for the next run."""
T = TypeVar("T", TypeInfo, GroupInfo, CategoryInfo)


class TypeCache:
    """The cache as a run fills it; writes within the run's fence."""

    def __init__(self, *, settings: ContractsSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._asking = asyncio.Lock()
        """Regions are looked at together and hold the same things: what one asks for, the others wait for."""

    async def ship_groups(self, esi: Esi, run: AggregationRun) -> frozenset[int]:
        """Groups whose types are ships: the operator's, else what the API lists under the category, a day old at most.

        What is cached is good enough where the API does not answer; with nothing cached, its failure is raised.
        """
        if chosen := self._settings.ship_group_ids.numbers:
            return frozenset(chosen)
        async with self._asking:
            return await self._ship_groups(esi, run)

    async def _ship_groups(self, esi: Esi, run: AggregationRun) -> frozenset[int]:
        known = (await run.write(lambda session: TypeRepository(session).categories([SHIPS]))).get(SHIPS)
        if known is not None and known.refreshed_at > self._clock.now() - SHIP_GROUPS_KEPT:
            return frozenset(known.group_ids)
        try:
            found = await _one(esi, f"/universe/categories/{SHIPS}", parse_category)
        except (HostUnavailable, PageChanged):
            if known is None:
                raise
            structlog.get_logger(__name__).warning("ship_groups_not_refreshed", exc_info=True)
            return frozenset(known.group_ids)
        if found is None:
            raise PageChanged("the API knows no category of ships any more")
        await run.write(lambda session: TypeRepository(session).put_categories([found], now=self._clock.now()))
        return frozenset(found.groups)

    async def known(self, ids: Iterable[int], esi: Esi, run: AggregationRun) -> dict[int, KnownType]:
        """What these types are; those that nobody has asked for yet are fetched, with their groups and categories."""
        wanted = sorted(set(ids))
        known = await run.write(lambda session: TypeRepository(session).known(wanted))
        if not self._missing(wanted, known):
            return known
        async with self._asking:
            known = await run.write(lambda session: TypeRepository(session).known(wanted))
            if missing := self._missing(wanted, known):
                run.tally.types_new += await self._fetch(missing, esi, run)
        return await run.write(lambda session: TypeRepository(session).known(wanted))

    def _missing(self, wanted: Sequence[int], known: Mapping[int, KnownType]) -> list[int]:
        """Those that nobody has asked for yet, or asked for in vain a while ago."""
        again = self._clock.now() - AGAIN
        return [
            one
            for one in wanted
            if one not in known or (not known[one].settled and (known[one].failed_at or again) <= again)
        ]

    async def refresh(self, esi: Esi, run: AggregationRun) -> None:
        """Look again at a few of the types that were last looked at too long ago, and for what a run that was cut off
        left out: the groups of types, and their categories.
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
        """Ask for types and keep what comes, in batches; how many came."""
        came = 0
        for start in range(0, len(ids), WRITE_BATCH_SIZE):
            batch = ids[start : start + WRITE_BATCH_SIZE]
            found, gone, failed, hopeless = await self._ask(batch, "types", parse_type, esi)
            await run.write(partial(_keep, found=found, gone=gone, failed=failed, now=self._clock.now()))
            run.tally.types_failed += len(failed)
            if hopeless is not None:
                raise hopeless
            came += len(found)
            await self._fetch_groups({one.group_id for one in found}, esi, run)
        return came

    async def _fetch_groups(self, ids: AbstractSet[int], esi: Esi, run: AggregationRun) -> None:
        known = await run.write(lambda session: TypeRepository(session).groups_known(sorted(ids)))
        if not (missing := sorted(ids - known)):
            return
        groups, _, _, _ = await self._ask(missing, "groups", parse_group, esi)
        now = self._clock.now()
        await run.write(lambda session: TypeRepository(session).put_groups(groups, now=now))
        kept = await run.write(
            lambda session: TypeRepository(session).categories([group.category_id for group in groups])
        )
        await self._fetch_categories(sorted({group.category_id for group in groups} - kept.keys()), esi, run)

    async def _fetch_categories(self, ids: Sequence[int], esi: Esi, run: AggregationRun) -> None:
        if not ids:
            return
        categories, _, _, _ = await self._ask(ids, "categories", parse_category, esi)
        now = self._clock.now()
        await run.write(lambda session: TypeRepository(session).put_categories(categories, now=now))

    async def _ask(
        self, ids: Sequence[int], what: str, parse: Callable[[bytes], T], esi: Esi
    ) -> tuple[list[T], list[int], list[int], HostUnavailable | None]:
        """(what came, ids that the API does not know, ids that failed, why the rest was not asked for).

        One that fails harms no other; where nothing but failures comes, the rest is left for the next run.
        """
        found: list[T] = []
        gone: list[int] = []
        failed: list[int] = []

        def asking(one: int) -> Callable[[], Awaitable[tuple[int, T | None, Exception | None]]]:
            async def ask() -> tuple[int, T | None, Exception | None]:
                try:
                    return one, await _one(esi, f"/universe/{what}/{one}", parse), None
                except (HostUnavailable, PageChanged) as error:
                    return one, None, error

            return ask

        async with aclosing(in_parallel((asking(one) for one in ids), limit=MAX_CONCURRENCY)) as answers:
            async for one, value, error in answers:
                if error is not None:
                    structlog.get_logger(__name__).warning("type_not_fetched", kind=what, id=one, error=str(error))
                    failed.append(one)
                    if isinstance(error, HostUnavailable) and len(failed) >= HOPELESS and not (found or gone):
                        return found, gone, failed, error
                elif value is None:
                    gone.append(one)
                else:
                    found.append(value)
        return found, gone, failed, None


async def _keep(
    session: AsyncSession, *, found: Sequence[TypeInfo], gone: Sequence[int], failed: Sequence[int], now: datetime
) -> None:
    types = TypeRepository(session)
    await types.put(found, now=now)
    await types.unknown_to_api(gone, now=now)
    await types.failed(failed, now=now)


async def _one(esi: Esi, path: str, parse: Callable[[bytes], T]) -> T | None:
    """One thing; None where the API knows of none."""
    answer = await esi.get(path)
    if answer.status in GONE:
        return None
    if answer.status != HTTP_OK:
        raise PageChanged(f"{path} answered {answer.status}", http_status=answer.status)
    return parse(answer.body)
