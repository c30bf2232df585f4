"""The test's hand on the simulated sites: starts them, tells them what to do, reads what was asked of them.

    with SimulatedSites.started(games={"auto_players": True}) as sites:
        sites.games.add_player("epic", "Quiet Comet", ratings={11: 1043})
        sites.games.play("epic", "Quiet Comet", 11, rating=+12)
        sites.fault("*/profile/*", "throttled", retry_after=30, count=1)
        ...
        assert len(sites.requests("/api/")) == 2

Synchronous on purpose: a test's arrangement, not its subject. The process ends with the block, and by itself when
the test's process dies.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
from tests.upstreams.faults import Fault, FaultKind
from tests.upstreams.log import LoggedRequest

_ROOT = Path(__file__).parents[2]
_STOP_SECONDS = 5


class SimulatedSites:
    """The control of running sites; `url` is the control's address, each site has its own `url`."""

    def __init__(self, url: str):
        self.url = url
        # trust_env off: a proxy of the machine must not come between.
        self._http = httpx.Client(base_url=f"{url}/_control", timeout=30, trust_env=False)
        self.urls: dict[str, str] = self._call("GET", "/")["urls"]
        self.games = SimulatedGames(self, "games")
        self.hiscores = SimulatedHiscores(self, "hiscores")
        self.fencers = SimulatedFencers(self, "fencers")
        self.contracts = SimulatedContracts(self, "contracts")
        self.flights = SimulatedFlights(self, "flights")

    @classmethod
    @contextmanager
    def started(
        cls,
        *,
        seed: int = 1,
        now: str | None = None,
        tests_clock: bool = False,
        port: int = 0,
        **options: Mapping[str, Any],
    ) -> Iterator[Self]:
        """Run the sites in a process of their own; `options` by site: `games={"mode": "drift", "period": 2}`.

        Their clock is the machine's, stands still at `now`, or is that of tests.clock.MovedClock.
        """
        command = [sys.executable, "-m", "tests.upstreams", "--until-stdin-closes", f"--seed={seed}", f"--port={port}"]
        if now is not None:
            command.append(f"--now={now}")
        if tests_clock:
            command.append("--tests-clock")
        for site, values in options.items():
            for name, value in values.items():
                command += ["--set", f"{site}.{name}={msgspec.json.encode(value).decode()}"]
        with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 -- our own module, started by a test
            try:
                announced = process.stdout.readline() if process.stdout else b""
                if not announced:
                    raise RuntimeError(f"the simulated sites did not start: exit status {process.wait()}")
                sites = cls(msgspec.json.decode(announced)["url"])
                try:
                    yield sites
                finally:
                    sites.close()
            finally:
                process.terminate()
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()

    def close(self) -> None:
        """Let go of the control's connection; the sites run on."""
        self._http.close()

    def fault(self, path: str, kind: FaultKind | str, *, site: str | None = None, **how: Any) -> Fault:
        """Let something go wrong from now on, for paths like `path` (glob, or `re:...`); see FaultKind for `how`."""
        wanted = {"path": path, "kind": kind, "site": site, **how}
        return msgspec.convert(self._call("POST", "/faults", wanted), Fault)

    def faults(self) -> list[Fault]:
        """What is switched on, with the number of requests each has hit."""
        return msgspec.convert(self._call("GET", "/faults"), list[Fault])

    def clear_fault(self, fault: Fault) -> None:
        """One fault; hanging requests of all are let go (their connections are cut)."""
        self._call("DELETE", f"/faults?id={fault.id}")

    def clear_faults(self) -> None:
        """Everything works again; hanging requests are let go (their connections are cut)."""
        self._call("DELETE", "/faults")

    def requests(self, path_prefix: str = "", *, site: str | None = None, after: int = 0) -> list[LoggedRequest]:
        """What was asked, oldest first; `after` is the number of a request seen before."""
        query = httpx.QueryParams(path_prefix=path_prefix, after=after, **({"site": site} if site else {}))
        return msgspec.convert(self._call("GET", f"/requests?{query}"), list[LoggedRequest])

    def request_counts(self) -> dict[str, int]:
        """Requests per site, of the last 100,000."""
        return msgspec.convert(self._call("GET", "/")["requests"], dict[str, int])

    def clear_requests(self) -> None:
        self._call("DELETE", "/requests")

    def reset(self) -> None:
        """As just started: no faults, no log, no players, the options of the start."""
        self._call("POST", "/reset")

    def tell(self, site: str, action: str, **arguments: Any) -> Any:
        """One action of one site, by its names."""
        return self._call("POST", f"/sites/{site}/{action}", arguments)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, path, content=None if body is None else msgspec.json.encode(body))
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"{method} {path}: {answer.text}")
        return msgspec.json.decode(answer.content)


