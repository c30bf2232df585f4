"""What the demo does with the product: people register, ratings move, everything is looked at again and again."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any, Final
from urllib.parse import quote

import msgspec
from tests.demo.product import DemoFailed, Product
from tests.upstreams.client import SimulatedSites
from tests.waiting import LIMIT_S

DELAY: Final = 0.2
JITTER: Final = 0.05
PATIENCE: Final = LIMIT_S
POLL_INTERVAL_S: Final = 0.05
DOUBLES: Final = 11
SITE: Final = "https://rocketleague.tracker.network"


@dataclass(frozen=True, kw_only=True)
class Player:
    """An account on the simulated site, and the link that its owner pastes."""

    platform: str
    identifier: str
    ratings: dict[int, int]
    link: str
    activity: float = 0.6
    """Chance to play in a round."""


@dataclass(frozen=True, kw_only=True)
class Person:
    name: str
    discord_id: str
    players: tuple[Player, ...]


PEOPLE: Final = (
    Person(
        name="Ada",
        discord_id="281474976710656001",
        players=(
            Player(
                platform="epic",
                identifier="Quiet Comet",
                ratings={10: 742, DOUBLES: 1043, 13: 1012},
                link=f"{SITE}/rocket-league/profile/epic/Quiet%20Comet/overview",
            ),
            Player(
                platform="steam",
                identifier="76561190000000117",
                ratings={DOUBLES: 688, 13: 701},
                link=f"{SITE}/rocket-league/profile/steam/76561190000000117/overview?utm_source=chat",
            ),
        ),
    ),
    Person(
        name="Ben",
        discord_id="281474976710656002",
        players=(
            Player(
                platform="psn",
                identifier="Brisk_Otter",
                ratings={DOUBLES: 1310, 13: 1288},
                link="that's me: tracker.gg/rocket-league/profile/psn/Brisk_Otter/overview",
            ),
        ),
    ),
    Person(
        name="Cleo",
        discord_id="281474976710656003",
        players=(
            Player(
                platform="xbl",
                identifier="Mossy Kettle",
                ratings={10: 512, DOUBLES: 604},
                link=f"{SITE}/profile/xbox/Mossy%20Kettle",
            ),
            Player(
                platform="epic",
                identifier="Grüner Blitz",
                ratings={DOUBLES: 1466, 13: 1502},
                link=f"{SITE}/rocket-league/profile/epic/Gr%C3%BCner%20Blitz/overview",
            ),
            Player(
                platform="switch",
                identifier="Lintwurm",
                ratings={DOUBLES: 455, 13: 430},
                link=f"{SITE}/rocket-league/profile/switch/Lintwurm/mmr?playlist=13",
            ),
        ),
    ),
)
STAR: Final = PEOPLE[0].players[0]
"""Whose rating is drawn; plays one match a round, won or lost by these points."""
FORM: Final = (11, 9, -10, 12, 9, -11, 10, 13, 9, -8, 12, 10)
MEMBER: Final = PEOPLE[2]
"""Who logs in, and sees what the bot registered for her."""
MEMBERS_PASSWORD: Final = "a kettle full of moss"
SPELLED_ANEW: Final = "http://tracker.gg/rocket-league/profile/epic/QUIET%20COMET?utm_source=chat"


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """A registered tracker."""

    id: str
    person: str
    display: str
    platform: str
    task: str
    pasted: str


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A tracker as the person sees it who follows it."""

    display: str
    platform: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """One finished look at one tracker."""

    requested_at: datetime
    finished_at: datetime
    changed: bool
    http_status: int | None

    @property
    def seconds(self) -> float:
        return (self.finished_at - self.requested_at).total_seconds()


