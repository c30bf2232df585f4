"""What happens in one scenario: its people, its players under names that no other scenario has, and what was answered.

The features speak of "Quiet Comet" in every scenario. The story marks the name, in whatever spelling it stands in a
link, so that scenarios that share a database and a site never meet.
"""

import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import httpx
from tests.features.service import Meanwhile, Service
from tests.waiting import LIMIT_S

from trackers_client import BotClient
from trackers_client.models import AddTracker, RegisterTrackers

CAST: Final = ("Quiet Comet", "Lintwurm", "Brisk Otter", "Mossy Kettle", "Grüner Blitz", "Tide_Runner")
STEAM_ID: Final = "76561190000000001"
PASSED_BY: Final = "https://rocketleague.tracker.network/rocket-league/profile/{platform}/{name}/overview"
LETTERS: Final = "bcdfghjkmnpqrstvwxyz23456789"
TWO_DAYS: Final = timedelta(days=2)
"""Longer than a day's interval doubled, so that after it everything that ever comes round again is due."""
SOON: Final = LIMIT_S
"""Seconds that something is given that workers do by themselves."""
NOWHERE: Final = "https://example.org/nowhere"


def link(name: str, platform: str = "epic") -> str:
    return PASSED_BY.format(platform=platform, name=quote(name))


def _in_any_spelling(name: str) -> str:
    """A pattern for a name as links spell it: any case, percent-encoded or not, composed or not."""
    pattern = ""
    for character in name:
        apart = unicodedata.normalize("NFD", character)
        spellings = {character, apart, quote(character), quote(apart), quote(character.upper())}
        pattern += f"(?:{'|'.join(sorted(map(re.escape, spellings), key=len, reverse=True))})"
    return pattern


