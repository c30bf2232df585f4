"""`python -m tests.integration.shared.outbox.dying_relay STEP`: a relay that dies at one step of its first batch."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from dependency_injector import providers
from tests.integration.shared.outbox.conftest import Tracer

from app.container import AppContainer
from app.runtime import runtime
from shared.database import Database
from shared.events import Event
from shared.outbox.repository import OutboxRepository
from shared.outbox.schemas import ClaimedEvent

STEPS: Final = (
    "after the lock",
    "after the claim",
    "in the first handler",
    "in the second handler",
    "before the commit",
    "after the commit",
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingRepository(OutboxRepository):
    """Dies around its statements."""

    step = ""

    async def try_lock(self) -> bool:
        held = await super().try_lock()
        if self.step == "after the lock":
            die()
        return held

    async def claim(self, *, now: datetime, limit: int) -> list[ClaimedEvent]:
        claimed = await super().claim(now=now, limit=limit)
        if self.step == "after the claim":
            die()
        return claimed


class DyingTracer(Tracer):
    """Dies in the middle of its work, or when all of it is done."""

    step = ""

    async def handle(self, events: Sequence[Event]) -> None:
        await super().handle(events)
        session = self.container.database().session()
        if self.step == f"in the {self.name} handler":
            die()
        if self.step == "before the commit":
            Database.before_commit(session, dying)
        if self.step == "after the commit":
            Database.after_commit(session, dying)


async def dying() -> None:
    die()


async def relay(container: AppContainer) -> None:
    handlers = [DyingTracer(container, name="first"), DyingTracer(container, name="second")]
    container.events.handlers.override(providers.Object(handlers))
    container.outbox_repository.override(providers.Factory(DyingRepository, container.session))
    await container.events.relay().run()


if __name__ == "__main__":
    DyingRepository.step = DyingTracer.step = sys.argv[1]
    with runtime() as made:
        asyncio.run(relay(made.container("trackers-dying-relay")))