@dataclass(frozen=True, kw_only=True)
class Change:
    """How far a rating got from the first look to the last."""

    person: str
    player: str
    platform: str
    playlist: str
    before: int
    after: int
    rank: str
    scraped_at: datetime


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What the site saw of us."""

    profiles: int
    robots: int
    gaps: tuple[float, ...]

    @property
    def smallest(self) -> float:
        return min(self.gaps)

    @property
    def median(self) -> float:
        return median(self.gaps)


@dataclass
class Demo:
    """The story, told to a running product."""

    product: Product
    sites: SimulatedSites
    trackers: list[Tracker] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    def invent_players(self) -> None:
        for person in PEOPLE:
            for player in person.players:
                self.sites.games.add_player(
                    player.platform, player.identifier, ratings=player.ratings, activity=player.activity
                )

    def register(self) -> None:
        """Everybody's links at once, as a bot hands them in."""
        for person in PEOPLE:
            links = [player.link for player in person.players]
            body = {"user_id": person.discord_id, "urls": links, "user_data": {"username": person.name}}
            made = self.product.ask("POST", "/internal/trackers/register-multiple", body, expect=201)["trackers"]
            by_link = {player.link: player for player in person.players}
            self.trackers += [
                Tracker(
                    id=tracker["id"],
                    person=person.name,
                    display=tracker["display"],
                    platform=tracker["platform"],
                    task=tracker["task_id"],
                    pasted=by_link[tracker["url"]].link,
                )
                for tracker in made
            ]

    def register_again(self) -> dict[str, Any]:
        """Ada pastes an account that she follows already, in another spelling; the refusal."""
        body = {"user_id": PEOPLE[0].discord_id, "url": SPELLED_ANEW}
        refusal: dict[str, Any] = self.product.ask("POST", "/internal/trackers/add", body, expect=409)
        return refusal

    def log_in(self) -> str:
        """The member makes a login with the bot's code, and uses it; her access token."""
        code = self.product.ask("POST", "/internal/users/claim-codes", {"user_id": MEMBER.discord_id}, expect=201)
        login = {"username": MEMBER.name.lower(), "password": MEMBERS_PASSWORD}
        self.product.ask("POST", "/api/auth/register", {**login, "claim_code": code["code"]}, expect=201, token="")
        tokens = self.product.ask(
            "POST", "/api/auth/login", {"login": login["username"], "password": MEMBERS_PASSWORD}, token=""
        )
        return str(tokens["access_token"])

    def trackers_of(self, token: str) -> list[Followed]:
        """Whose token it is sees what they follow."""
        return msgspec.convert(self.product.ask("GET", "/api/trackers/me", token=token)["items"], list[Followed])

    def peek(self, token: str) -> dict[str, Any]:
        """The same token and somebody else's tracker; the refusal."""
        path = f"/api/trackers/{self.trackers[0].id}"
        refusal: dict[str, Any] = self.product.ask("GET", path, expect=403, token=token)
        return refusal

    def play(self, turn: int) -> None:
        """A round of matches: everybody plays, the star to a plan."""
        self.sites.games.tick()
        self.sites.games.play(STAR.platform, STAR.identifier, DOUBLES, rating=FORM[turn % len(FORM)])

    def refresh(self) -> list[str]:
        """Ask for a fresh look at everybody; the tasks."""
        return [
            self.product.ask("POST", f"/internal/trackers/{tracker.id}/refresh?force=true", expect=202)["task_id"]
            for tracker in self.trackers
        ]

    def watch(self, tasks: Sequence[str], finished: Callable[[int], None]) -> None:
        """Until every task is over; `finished` is told how many are, whenever that changes."""
        until = time.monotonic() + PATIENCE
        waiting = list(tasks)
        while waiting:
            still = []
            for task_id in waiting:
                task = self.product.ask("GET", f"/internal/tasks/{task_id}")
                if task["status"] == "failed":
                    raise DemoFailed(f"{task['key']} failed: {task['reason']}, {task['error']}")
                if task["status"] == "completed":
                    self.looks.append(msgspec.convert(task, Look))
                else:
                    still.append(task_id)
            if len(still) < len(waiting):
                finished(len(tasks) - len(still))
            waiting = still
            if waiting and time.monotonic() > until:
                raise DemoFailed(f"{len(waiting)} of {len(tasks)} looks were not over within {PATIENCE:g} s")
            if waiting:
                time.sleep(POLL_INTERVAL_S)  # between two looks; the demo has errors of its own

    def changes(self) -> Iterator[Change]:
        """Of every player the one or two playlists whose rating moved most since the first look."""
        for tracker in self.trackers:
            snapshots = self._snapshots(tracker)
            first = {row["playlist"]: row["rating"] for row in snapshots[0]["playlists"]}
            scraped_at = self.product.ask("GET", f"/internal/trackers/{tracker.id}/status")["last_success_at"]
            moved = [
                Change(
                    person=tracker.person,
                    player=tracker.display,
                    platform=tracker.platform,
                    playlist=row["name"],
                    before=first[row["playlist"]],
                    after=row["rating"],
                    rank=" ".join(part for part in (row["tier_name"], _roman(row["division"])) if part),
                    scraped_at=datetime.fromisoformat(scraped_at),
                )
                for row in self._current_standings(tracker)
                if row["rating"] != first.get(row["playlist"], row["rating"])
            ]
            yield from sorted(moved, key=lambda change: -abs(change.after - change.before))[:2]

    def history(self) -> list[int]:
        """The star's rating in Doubles at every look that found it moved, from the stored snapshots."""
        tracker = next(tracker for tracker in self.trackers if tracker.display == STAR.identifier)
        return [
            row["rating"]
            for snapshot in self._snapshots(tracker)
            for row in snapshot["playlists"]
            if row["playlist"] == str(DOUBLES)
        ]

    def pace(self) -> Pace:
        """From the site's own log: how many requests came, and how far apart."""
        requests = self.sites.games.requests()
        known = {quote(player.identifier) for person in PEOPLE for player in person.players}
        profiles = [request for request in requests if request.path.rpartition("/")[2] in known]
        return Pace(
            profiles=len(profiles),
            robots=sum(request.path == "/robots.txt" for request in requests),
            gaps=tuple(later.time - earlier.time for earlier, later in pairwise(requests)),
        )

    def _snapshots(self, tracker: Tracker) -> list[dict[str, Any]]:
        """The oldest first."""
        return list(self.product.ask("GET", f"/internal/trackers/{tracker.id}/snapshots?limit=200")["items"])[::-1]

    def _current_standings(self, tracker: Tracker) -> list[dict[str, Any]]:
        seasons = self.product.ask("GET", f"/internal/trackers/{tracker.id}/seasons")["items"]
        return [row for season in seasons if season["current"] for row in season["playlists"]]


def _roman(division: int | None) -> str:
    return "" if division is None else f"Div {('I', 'II', 'III', 'IV')[division]}"
