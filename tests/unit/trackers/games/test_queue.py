"""Putting trackers ahead, however many there are."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from trackers.games.services.guild_processing import PROCESSED_AT_ONCE
from trackers.games.services.queue import TrackerScrapingQueueService


class FakeRepository:
    def __init__(self, pending: int) -> None:
        self.pending = [UUID(int=number) for number in range(1, pending + 1)]

    async def pending_targets(self, *, after: UUID | None, limit: int) -> list[UUID]:
        return [target for target in self.pending if after is None or target > after][:limit]


class FakeTargets:
    def __init__(self) -> None:
        self.fetched_at: list[UUID] = []

    async def request_run(self, source: str, targets: Sequence[UUID]) -> dict[UUID, UUID]:
        self.fetched_at += targets
        return {target: target for target in targets}


async def test_every_pending_tracker_is_put_ahead_once() -> None:
    repository: Any = FakeRepository(2 * PROCESSED_AT_ONCE + 1)
    targets: Any = FakeTargets()
    nobody: Any = None  # the house itself asks, for all guilds
    queue = TrackerScrapingQueueService(trackers=repository, targets=targets, guilds=nobody, access=nobody)
    assert await queue.process_pending_trackers() == 2 * PROCESSED_AT_ONCE + 1
    assert targets.fetched_at == repository.pending
