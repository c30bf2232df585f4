"""The hiscores as a source of the engine.

A player is fetched as JSON, which names its metrics. If its format is unexpected, the same table is fetched as CSV,
which is read by position while its lists are as long as those last seen.
"""

from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import quote
from uuid import UUID

from shared.scraping.failures import PageChanged
from shared.scraping.fetch_context import FetchContext
from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.policy import Policy
from shared.scraping.source import Source
from shared.scraping.target import Target
from trackers.hiscores.metrics import MetricBook
from trackers.hiscores.modes import SOURCE, GameMode, key_of, of_key, table_path
from trackers.hiscores.names import canonical
from trackers.hiscores.parser import BUILT_IN, NOT_FOUND, HiscoresPage, Layout, parse_csv, parse_json, raise_for_answer
from trackers.hiscores.settings import HiscoresSettings


class HiscoresRecorder(Protocol):
    """Stores fetched pages, on the session of the open unit of work."""

    async def record(self, observations: Sequence[Observation[HiscoresPage]]) -> set[UUID]: ...

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None: ...


class HiscoresSource(Source[HiscoresPage]):
    """Players of Old School RuneScape, with a table for each game mode."""

    name = SOURCE
    followed_by_hand = False

    def __init__(
        self, *, settings: HiscoresSettings, book: MetricBook, recorder: Callable[[], HiscoresRecorder]
    ) -> None:
        self.base_url = settings.base_url
        self.enabled = settings.enabled
        self.disabled_because = "" if settings.enabled else "TRACKERS_HISCORES_ENABLED is false"
        self._book = book
        self._recorder = recorder
        self.policy = Policy(
            host=settings.base_url.partition("://")[2],
            delay=settings.delay,
            jitter=min(settings.jitter, settings.delay),
            slowest=settings.slowest,
            phased=True,
            concurrency=settings.concurrency,
            batch_size=1 if settings.delay >= 1 else 100,
            timeout=settings.timeout,
            operator_configured=settings.base_url != HiscoresSettings().base_url,
        )

    def read(self, entered: str) -> tuple[str, str]:
        """Return key and address of a player, entered as a name or as mode:name, in any spelling."""
        mode, colon, name = entered.partition(":")
        if not colon or mode not in set(GameMode):
            mode, name = GameMode.REGULAR, entered
        key = key_of(GameMode(mode), canonical(name))
        return key, key

    async def collect(self, target: Target, context: FetchContext) -> HiscoresPage:
        mode, name = of_key(target.address)
        table = f"{self.base_url}{table_path(mode)}"
        query = f"player={quote(name)}"
        answer = await context.get(f"{table}/index_lite.json?{query}")
        raise_for_answer(answer.status, answer.body)
        before = await self._book.layout(mode)
        try:
            page = parse_json(answer.body)
        except PageChanged as changed:
            answer = await context.get(f"{table}/index_lite.ws?{query}")
            if answer.status == NOT_FOUND:  # the URL is missing; the player exists: the first answer was not a 404
                raise
            raise_for_answer(answer.status, answer.body)
            try:
                page = parse_csv(answer.body, before or BUILT_IN)
            except PageChanged as neither:
                raise PageChanged(f"{changed}, and {neither}") from neither
        if before is not None:
            check_length(before, page.layout)
        return page

    async def record(self, observations: Sequence[Observation[HiscoresPage]]) -> set[UUID]:
        return await self._recorder().record(observations)

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        await self._recorder().record_failures(failures)


def check_length(before: Layout, now: Layout) -> None:
    """Raise PageChanged if a list is shorter than before.

    The game only adds to its lists, and with a part missing, values would be read as other metrics. An admin can accept
    a shorter table.
    """
    for what in ("skills", "activities"):
        had, has = len(getattr(before, what)), len(getattr(now, what))
        if has < had:
            raise PageChanged(f"the hiscores now list {has} {what}; before, they listed {had}")
