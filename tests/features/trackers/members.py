"""People of one scenario who have a login and look after their trackers by themselves, and the guild they are in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from tests.features.trackers.story import Story, link
from tests.features.users.people import ADMIN, People, snowflake

from trackers_client.models import AskForClaimCode, GivenMember, PutGuild, PutMembers

VERBS: Final[dict[str, tuple[str, str, dict[str, Any] | None]]] = {
    "refreshes": ("POST", "/refresh", None),
    "deactivates": ("PUT", "", {"active": False}),
    "activates": ("PUT", "", {"active": True}),
    "removes": ("DELETE", "", None),
    "reads": ("GET", "", None),
}
"""What people do with a tracker -> method, what follows its path, body."""


@dataclass
class Members:
    """The bot knows them too: whatever it registered for them is theirs."""

    story: Story
    people: People
    guild_id: str = field(default_factory=snowflake)
    guild_is_put: bool = False

    def log_in(self, person: str) -> None:
        """A login of their own, which is the person whom the bot knows."""
        asked = AskForClaimCode(user_id=self.story.id_of(person))
        code = self.story.service.bot.call(lambda bot: bot.users.issue_claim_code(asked)).code
        answer = self.people.register(person, username=self.people.own(person.lower()), claim_code=code)
        assert answer.status_code == httpx.codes.CREATED, answer.text

    def told_by_bot(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.people.bot(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def ask(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """With somebody's login, or the admin's."""
        answer = self.people.ask(who, method, path, body)
        self.story.answered(answer)
        return answer

    def register(self, person: str, players: Sequence[str]) -> httpx.Response:
        urls = [link(self.story.marked(player)) for player in players]
        return self.story.kept(person, self.ask(person, "POST", "/api/trackers/register", {"urls": urls}))

    def add(self, person: str, url: str) -> httpx.Response:
        return self.story.kept(person, self.ask(person, "POST", "/api/trackers/add", {"url": url}))

    def tracker_of(self, player: str, whose: str | None = None) -> str:
        """The id of the newest tracker of a player, somebody's where they are named."""
        return str([made.tracker["id"] for made in self.story.of(player) if whose in {None, made.person}][-1])

    def path(self, player: str, whose: str | None = None) -> str:
        return f"/api/trackers/{self.tracker_of(player, whose)}"

    def does(self, who: str, verb: str, player: str, *, whose: str | None = None) -> httpx.Response:
        """Refresh, deactivate, activate, remove or read a tracker: one's own unless somebody else is named."""
        method, where, body = VERBS[verb]
        answer = self.ask(who, method, self.path(player, whose or who) + where, body)
        if verb == "refreshes" and answer.status_code == httpx.codes.ACCEPTED:
            self.story.given.append((self.story.marked(player), answer.json()["task_id"]))
        return answer

    def shown(self, items: Sequence[dict[str, Any]]) -> list[str]:
        """Players of these trackers, without the scenario's mark."""
        mark = self.story.mark.casefold()
        names = [tracker["display"] for tracker in items]
        return [name[: -len(mark)] if name.casefold().endswith(mark) else name for name in names]

    def mine(self, person: str) -> list[dict[str, Any]]:
        return list(self.people.read(person, "/api/trackers/me")["items"])

    def put_guild(self, people: Sequence[str], *, run_by: str | None = None) -> None:
        bots = self.story.service.bot
        bots.call(lambda bot: bot.guilds.put_guild(self.guild_id, PutGuild(name="Comet Club")))
        self.guild_is_put = True
        members = [
            GivenMember(user_id=self.story.id_of(person), admin=person == run_by)
            for person in dict.fromkeys([*people, *([run_by] if run_by else [])])
        ]
        bots.call(lambda bot: bot.guilds.put_guild_members(self.guild_id, PutMembers(members=members)))

    def key(self, *scopes: str, for_guild: bool) -> str:
        """A bot's key that the admin makes: for everybody, or for the guild alone."""
        asked = {"name": self.people.own("key"), "scopes": list(scopes)}
        asked |= {"guild_ids": [self.guild_id]} if for_guild else {}
        made = self.people.ask(ADMIN, "POST", "/api/admin/keys", asked)
        assert made.status_code == httpx.codes.CREATED, made.text
        self.people.keys.append(made.json()["prefix"])
        return str(made.json()["text"])

    def end(self) -> None:
        if self.guild_is_put:
            self.people.bot("DELETE", f"/internal/guilds/{self.guild_id}")
