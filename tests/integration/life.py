"""A person with everything that there can be about her, made through the API and by workers."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from tests.conftest import Bench
from tests.integration.app.test_access import LINK, PASSWORD
from tests.integration.users.notifications.conftest import Endpoint, Mailbox

DISCORD_ID, BEN = "281474976710677001", "281474976710677002"
GUILD = "81384788765712399"
ADDRESS: Final = "203.0.113.77"
AGENT: Final = "Analytical Engine/7 (mauve)"
OWN: Final = {
    "username": "lovelace-7",
    "email": "countess@example.org",
    "unconfirmed email": "marchioness@example.org",
    "earlier email": "augusta@example.org",
    "display name": "Ada of Ockham",
    "discord name": "ockham.ada",
    "discord display name": "Enchantress",
    "avatar": "https://cdn.example.org/avatars/a1b2c3.png",
    "mailbox": "difference@example.org",
    "name of a channel": "the parlour",
    "path of a webhook": "looms-of-jacquard",
    "note on a snapshot": "read off the brass wheels",
    "note on a snapshot by the bot": "told to the bot at tea",
    "note on a shared account": "seen at the regatta",
    "evidence": "https://pictures.example.org/brass.png",
    "evidence on a shared account": "https://pictures.example.org/regatta.png",
    "notes of a trip": "bring the punch cards",
    "name of a trip": "to the Babbages",
    "reference of a price": "PUNCH77",
    "note on a watch": "for the analytical hangar",
    "name of a fencer": "a cousin who fences",
    "name of a club": "the cousins' club",
    "account": "Lintwurm",
    "account by the bot": "Nachtigall",
}
"""What is hers alone."""
KNOWN: Final = {"username": OWN["discord name"], "global_name": OWN["discord display name"], "avatar": OWN["avatar"]}
CHANNELS: Final = "/api/users/me/channels"
SNAPSHOT: Final = {"playlists": [{"playlist": "11", "rating": 900, "matches_played": 10}], "season": "34"}


@dataclass
class Caller:
    """Somebody who asks from a place of their own."""

    http: httpx.AsyncClient
    name: str
    credential: str = ""
    request_ids: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        self.request_ids.append(f"{self.name}-request-{len(self.request_ids):04}")
        authorization = {"Authorization": f"Bearer {self.credential}"} if self.credential else {}
        sent = {**authorization, "X-Request-Id": self.request_ids[-1], **headers}
        return await self.http.request(method, path, json=body, headers=sent)

    async def does(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = await self.ask(method, path, body, **headers)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def id(self) -> str:
        return str((await self.does("GET", "/api/auth/me"))["user_id"])


@dataclass
class Life:
    """Ada, beside Ben, an admin, and a bot that speaks for both."""

    api: Bench
    ada: Caller
    ben: Caller
    root: Caller
    bot: Caller
    endpoint: Endpoint
    mailbox: Mailbox
    id: str = ""

    @property
    def values(self) -> dict[str, str]:
        """What stands somewhere because of her, by what it is."""
        more = {"id": self.id, "id of Discord": DISCORD_ID, "address": ADDRESS, "user agent": AGENT}
        return {**OWN, **more, "key of the account": OWN["account"].lower()}

    async def is_lived(self) -> None:
        await self.has_an_account()
        await self.runs_a_guild()
        await self.is_told()
        await self.follows_games()
        await self.follows_what_else_there_is()
        await self.is_worked_for()
        await self.is_an_admin_for_a_while()

    async def has_an_account(self) -> None:
        """Known to a bot first, then registered, with every way to log in and to change it."""
        asked = {"user_id": DISCORD_ID, "user_data": KNOWN}
        code = (await self.bot.does("POST", "/internal/users/claim-codes", asked))["code"]
        profile: dict[str, Any] = {"username": OWN["username"], "email": OWN["earlier email"], "claim_code": code}
        made = await self.ada.does("POST", "/api/auth/register", {**profile, "password": PASSWORD})
        self.id = made["user_id"]
        self.ada.credential = made["access_token"]
        await self.confirms()
        guess = {"login": OWN["username"], "password": "a guess"}
        assert (await self.ada.ask("POST", "/api/auth/login", guess)).status_code == 401
        login = {"login": OWN["earlier email"], "password": PASSWORD}
        self.ada.credential = (await self.ada.does("POST", "/api/auth/login", login))["access_token"]
        await self.ada.does("POST", "/api/auth/refresh", {"refresh_token": made["refresh_token"]})
        names = {"display_name": OWN["display name"], "time_zone": "Europe/London"}
        await self.ada.does("PATCH", "/api/users/me", names)
        for email in (OWN["email"], OWN["unconfirmed email"]):
            change = {"email": email, "current_password": PASSWORD}
            await self.ada.does("PATCH", "/api/users/me", change)
            if email == OWN["email"]:
                await self.confirms()
        for caller in (self.ben, self.root):
            profile = {"username": caller.name, "password": PASSWORD}
            caller.credential = (await caller.does("POST", "/api/auth/register", profile))["access_token"]
        eve = {"username": "eve", "password": PASSWORD, "email": OWN["email"]}
        await self.ben.does("POST", "/api/auth/register", eve, Authorization="")
        code = (await self.bot.does("POST", "/internal/users/claim-codes", {"user_id": BEN}))["code"]
        await self.ben.does("POST", "/api/users/me/claim", {"code": code})
        await self.becomes_admin(await self.root.id())

    async def confirms(self) -> None:
        """Use the link that was mailed."""
        await self.api.container.notifications.account_mailer().send_due()
        texts = [mail.get_body(("plain",)) for mail in self.mailbox.mails]
        tokens = [re.search(r"\?token=([\w=-]+)", text.get_content()) for text in texts if text is not None]
        self.mailbox.mails.clear()
        (token,) = (found[1] for found in tokens if found)
        await self.ada.does("POST", "/api/users/confirm-email", {"token": token})

    async def becomes_admin(self, user_id: str) -> None:
        async with self.api.container.database().unit_of_work():
            await self.api.container.users.accounts().make_admin(UUID(user_id))
        self.api.container.users.person_authenticator().forget(user_id=UUID(user_id))

    async def runs_a_guild(self) -> None:
        await self.bot.does("PUT", f"/internal/guilds/{GUILD}", {"name": "Comets"})
        members = [{"user_id": DISCORD_ID, "admin": True, "user_data": KNOWN}, {"user_id": BEN}]
        await self.bot.does("PUT", f"/internal/guilds/{GUILD}/members", {"members": members})
        await self.ada.does("PATCH", f"/api/guilds/{GUILD}/settings", {"manual_snapshots": "all"})

    async def is_told(self) -> None:
        """On channels of her own and of her guild, at once and in digests."""
        hook = f"{self.endpoint.url}/{OWN['path of a webhook']}"
        own = await self.channel(CHANNELS, {"kind": "webhook", "url": hook, "name": OWN["name of a channel"]})
        guilds = f"/api/guilds/{GUILD}/channels"
        of_guild = await self.channel(guilds, {"kind": "webhook", "url": f"{hook}/guild", "name": "the salon"})
        mail = await self.channel(CHANNELS, {"kind": "email", "address": OWN["mailbox"]})
        body = self.mailbox.mails.pop().get_body(("plain",))
        assert body is not None
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", body.get_content())
        assert code
        await self.ada.does("POST", f"{CHANNELS}/{mail}/verify", {"code": code[0]})
        quiet = {"quiet_hours": {"from": "02:00", "to": "03:00"}, "defaults": {"*": "instant"}}
        await self.ada.does("PUT", "/api/users/me/notifications", quiet)
        await self.ada.does("PUT", "/api/users/me/digest", {"period": "daily", "hour": 8, "channel_id": mail})
        await self.ada.does("POST", f"{CHANNELS}/{own}/test")
        await self.ada.does("POST", f"{guilds}/{of_guild}/test")

    async def channel(self, path: str, new: dict[str, str]) -> str:
        made: str = (await self.ada.does("POST", path, new))["channel"]["id"]
        await self.api.container.notifications.challenger().challenge(made)
        return made

    async def follows_games(self) -> None:
        """Alone, by the bot and together with Ben, with manual snapshots of both and reviews of them."""
        own = await self.tracker(self.ada, OWN["account"])
        added = {"user_id": DISCORD_ID, "url": LINK.format(OWN["account by the bot"]), "user_data": KNOWN}
        await self.bot.does("POST", "/internal/trackers/add", added, **{"Idempotency-Key": "once-1"})
        both, bens = await self.tracker(self.ada, "Glimmer"), await self.tracker(self.ben, "Glimmer")
        await self.ada.does("PUT", f"/api/users/me/notifications/subjects/{own}", {"events": {"*": "instant"}})
        given = {**SNAPSHOT, "note": OWN["note on a snapshot"], "evidence_url": OWN["evidence"]}
        await self.ada.does("POST", f"/api/trackers/{own}/snapshots", given)
        given = {**SNAPSHOT, "note": OWN["note on a snapshot by the bot"]}
        await self.bot.does("POST", f"/internal/trackers/{own}/snapshots", given, **{"Idempotency-Key": "once-2"})
        shared = "on a shared account"
        given = {**SNAPSHOT, "note": OWN[f"note {shared}"], "evidence_url": OWN[f"evidence {shared}"]}
        for snapshot in (
            await self.ada.does("POST", f"/api/trackers/{both}/snapshots", given),
            await self.ben.does("POST", f"/api/trackers/{bens}/snapshots", {**SNAPSHOT, "note": "Ben's"}),
        ):
            review = f"/api/guilds/{GUILD}/manual-snapshots/{snapshot['id']}/confirm"
            await self.ada.does("POST", review, {"entered_at": snapshot["entered_at"]})
        people = {"guild_id": GUILD, "staff_id": DISCORD_ID, "user_id": BEN}
        await self.bot.does(
            "POST", "/internal/trackers/register-by-staff", {**people, "urls": [LINK.format("Abendstern")]}
        )

    async def tracker(self, whose: Caller, name: str) -> str:
        made = await whose.does("POST", "/api/trackers/add", {"url": LINK.format(name)})
        return str(made["trackers"][0]["id"])

    async def follows_what_else_there_is(self) -> None:
        """Players, fencers, clubs, contracts and flights."""
        await self.ada.does("POST", "/api/players", {"username": "Lynx Titan"})
        await self.bot.does("POST", "/internal/players", {"username": "Third One", "user_id": DISCORD_ID})
        await self.bot.does("PUT", "/internal/players/third_one/follow", {"user_id": DISCORD_ID})
        await self.ada.does("POST", "/api/fencers", {"fencer": "100000011", "name": OWN["name of a fencer"]})
        await self.bot.does("POST", "/internal/fencers", {"fencer": "100000077", "user_id": DISCORD_ID})
        await self.ada.does("POST", "/api/clubs", {"club": "100000910", "name": OWN["name of a club"]})
        watch = {"type_id": 61_000, "note": OWN["note on a watch"], "max_price": 7_000_000}
        await self.ada.does("POST", "/api/contracts/watches", watch)
        departs = str((self.api.container.clock().now() + timedelta(days=90)).date())
        trip = {"origin": "JFK", "destination": "LAX", "departs_on": departs}
        trip |= {"name": OWN["name of a trip"], "notes": OWN["notes of a trip"]}
        trip_id = (await self.ada.does("POST", "/api/trips", trip))["id"]
        await self.ada.does("POST", "/api/watches", {"trip_id": trip_id, "target_price": 30_000})
        pushed = {"price": 28_840, "reference": OWN["reference of a price"]}
        await self.ada.does("POST", f"/api/trips/{trip_id}/prices", pushed)

    async def is_worked_for(self) -> None:
        """Workers fetch, tell, and make digests."""
        await self.api.container.contracts.follow_job().run()
        await self.api.work()
        await self.root.does("POST", "/api/admin/digests/run", {"user_id": self.id})
        await self.api.work()

    async def is_an_admin_for_a_while(self) -> None:
        """She makes a key and does something to Ben; others do something to her; a tracker changes hands twice."""
        authenticator = self.api.container.users.person_authenticator()
        account, ben_id = f"/api/admin/users/{self.id}", await self.ben.id()
        await self.root.does("PATCH", account, {"role": "admin"})
        authenticator.forget(user_id=UUID(self.id))
        await self.ada.does("POST", "/api/admin/keys", {"name": "made in a hurry", "scopes": ["trackers:read"]})
        await self.ada.does("PATCH", f"/api/admin/users/{ben_id}", {"role": "admin"})
        handed = await self.tracker(self.ben, "Mondkalb")
        for user_id in (self.id, ben_id):
            await self.root.does("POST", f"/api/admin/trackers/{handed}/transfer", {"user_id": user_id})
        await self.root.does("POST", f"/api/admin/trackers/{handed}/refresh")
        await self.root.does("PATCH", account, {"role": "user"})
        await self.bot.does("POST", "/internal/users/claim-codes", {"user_id": DISCORD_ID})
        authenticator.forget(user_id=UUID(self.id))
