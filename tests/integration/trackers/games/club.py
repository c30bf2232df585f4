"""A guild whose members follow players, on a clock that a test puts forward."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text
from tests.clock import MovedClock
from tests.conftest import Bench, container_of

from app.container import AppContainer
from app.worker import WorkerProcess

GUILD, OTHER_GUILD = "81384788765712384", "613425648685547541"
ADA, BEN, CLEO = "281474976710656001", "281474976710656002", "281474976710656003"


@dataclass
class Club:
    """What a bot does for its guilds, and what the worker does on the same clock."""

    api: Bench
    clock: MovedClock

    @property
    def container(self) -> AppContainer:
        return self.api.container

    async def put_guild(self, guild: str = GUILD, **settings: Any) -> None:
        body = {"name": guild, "settings": settings} if settings else {"name": guild}
        await self.told("PUT", f"/internal/guilds/{guild}", body)

    async def switch(self, *, on: bool, guild: str = GUILD) -> None:
        await self.put_guild(guild, tracker_processing=on)

    async def join(self, *people: str, guild: str = GUILD) -> None:
        await self.told("PUT", f"/internal/guilds/{guild}/members", {"members": [{"user_id": who} for who in people]})

    async def leave(self, *people: str, guild: str = GUILD) -> None:
        await self.told("POST", f"/internal/guilds/{guild}/members/remove", {"user_ids": list(people)})

    async def follow(self, person: str, *players: str) -> dict[str, str]:
        """Player -> tracker id."""
        made = {}
        for player in players:
            link = f"https://rocketleague.tracker.network/rocket-league/profile/epic/{player}/overview"
            answer = await self.told("POST", "/internal/trackers/add", {"user_id": person, "url": link})
            made[player] = str(answer["trackers"][0]["id"])
        return made

    async def schedule(self, guild: str = GUILD, *, after: timedelta = timedelta(hours=1), **more: Any) -> Any:
        at = {} if "cron" in more else {"scheduled_at": (self.clock.now() + after).isoformat()}
        return await self.told("POST", "/internal/trackers/schedule", {"guild_id": guild, **at, **more})

    async def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return await self.api.http.request(method, path, json=body, headers=headers)

    async def told(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def schedules(self, query: str = "", guild: str = GUILD) -> list[Any]:
        return list((await self.told("GET", f"/internal/trackers/schedule/guild/{guild}{query}"))["items"])

    async def cancel(self, schedule_id: str) -> httpx.Response:
        return await self.ask("POST", f"/internal/trackers/schedule/{schedule_id}/cancel")

    async def status(self, tracker_id: str) -> Any:
        return await self.told("GET", f"/internal/trackers/{tracker_id}/status")

    async def tick(self, *, workers: int = 1) -> int:
        """What the workers do about schedules every two seconds; how many began or ended."""
        job = self.container.games.schedule_job()
        return sum(await asyncio.gather(*(job.run() for _ in range(workers))))

    async def work(self) -> None:
        """Fetch everything that is due."""
        container = container_of(self.api.environ, clock=self.clock)
        assert await WorkerProcess(container).burst() == 0

    async def pass_by(self, time: timedelta) -> None:
        self.clock.ahead += time

    async def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        return await self.container.reader().rows(text(statement), parameters)

    async def finished(self) -> list[dict[str, Any]]:
        """What was told of schedules that are over, in order."""
        rows = await self.rows("SELECT payload FROM outbox_events WHERE event = 'processing.finished' ORDER BY id")
        return [row["payload"] for row in rows]

    def asked_for(self, player: str, sites: Any) -> int:
        """How often the site was asked for a player."""
        return sum(player in request.path for request in sites.games.requests("/api/"))
