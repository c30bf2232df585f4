"""The players of one scenario, under names that no other has, and what people and bots ask about them."""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import httpx
from tests.features.trackers.story import LETTERS
from tests.features.users.people import People
from tests.upstreams.client import SimulatedHiscores

from trackers_client import BotClient

NAME: Final = re.compile(r"(?i)(lynx|quiet)([ _-])(titan|lynx)|nobody")


@dataclass
class Cast:
    """What happens in one scenario."""

    people: People
    mark: str = field(default_factory=lambda: "".join(secrets.choice(LETTERS) for _ in range(5)))
    answers: list[httpx.Response] = field(default_factory=list)
    asked: int = 0
    """Requests that the site had seen before the scenario."""
    task: str = ""
    wait: timedelta = timedelta(0)
    """Between the last attempt and the next one."""
    bosses: list[str] = field(default_factory=list)
    """New ones of the game."""

    @property
    def site(self) -> SimulatedHiscores:
        return self.people.service.simulated.hiscores

    @property
    def answer(self) -> httpx.Response:
        return self.answers[-1]

    def own(self, name: str) -> str:
        """A player's name made this scenario's own, in the spelling that it has; at most twelve letters."""
        found = NAME.fullmatch(name)
        if found is None:
            return name
        short = "no" if found[2] is None else f"{found[1][0]}{found[2]}{found[3][0]}"
        return f"{short}{found[2] or ''}{self.mark}"

    def path(self, name: str, what: str = "") -> str:
        return f"/api/players/{quote(self.own(name))}{what}"

    def ask(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        self.answers.append(self.people.ask(who, method, path, body))
        return self.answer

    def bot(self, ask: Callable[[BotClient], Awaitable[Any]], *, key: str | None = None) -> httpx.Response:
        self.answers.append(self.people.service.bot.answer(ask, key=key))
        return self.answer

    def read(self, who: str, name: str, what: str = "", **query: str) -> Any:
        """What somebody reads of a player, apart from what the scenario asks."""
        suffix = f"?{httpx.QueryParams(query)}" if query else ""
        answer = self.people.ask(who, "GET", f"{self.path(name, what)}{suffix}")
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def visits(self, name: str) -> int:
        """How often the site was asked for a player, in whatever table."""
        wanted = self.own(name).lower().replace("_", " ").replace("-", " ")
        queries = [entry.query.lower() for entry in self.site.requests("/m=")]
        return sum(quote(wanted) in query for query in queries)
