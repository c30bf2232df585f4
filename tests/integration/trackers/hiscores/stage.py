"""Players who play, and somebody who follows them, on a clock that a test puts forward."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text
from tests.clock import MovedClock
from tests.conftest import Bench
from tests.integration.people import Person
from tests.upstreams.client import SimulatedHiscores

from shared.scraping.targets import Task

LEVEL_98, LEVEL_99 = 11_805_606, 13_034_431


@dataclass
class Stage:
    """What a person does over HTTP, and the looks that workers take."""

    api: Bench
    person: Person
    clock: MovedClock
    site: SimulatedHiscores

    async def get(self, path: str, **query: Any) -> Any:
        """A player's thing, as it is read; `path` as below /api/players."""
        answer = await self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        address = str(httpx.URL(f"/api/players{path}", params=query) if query else f"/api/players{path}")
        return await self.person.ask(method, address, body)

    async def add(self, name: str, **more: Any) -> Any:
        """Add a player whom the site knows."""
        answer = await self.ask("POST", "", {"username": name, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def look(self, name: str, *, later: timedelta = timedelta(hours=6)) -> Task:
        """What a worker does with a player some time later."""
        self.clock.ahead += later
        container = self.api.container
        inline_fetch = container.inline_fetch()
        target = await container.reader().value(
            text("SELECT target_id FROM hiscore_players WHERE username = :name AND removed_at IS NULL"),
            {"name": name.lower()},
        )
        async with container.database().unit_of_work():
            asked = await inline_fetch.ask("hiscores", target)
        assert asked is not None, "nobody looks at the player"
        return await inline_fetch.carry_out(asked)

    async def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        return await self.api.container.reader().rows(text(statement), parameters)

    async def kinds(self) -> list[int]:
        """The kinds of all records, the oldest first: 0 delta, 1 keyframe, 2 flagged."""
        return [row["kind"] for row in await self.rows("SELECT kind FROM hiscore_records ORDER BY player, at")]


def gain_of(history: Any, metric: str) -> Any:
    """A metric's line of a history."""
    (found,) = [one for one in history["gains"] if one["metric"] == metric]
    return found
