"""The simulated hiscores: players in every mode's table, as JSON and as CSV, whose ranks never stand still.

Options (`configure`): `auto_players` makes up everybody who is asked for, but `ghost...`; `drift`: whether ranks move
with every request; `names`: whether bodies tell the player's own spelling (they do since November 2025); `json`,
`csv`: whether the table is there in that form (else a page of another form comes); `period`: seconds after which
everybody has played a little (0: only by `play`).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from tests.upstreams.games_players import Chance
from tests.upstreams.site import Answer, Refused, Request, Site

_TABLE: Final = re.compile(r"/m=hiscore_oldschool(_[a-z_]+)?/index_lite\.(json|ws)")
_CSV: Final = "text/plain; charset=utf-8"
_XP: Final = tuple(sum(int(n + 300 * 2 ** (n / 7)) for n in range(1, level)) // 4 for level in range(1, 100))
SKILLS: Final = [
    "Overall",
    "Attack",
    "Defence",
    "Strength",
    "Hitpoints",
    "Ranged",
    "Prayer",
    "Magic",
    "Cooking",
    "Woodcutting",
    "Fletching",
    "Fishing",
    "Firemaking",
    "Crafting",
    "Smithing",
    "Mining",
    "Herblore",
    "Agility",
    "Thieving",
    "Slayer",
    "Farming",
    "Runecraft",
    "Hunter",
    "Construction",
    "Sailing",
]
ACTIVITIES: Final = (
    "Grid Points",
    "League Points",
    "Clue Scrolls (all)",
    "Clue Scrolls (easy)",
    "LMS - Rank",
    "PvP Arena - Rank",
    "Soul Wars Zeal",
    "Collections Logged",
    "Abyssal Sire",
    "Barrows Chests",
    "Chambers of Xeric",
    "Chambers of Xeric: Challenge Mode",
    "Kree'Arra",
    "TzTok-Jad",
    "Vorkath",
    "Zulrah",
)
"""Enough of them to have one of every kind; a test may add more."""
_MOST_XP: Final = 200_000_000


class Account(msgspec.Struct):
    """A player in one table. Values as the hiscores show them: -1 is unknown."""

    name: str
    xp: dict[str, int]
    scores: dict[str, int]
    ranked: bool = True
    turns: int = 0


class HiscoresSite(Site):
    name = "hiscores"

    def forget(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}
        self._skills = list(SKILLS)
        self._activities = list(ACTIVITIES)
        self._requests = 0
        self._opened = self.clock()
        self._options: dict[str, Any] = {
            "auto_players": False,
            "drift": True,
            "names": True,
            "json": True,
            "csv": True,
            "period": 0.0,
        }

    def configure(self, **options: Any) -> None:
        if unknown := set(options) - set(self._options):
            raise Refused(f"no such option: {', '.join(sorted(unknown))}; there are {', '.join(self._options)}")
        self._options |= options

    def actions(self) -> dict[str, Callable[..., Any]]:
        return {
            **super().actions(),
            "add_player": self.add_player,
            "remove_player": self.remove_player,
            "rename_player": self.rename_player,
            "player": self.player,
            "play": self.play,
            "set_values": self.set_values,
            "add_activity": self.add_activity,
            "remove_activity": self.remove_activity,
        }

    # ---- what a test can do ----

    def add_player(
        self,
        name: str,
        *,
        mode: str = "regular",
        xp: Mapping[str, int] | None = None,
        scores: Mapping[str, int] | None = None,
        ranked: bool = True,
    ) -> dict[str, Any]:
        """A player that exists from now on; what is not given is made up."""
        account = self._made(name, mode)
        account.ranked = ranked
        self._accounts[mode, _canonical(name)] = account
        return self.set_values(name, mode=mode, xp=xp or {}, scores=scores or {})

    def remove_player(self, name: str, *, mode: str = "regular") -> None:
        """As if the account had been renamed or deleted."""
        self._known(name, mode)
        del self._accounts[mode, _canonical(name)]

    def rename_player(self, name: str, to: str, *, mode: str = "regular") -> None:
        account = self._known(name, mode)
        del self._accounts[mode, _canonical(name)]
        account.name = to
        self._accounts[mode, _canonical(to)] = account

    def player(self, name: str, *, mode: str = "regular") -> dict[str, Any]:
        """A player's present values."""
        account = self._known(name, mode)
        return {"name": account.name, "xp": dict(account.xp), "scores": dict(account.scores)}

    def play(
        self,
        name: str,
        *,
        mode: str = "regular",
        xp: Mapping[str, int] | None = None,
        scores: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Add to values; what was unknown begins at 0."""
        account = self._known(name, mode)
        for skill, gained in (xp or {}).items():
            account.xp[skill] = min(_MOST_XP, max(0, account.xp[skill]) + gained)
        for activity, gained in (scores or {}).items():
            account.scores[activity] = max(0, account.scores[activity]) + gained
        return self.player(name, mode=mode)

    def set_values(
        self,
        name: str,
        *,
        mode: str = "regular",
        xp: Mapping[str, int] | None = None,
        scores: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Set values, downwards too: a rollback, or another account under the name."""
        account = self._known(name, mode)
        if unknown := (set(xp or {}) - set(self._skills)) | (set(scores or {}) - set(self._activities)):
            raise Refused(f"no such skill or activity: {', '.join(sorted(unknown))}")
        account.xp |= xp or {}
        account.scores |= scores or {}
        return self.player(name, mode=mode)

    def add_activity(self, name: str, *, before: str | None = None) -> None:
        """The game has a new boss, somewhere in the middle of the list."""
        place = self._activities.index(before) if before else len(self._activities)
        self._activities.insert(place, name)
        for account in self._accounts.values():
            account.scores[name] = 0

    def remove_activity(self, name: str) -> None:
        """A list that is shorter than it was."""
        self._activities.remove(name)

    # ---- what the site answers ----

    def answer(self, request: Request) -> Answer:
        found = _TABLE.fullmatch(request.path)
        if found is None:
            return _html(404, "Page not found")
        mode, form = (found[1] or "_regular")[1:], found[2]
        name = parse_qs(request.query).get("player", [""])[-1]
        self._requests += 1
        account = self._accounts.get((mode, _canonical(name))) or self._made_up(name, mode)
        if account is None:
            return self.missing(request)
        self._catch_up(account)
        if not self._options["json" if form == "json" else "csv"]:
            return self.changed(request) if form == "json" else Answer(body=b"gone;fishing", content_type=_CSV)
        return (
            Answer(body=self._json(account)) if form == "json" else Answer(body=self._csv(account), content_type=_CSV)
        )

    def changed(self, request: Request) -> Answer:
        return Answer(body=b'{"leaderboard": [{"who": "somebody", "points": 812}], "version": 3}')

    def missing(self, request: Request) -> Answer:
        return _html(404, "Page not found")

    def _json(self, account: Account) -> bytes:
        body: dict[str, Any] = {"name": account.name} if self._options["names"] else {}
        body["skills"] = [
            {"id": place, "name": skill, "rank": rank, "level": level, "xp": xp}
            for place, (skill, rank, level, xp) in enumerate(self._skill_rows(account))
        ]
        body["activities"] = [
            {"id": place, "name": activity, "rank": rank, "score": score}
            for place, (activity, rank, score) in enumerate(self._activity_rows(account))
        ]
        return msgspec.json.encode(body)

    def _csv(self, account: Account) -> bytes:
        lines = [f"{rank},{level},{xp}" for _, rank, level, xp in self._skill_rows(account)]
        lines += [f"{rank},{score}" for _, rank, score in self._activity_rows(account)]
        return ("\n".join(lines) + "\n").encode()

    def _skill_rows(self, account: Account) -> list[tuple[str, int, int, int]]:
        known = {skill: account.xp.get(skill, -1) for skill in self._skills if skill != "Overall"}
        levels = {skill: _level(xp) if xp >= 0 else (10 if skill == "Hitpoints" else 1) for skill, xp in known.items()}
        rows = [
            ("Overall", self._rank(account, "Overall"), sum(levels.values()), sum(max(0, xp) for xp in known.values()))
        ]
        rows += [
            (skill, self._rank(account, skill) if xp >= 0 else -1, levels[skill], xp) for skill, xp in known.items()
        ]
        return rows

    def _activity_rows(self, account: Account) -> list[tuple[str, int, int]]:
        rows = []
        for activity in self._activities:
            score = account.scores.get(activity, -1)
            rows.append((activity, self._rank(account, activity) if score > 0 else -1, score))
        return rows

    def _rank(self, account: Account, what: str) -> int:
        if not account.ranked:
            return -1
        base = Chance(self.seed, account.name, what).between(1_000, 900_000)
        return base + (self._requests % 97 if self._options["drift"] else 0)

    # ---- players ----

    def _known(self, name: str, mode: str) -> Account:
        account = self._accounts.get((mode, _canonical(name))) or self._made_up(name, mode)
        if account is None:
            raise Refused(f"no such player: {name} ({mode})")
        return account

    def _made_up(self, name: str, mode: str) -> Account | None:
        canonical = _canonical(name)
        if not canonical or canonical.startswith("ghost") or not self._options["auto_players"]:
            return None
        account = self._accounts[mode, canonical] = self._made(name, mode)
        return account

    def _made(self, name: str, mode: str) -> Account:
        chance = Chance(self.seed, mode, _canonical(name))
        xp = {skill: _XP[chance.between(10, 90)] + chance.below(900) for skill in self._skills if skill != "Overall"}
        scores = {activity: chance.below(400) if chance.below(3) else 0 for activity in self._activities}
        return Account(name=name.replace("_", " ").strip(), xp=xp, scores=scores)

    def _catch_up(self, account: Account) -> None:
        period = self._options["period"]
        if not period:
            return
        turns = int((self.clock() - self._opened).total_seconds() / period)
        chance = Chance(self.seed, account.name, turns)
        while account.turns < turns:
            account.turns += 1
            for skill in {self._skills[1 + chance.below(len(self._skills) - 1)] for _ in range(3)}:
                account.xp[skill] = min(_MOST_XP, max(0, account.xp[skill]) + chance.between(400, 9_000))
            boss = self._activities[8 + chance.below(len(self._activities) - 8)]
            account.scores[boss] = max(0, account.scores[boss]) + chance.between(1, 6)


def _canonical(name: str) -> str:
    return re.sub(r"[-_\s]", " ", name).strip().lower()


def _level(xp: int) -> int:
    return sum(xp >= begins for begins in _XP)


def _html(status: int, title: str) -> Answer:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, page.encode(), "text/html; charset=utf-8")
