"""A bot that reads and asks for looks all the time, and counts what it is answered."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

import httpx
from tests.integration.faults.harness import Stage
from tests.prove.report import Measure

SERVER_ERROR: Final = 500
AWAY: Final = 503
"""What may be answered while a server is away."""
REST: Final = 0.05


@dataclass
class Bot:
    """One connection of one key."""

    http: httpx.AsyncClient
    rng: random.Random
    trackers: list[str]
    answered: Counter[int] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)

    @classmethod
    @asynccontextmanager
    async def of(cls, stage: Stage, address: str, rng: random.Random, *, key: str = "") -> AsyncIterator[Self]:
        """A bot that knows every tracker, with a key of its own unless it is given one."""
        if not key:
            async with stage.engine() as container, container.database().unit_of_work():
                key = (await container.users.keys().create("a bot", ["trackers", "players"])).text
        trackers = [str(row["id"]) for row in await stage.rows("SELECT id FROM game_trackers ORDER BY id")]
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30, trust_env=False) as http:
            yield cls(http, rng, trackers)

    async def ask_on(self, until: float) -> None:
        """One request after another."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            tracker = self.rng.choice(self.trackers)
            method, path = self.rng.choice(
                [
                    ("GET", f"/internal/trackers/{tracker}"),
                    ("GET", f"/internal/trackers/{tracker}/snapshots"),
                    ("POST", f"/internal/trackers/{tracker}/refresh?force=true"),
                ]
            )
            await self.ask(method, path)
            await asyncio.sleep(REST)  # the pace of a bot

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response | None:
        """None where no answer came."""
        try:
            answer = await self.http.request(method, path, json=body)
        except httpx.TransportError as error:
            self.unanswered[type(error).__name__] += 1
            return None
        self.answered[answer.status_code] += 1
        return answer

    def measure(self, *, may_be_away: bool) -> Measure:
        """What it was answered; with `may_be_away`, 503 is an answer like others."""
        wrong = sum(
            count
            for status, count in self.answered.items()
            if status >= SERVER_ERROR and not (may_be_away and status == AWAY)
        )
        told = ", ".join(f"{status}: {count}" for status, count in sorted(self.answered.items()))
        return Measure(
            what=f"answers of the API meanwhile: no 5xx{' but 503' if may_be_away else ''}, none missing",
            came_out=f"{self.answered.total():,} ({told}), unanswered {dict(self.unanswered) or 0}",
            held=not wrong and not self.unanswered,
        )
