"""Two guilds whose members play, for tests of what guilds make of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zlib import crc32

import httpx
from tests.conftest import Bench
from tests.integration.people import People, Person
from tests.integration.trackers.games.test_recording import NOON, Body, profile, record, standing_of

GUILD, OTHER_GUILD = "81384788765712384", "613425648685547541"
LINK = "https://rocketleague.tracker.network/rocket-league/profile/epic/{}/overview"
TWOS, THREES = 11, 13


@dataclass
class League:
    """Two guilds, and people who play."""

    api: Bench
    people: People
    trackers: dict[str, str]

    async def bot(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = await self.api.http.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer

    async def joins(self, *names: str, guild_id: str = GUILD, admin: bool = False) -> None:
        members = [{"user_id": discord(name), "admin": admin, "user_data": {"global_name": name}} for name in names]
        await self.bot("PUT", f"/internal/guilds/{guild_id}/members", {"members": members})

    async def follows(self, name: str, *accounts: str) -> None:
        for account in accounts:
            made = await self.bot(
                "POST", "/internal/trackers/add", {"user_id": discord(name), "url": LINK.format(account)}
            )
            self.trackers[account] = made.json()["trackers"][0]["id"]

    async def stands(self, *playlist_states: tuple[str, Callable[[Body], object]], later: int = 0) -> None:
        """Accounts are scraped, all in one batch."""
        at = NOON + timedelta(hours=later)
        seen = [(self.trackers[name], profile(edit, numbered(name)), at) for name, edit in playlist_states]
        await record(self.api.container, *seen)

    async def settles(self, formula: Any, guild_id: str = GUILD) -> None:
        settings = {"rating_formula": formula}
        await self.bot("PUT", f"/internal/guilds/{guild_id}", {"name": "Comets", "settings": settings})

    async def boards_are_looked_at(self) -> int:
        return int(await self.api.container.games.recompute().recompute_outdated())

    async def board(self, playlist: int | None = None, *, guild_id: str = GUILD, **query: Any) -> Any:
        params = {"guild_id": guild_id, **({} if playlist is None else {"playlist": playlist}), **query}
        answer = await self.api.http.get("/internal/trackers/leaderboard", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listed(self, playlist: int | None = None, *, guild_id: str = GUILD, **query: Any) -> list[Any]:
        what = "score" if playlist is None else "rating"
        rows = (await self.board(playlist, guild_id=guild_id, **query))["items"]
        return [(row["rank"], row["display_name"], row[what]) for row in rows]

    async def person(self, name: str) -> Person:
        """Somebody with a login of their own, who is the bot's person of that name, too."""
        made = await self.people.register(name.lower())
        code = await self.bot("POST", "/internal/users/claim-codes", {"user_id": discord(name)})
        claimed = await made.ask("POST", "/api/users/me/claim", {"code": code.json()["code"]})
        assert claimed.status_code < 300, claimed.text
        return made


def discord(name: str) -> str:
    """A person's Discord id, by the first letter."""
    return str(281474976710656000 + ord(name[0]))


def numbered(account: str) -> Callable[[Body], object]:
    """A profile with a player's number of its own."""
    return lambda body: body["metadata"].update(playerId=crc32(account.encode()))


def twos(
    rating: int, *, peak: int | None = None, matches: int = 100, season: int | None = None
) -> Callable[[Body], object]:
    """A profile in which only duplicates count, and threes stand at their 640."""

    def edit(body: Body) -> None:
        stats = standing_of(body, TWOS)["stats"]
        stats["rating"].update(value=rating)
        stats["peakRating"] = {"value": peak or rating, "metadata": {}}
        stats["matchesPlayed"].update(value=matches)
        standing_of(body, THREES)["stats"]["matchesPlayed"].update(value=0)
        if season:
            body["metadata"].update(currentSeason=season)
            for segment in body["segments"]:
                if segment["type"] == "playlist":
                    segment["attributes"]["season"] = season

    return edit