class SimulatedSite:
    """What every site can do."""

    def __init__(self, sites: SimulatedSites, name: str):
        self._sites = sites
        self.name = name
        self.url = sites.urls[name]

    def configure(self, **options: Any) -> None:
        """Turn the site's knobs; its module says which there are."""
        self._sites.tell(self.name, "configure", **options)

    def robots(self, text: str = "", *, status: int = 200) -> None:
        """What /robots.txt says from now on."""
        self._sites.tell(self.name, "robots", text=text, status=status)

    def fault(self, path: str, kind: FaultKind | str, **how: Any) -> Fault:
        """As `SimulatedSites.fault`, for this site alone."""
        return self._sites.fault(path, kind, site=self.name, **how)

    def requests(self, path_prefix: str = "", *, after: int = 0) -> list[LoggedRequest]:
        """As `SimulatedSites.requests`, of this site alone."""
        return self._sites.requests(path_prefix, site=self.name, after=after)

    def _state(self, action: str, **arguments: Any) -> dict[str, Any]:
        return msgspec.convert(self._sites.tell(self.name, action, **arguments), dict[str, Any])


class SimulatedGames(SimulatedSite):
    """Tracker Network; players are named by platform slug and identifier."""

    def add_player(
        self,
        platform: str,
        identifier: str,
        *,
        ratings: Mapping[int, int] | None = None,
        matches: Mapping[int, int] | None = None,
        private: bool = False,
        unplayed: bool = False,
        style: str = "2025",
        activity: float = 1.0,
    ) -> dict[str, Any]:
        """A player that exists from now on; ratings and matches by playlist id, made up where not given.

        `style` "2023" has nulls; `activity` is the chance to play in a turn. Returns the state, as `player` does.
        """
        return self._state(
            "add_player",
            platform=platform,
            identifier=identifier,
            ratings=ratings,
            matches=matches,
            private=private,
            unplayed=unplayed,
            style=style,
            activity=activity,
        )

    def remove_player(self, platform: str, identifier: str) -> None:
        """As if the account had been deleted."""
        self._sites.tell(self.name, "remove_player", platform=platform, identifier=identifier)

    def player(self, platform: str, identifier: str) -> dict[str, Any]:
        """The present state: player_id, user_id, season, playlist states{playlist: rating, matches, streak, peak}."""
        return self._state("player", platform=platform, identifier=identifier)

    def play(
        self,
        platform: str,
        identifier: str,
        playlist: int,
        *,
        rating: int = 9,
        won: bool | None = None,
        matches: int = 1,
    ) -> dict[str, Any]:
        """Play matches in one playlist; `rating` is the change of them together, won where it is not negative."""
        return self._state(
            "play", platform=platform, identifier=identifier, playlist=playlist, rating=rating, won=won, matches=matches
        )

    def tick(self, turns: int = 1) -> int:
        """Every player plays; the number of turns so far."""
        return int(self._sites.tell(self.name, "tick", turns=turns))

    def start_season(self, number: int) -> None:
        """A new season: what was current becomes past, nobody has played in it yet."""
        self._sites.tell(self.name, "start_season", number=number)

    def set_private(self, platform: str, identifier: str, *, private: bool = True) -> None:
        """Hide a profile, or show it again."""
        self._sites.tell(self.name, "set_private", platform=platform, identifier=identifier, private=private)