_ANYBODY: Final = re.compile("|".join(_in_any_spelling(name) for name in CAST), re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One tracker that was made."""

    person: str
    player: str
    tracker: dict[str, Any]


@dataclass
class Story:
    """One scenario's own names, and what came of its steps."""

    service: Service
    mark: str = field(default_factory=lambda: "-" + "".join(secrets.choice(LETTERS) for _ in range(7)))
    steam_id: str = field(default_factory=lambda: f"7656119{secrets.randbelow(10**10):010}")
    answers: list[httpx.Response] = field(default_factory=list)
    """Of the latest step that asked something."""
    made: list[Registered] = field(default_factory=list)
    given: list[tuple[str, str]] = field(default_factory=list)
    """Tasks in the order that they were given out, each after its player's name."""
    key: str | None = None
    """Shown instead of the bot's own."""
    at_work: Meanwhile | None = None
    pasted: str = ""
    troubled: bool = False
    """Something went wrong on the site, which may make the service leave it alone for a while."""
    pace: dict[str, str] = field(default_factory=dict)
    close_breaker: Callable[[], object] = lambda: None
    """What an admin of a deployment can do so that it need not be waited for."""
    _ids: dict[str, str] = field(default_factory=dict)
    _extras: int = 0

    def marked(self, words: str) -> str:
        """The words, each player's name in them made this scenario's own."""
        own = _ANYBODY.sub(lambda name: name[0] + (self.mark.upper() if name[0].isupper() else self.mark), words)
        return own.replace(STEAM_ID, self.steam_id)

    def id_of(self, person: str) -> str:
        """A person's Discord id."""
        return self._ids.setdefault(person, str(secrets.randbelow(8 * 10**18) + 10**18))

    def players(self, count: int) -> list[str]:
        """So many players that were not mentioned before."""
        self._extras += count
        return [f"Extra {number}{self.mark}" for number in range(self._extras - count, self._extras)]

    def register(self, person: str, urls: Sequence[str]) -> httpx.Response:
        body = RegisterTrackers(user_id=self.id_of(person), urls=list(urls))
        return self._ask(person, lambda bot: bot.trackers.register_trackers(body))

    def add(self, person: str, url: str) -> httpx.Response:
        self.pasted = url
        body = AddTracker(user_id=self.id_of(person), url=url)
        return self._ask(person, lambda bot: bot.trackers.add_tracker(body))

    def refresh(self, person: str, player: str) -> httpx.Response:
        tracker_id = next(made.tracker["id"] for made in self.of(player) if made.person == person)
        answer = self.service.bot.answer(lambda bot: bot.trackers.refresh_tracker(UUID(tracker_id), force=True))
        if answer.status_code == httpx.codes.ACCEPTED:
            self.given.append((self.marked(player), answer.json()["task_id"]))
        return answer

    def together(self, *asks: Any) -> None:
        """Ask several things at the same moment."""
        with ThreadPoolExecutor(len(asks)) as crowd:
            self.answers = [future.result() for future in [crowd.submit(ask) for ask in asks]]

    def answered(self, answer: httpx.Response) -> None:
        self.answers = [answer]

    @property
    def answer(self) -> httpx.Response:
        assert len(self.answers) == 1
        return self.answers[0]

    @property
    def new_trackers(self) -> list[dict[str, Any]]:
        """What the latest answers made."""
        return [tracker for answer in self.answers for tracker in answer.json().get("trackers", ())]

    @property
    def tasks(self) -> list[str]:
        return list(dict.fromkeys(task for _, task in self.given))

    def of(self, player: str) -> list[Registered]:
        """The trackers of a player, oldest first."""
        name = self.marked(player)
        found = [made for made in self.made if made.player == name]
        assert found, f"nobody registered {player}"
        return found

    def tracker(self, player: str) -> Any:
        return self._read(player, lambda bot, tracker_id: bot.trackers.get_tracker(tracker_id))

    def task(self, player: str) -> Any:
        """The task that was given out last for a player."""
        name = self.marked(player)
        task_id = UUID([task for whose, task in self.given if whose == name][-1])
        return self.service.bot.read(lambda bot: bot.tasks.get_task(task_id))

    def seasons(self, player: str) -> list[dict[str, Any]]:
        shown = self._read(player, lambda bot, tracker_id: bot.trackers.get_tracker_seasons(tracker_id))
        return list(shown["items"])

    def state(self, player: str, playlist: int, season: str | None = None) -> dict[str, Any]:
        """Where a player stands in a playlist, in the current season where none is named."""
        shown = next(s for s in self.seasons(player) if (s["current"] if season is None else s["key"] == season))
        found: dict[str, Any] = next(row for row in shown["playlists"] if row["playlist"] == str(playlist))
        return found

    def snapshots(self, player: str) -> list[dict[str, Any]]:
        """The newest first."""
        shown = self._read(player, lambda bot, tracker_id: bot.trackers.get_tracker_snapshots(tracker_id))
        return list(shown["items"])

    def path_of(self, player: str) -> str:
        """Where the site's API has a player, as a pattern of paths."""
        return f"*/profile/*/{quote(self.marked(player))}*"

    def requests(self, player: str = "") -> list[Any]:
        """What the site was asked for a player (for profiles at all where none is named), oldest first."""
        name = quote(self.marked(player) if player else self.mark)
        return [request for request in self.service.simulated.games.requests("/api/") if name in request.path]

    def end(self) -> None:
        """Leave nothing behind that could disturb the next scenario."""
        if self.service.sites is not None:
            self.service.sites.clear_faults()
        try:
            if self.at_work is not None:
                self.at_work.join()
        finally:
            if self.service.worker is not None:
                self.service.worker.end()
                self.service.worker.rest()
                self.service.simulated.reset()
            elif self.troubled:
                self._wait_until_trusted()

    def _wait_until_trusted(self) -> None:
        """A deployment's breaker closes on the first look that goes well; the next scenario begins after that."""
        self.close_breaker()
        (name,) = self.players(1)
        self.service.simulated.games.add_player("epic", name)
        made = self.register("somebody else", [link(name)]).json()["trackers"]
        self.service.look([made[0]["task_id"]])

    def _ask(self, person: str, ask: Callable[[BotClient], Awaitable[Any]]) -> httpx.Response:
        return self.kept(person, self.service.bot.answer(ask, key=self.key))

    def _read(self, player: str, ask: Callable[[BotClient, UUID], Awaitable[Any]]) -> Any:
        """What the bot reads of a player's newest tracker."""
        tracker_id = UUID(self.of(player)[-1].tracker["id"])
        return self.service.bot.read(lambda bot: ask(bot, tracker_id))

    def kept(self, person: str, answer: httpx.Response) -> httpx.Response:
        """Remember what a registration made."""
        if answer.status_code == httpx.codes.CREATED:
            trackers = answer.json()["trackers"]
            self.made += [Registered(person=person, player=made["display"], tracker=made) for made in trackers]
            self.given += [(made["display"], made["task_id"]) for made in trackers]
        return answer