class SimulatedHiscores(SimulatedSite):
    """The hiscores; players by their name in any spelling, and the table that they are in."""

    def add_player(
        self,
        name: str,
        *,
        mode: str = "regular",
        xp: Mapping[str, int] | None = None,
        scores: Mapping[str, int] | None = None,
        ranked: bool = True,
    ) -> dict[str, Any]:
        """A player that exists from now on; experience by skill, scores by boss or activity, made up if not given."""
        return self._state("add_player", name=name, mode=mode, xp=xp, scores=scores, ranked=ranked)

    def remove_player(self, name: str, *, mode: str = "regular") -> None:
        """As if the account had been deleted."""
        self._sites.tell(self.name, "remove_player", name=name, mode=mode)

    def rename_player(self, name: str, to: str, *, mode: str = "regular") -> None:
        """The account is called something else from now on."""
        self._sites.tell(self.name, "rename_player", name=name, to=to, mode=mode)

    def player(self, name: str, *, mode: str = "regular") -> dict[str, Any]:
        """The present values: name, xp{skill}, scores{activity}."""
        return self._state("player", name=name, mode=mode)

    def play(
        self,
        name: str,
        *,
        mode: str = "regular",
        xp: Mapping[str, int] | None = None,
        scores: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Add to values."""
        return self._state("play", name=name, mode=mode, xp=xp, scores=scores)

    def set_values(
        self,
        name: str,
        *,
        mode: str = "regular",
        xp: Mapping[str, int] | None = None,
        scores: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Set values, downwards too; -1 is unknown."""
        return self._state("set_values", name=name, mode=mode, xp=xp, scores=scores)

    def add_activity(self, name: str, *, before: str | None = None) -> None:
        """The game has a new boss."""
        self._sites.tell(self.name, "add_activity", name=name, before=before)

    def remove_activity(self, name: str) -> None:
        """The list is shorter than it was."""
        self._sites.tell(self.name, "remove_activity", name=name)


class SimulatedFencers(SimulatedSite):
    """fencingtracker.com; fencers, clubs and events are named by their numbers."""

    def add_club(self, club: int, name: str) -> None:
        self._sites.tell(self.name, "add_club", club=club, name=name)

    def add_fencer(self, fencer: int, name: str, club: int | None = None, *, linked: bool = True) -> None:
        """A fencer; one who is not `linked` stands on the club's page by name alone."""
        self._sites.tell(self.name, "add_fencer", fencer=fencer, name=name, club=club, linked=linked)

    def add_event(self, event: int, name: str, tournament: str, day: str | None = None, *, linked: bool = True) -> None:
        """An event to come; `day` as 2026-07-05, none while it is open; `linked`: whether clubs' pages link it."""
        self._sites.tell(self.name, "add_event", event=event, name=name, tournament=tournament, day=day, linked=linked)

    def register(self, fencer: int, event: int, *, on: str = "both") -> None:
        """Register; `on` says which pages tell it: both, fencer or club."""
        self._sites.tell(self.name, "register", fencer=fencer, event=event, on=on)

    def withdraw(self, fencer: int, event: int, *, status: bool = False) -> None:
        """Gone from the pages; with `status` the club's page says Withdrawn instead."""
        self._sites.tell(self.name, "withdraw", fencer=fencer, event=event, status=status)

    def move(self, event: int, day: str | None) -> None:
        """Give an event another day."""
        self._sites.tell(self.name, "move", event=event, day=day)


class SimulatedContracts(SimulatedSite):
    """EVE Online's API; regions and types by their numbers, contracts by their ids."""

    def add_contract(self, region: int = 10000002, *, items: list[dict[str, Any]] | None = None, **fields: Any) -> int:
        """A contract from the next generation on, which begins now; its id. Fields as the API names them."""
        return int(self._sites.tell(self.name, "add_contract", region=str(region), items=items, **fields))

    def change_contract(self, contract_id: int, region: int = 10000002, **fields: Any) -> None:
        self._sites.tell(self.name, "change_contract", contract_id=contract_id, region=str(region), **fields)

    def remove_contract(self, contract_id: int, region: int = 10000002) -> None:
        """Accepted or withdrawn."""
        self._sites.tell(self.name, "remove_contract", contract_id=contract_id, region=str(region))

    def spoil(self, contract_id: int, raw: str, region: int = 10000002) -> None:
        """Send this text in place of a contract's row."""
        self._sites.tell(self.name, "spoil", contract_id=contract_id, raw=raw, region=str(region))

    def contract_ids(self, region: int = 10000002) -> list[int]:
        return msgspec.convert(self._sites.tell(self.name, "contract_ids", region=str(region)), list[int])

    def turn(self, region: int = 10000002) -> None:
        """A new generation without any change."""
        self._sites.tell(self.name, "turn", region=str(region))

    def churn(self, region: int = 10000002, *, share: float = 0.01) -> dict[str, list[int]]:
        """A share of the contracts goes and as many come; which: gone, new."""
        told = self._sites.tell(self.name, "churn", region=str(region), share=share)
        return msgspec.convert(told, dict[str, list[int]])

    def answer_with(self, what: str, status: int | None = None) -> None:
        """`items:<id>`, `bids:<id>`, `types:<id>`: answer so from now on."""
        self._sites.tell(self.name, "answer_with", what=what, status=status)

    def add_bid(self, contract_id: int, amount: float) -> None:
        self._sites.tell(self.name, "add_bid", contract_id=contract_id, amount=amount)

    def items(self, contract_id: int) -> list[dict[str, Any]]:
        return msgspec.convert(self._sites.tell(self.name, "items", contract_id=contract_id), list[dict[str, Any]])


class SimulatedFlights(SimulatedSite):
    """Google Flights; routes are named like JFK-LAX."""

    def set_price(self, price: int, *, route: str = "*", day: str = "") -> None:
        """The cheapest price from now on, in hundredths; of a route, on a day of departure, or of all."""
        self._sites.tell(self.name, "set_price", price=price, route=route, day=day)

    def show(self, what: str, *, route: str = "*") -> None:
        """What searches are answered with: flights, none, consent, block, failed, other_currency, other_dates, ..."""
        self._sites.tell(self.name, "show", what=what, route=route)

    def tick(self, turns: int = 1) -> int:
        """Prices that were not set move; the number of turns so far."""
        return int(self._sites.tell(self.name, "tick", turns=turns))
