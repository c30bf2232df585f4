"""What an operation consumes or may do only once is made right before: an account, a channel, a tracker.

Each function makes it with requests to the same API and returns what the request needs to name it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import httpx
import jwt
from msgspec import Struct, field
from tests.integration.app.test_access import GUILD, LINK, WEBHOOK, trip_after

FIRST_DISCORD_ID: Final = 390_000_000_000_000_000


class SupplyError(Exception):
    """The API did not make it."""


class Supply(Struct, frozen=True, kw_only=True):
    """What a request names."""

    path: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    """The whole body; None leaves it as it is."""
    credential: str = ""
    """Of the account that the thing belongs to, where that is not the role's own."""


class Maker:
    """Makes things as the role, as a new account, or as a bot that may do everything."""

    def __init__(self, url: str, *, bot: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=120)
        self._bot = bot
        self._password = password
        self._numbers = count()
        self.own = ""
        """The role's credential."""
        self.failures: Counter[str] = Counter()
        """By operation, how often what it needs was not made."""

    def supply(self, operation: str) -> Supply | None:
        make = SUPPLIES.get(operation)
        if make is None:
            return None
        try:
            return make(self)
        except SupplyError:
            self.failures[operation] += 1
            return None

    def number(self) -> int:
        return next(self._numbers)

    def trip(self) -> str:
        """A new trip of the member's."""
        now = datetime.now(UTC)  # real date: the API is another process
        return str(self.ask("POST", "/api/trips", trip_after(now))["id"])

    def discord_id(self) -> str:
        return str(FIRST_DISCORD_ID + self.number())

    def ask(self, method: str, path: str, body: Any = None, *, credential: str | None = None) -> Any:
        """Raises SupplyError for anything but success."""
        sent = self.own if credential is None else credential
        headers = {"Authorization": f"Bearer {sent}"} if sent else {}
        answer = self._http.request(method, path, json=body, headers=headers)
        if not answer.is_success:
            raise SupplyError(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.content else None

    def as_bot(self, method: str, path: str, body: Any = None) -> Any:
        return self.ask(method, path, body, credential=self._bot)

    def account(self) -> dict[str, Any]:
        """A new account, signed in."""
        made: dict[str, Any] = self.ask("POST", "/api/auth/register", self.newcomer(), credential="")
        return made

    def newcomer(self) -> dict[str, str]:
        return {"username": f"passing{self.number()}", "password": self._password}

    def sign_in(self, login: str) -> dict[str, Any]:
        body = {"login": login, "password": self._password}
        made: dict[str, Any] = self.ask("POST", "/api/auth/login", body, credential="")
        return made

    def claim_code(self, discord_id: str) -> str:
        return str(self.as_bot("POST", "/internal/users/claim-codes", {"user_id": discord_id})["code"])

    def tracker(self) -> str:
        """A tracker of a person whom only a bot knows."""
        body = {"user_id": self.discord_id(), "urls": [LINK.format(f"Made{self.number()}")]}
        return str(self.as_bot("POST", "/internal/trackers/register-multiple", body)["trackers"][0]["id"])

    def new_block(self) -> dict[str, Any]:
        """Of somebody whom nobody has blocked."""
        return {"source": "hiscores", "keys": [f"Quiet {self.number()}"]}

    def player(self) -> tuple[str, str]:
        """A player that a person follows whom only a bot knows; the name, and the person's id."""
        name, person = f"Made {self.number()}", self.discord_id()
        self.as_bot("POST", "/internal/players", {"username": name, "user_id": person})
        return name, person


def _refresh_token(make: Maker) -> Supply:
    return Supply(body={"refresh_token": make.account()["refresh_token"]})


def _session(make: Maker) -> Supply:
    account = make.newcomer()
    own = make.ask("POST", "/api/auth/register", account, credential="")["access_token"]
    other = jwt.decode(make.sign_in(account["username"])["access_token"], options={"verify_signature": False})["sid"]
    return Supply(path={"session_id": other}, credential=own)


def _identity(make: Maker) -> Supply:
    own, discord_id = make.account()["access_token"], make.discord_id()
    make.ask("POST", "/api/users/me/claim", {"code": make.claim_code(discord_id)}, credential=own)
    return Supply(path={"provider": "discord", "external_id": discord_id}, credential=own)


def _followed_player(make: Maker) -> Supply:
    name, _ = make.player()
    make.ask("PUT", f"/api/players/{name}/follow")
    return Supply(path={"username": name})


def _removable_player(make: Maker) -> Supply:
    name = f"Made {make.number()}"
    make.ask("POST", "/api/players", {"username": name})
    return Supply(path={"username": name})


def _watch(make: Maker) -> Supply:
    trip = make.trip()
    watch = make.ask("POST", "/api/watches", {"trip_id": trip, "target_price": 30000})
    return Supply(path={"watch_id": watch["id"]})


def _own_tracker(make: Maker) -> Supply:
    own = make.account()["access_token"]
    body = {"urls": [LINK.format(f"Made{make.number()}")]}
    made = make.ask("POST", "/api/trackers/register", body, credential=own)
    return Supply(path={"tracker_id": made["trackers"][0]["id"]}, credential=own)


def _guild_of_a_bot(make: Maker) -> Supply:
    guild = make.discord_id()
    make.as_bot("PUT", f"/internal/guilds/{guild}", {"name": "Made"})
    return Supply(path={"guild_id": guild})


def _guild_channel(make: Maker) -> Supply:
    made = make.as_bot("POST", f"/internal/guilds/{GUILD}/channels", WEBHOOK)
    return Supply(path={"guild_id": GUILD, "channel_id": made["channel"]["id"]})


def _schedule(make: Maker) -> Supply:
    made = make.as_bot("POST", "/internal/trackers/schedule", {"guild_id": GUILD, "cron": "0 18 * * *"})
    return Supply(path={"schedule_id": made["id"]})


SUPPLIES: Final[Mapping[str, Callable[[Maker], Supply]]] = {
    # accounts and logins
    "register": lambda make: Supply(body=make.newcomer()),
    "refresh_tokens": _refresh_token,
    "end_session": _session,
    "claim_identity": lambda make: Supply(body={"code": make.claim_code(make.discord_id())}),
    "unlink_identity": _identity,
    "erase_account": lambda make: Supply(path={"user_id": make.account()["user_id"]}),
    "revoke_key": lambda make: Supply(
        path={"prefix": make.ask("POST", "/api/admin/keys", {"name": "made", "scopes": ["trackers"]})["prefix"]}
    ),
    # blocks
    "block": lambda make: Supply(body=make.new_block()),
    "lift_block": lambda make: Supply(
        path={"block_id": make.ask("POST", "/api/admin/blocked", make.new_block())["id"]}
    ),
    # channels
    "remove_my_channel": lambda make: Supply(
        path={"channel_id": make.ask("POST", "/api/users/me/channels", WEBHOOK)["channel"]["id"]}
    ),
    "remove_guild_channel": _guild_channel,
    "internal_remove_guild_channel": _guild_channel,
    # what is tracked
    "register_trackers": lambda make: Supply(
        body={"urls": [LINK.format(f"Made{make.number()}")]}, credential=make.account()["access_token"]
    ),
    "delete_tracker": _own_tracker,
    "refresh_tracker": _own_tracker,
    **{
        f"{audience}_{what}_tracker": lambda make: Supply(path={"tracker_id": make.tracker()})
        for audience in ("internal", "admin")
        for what in ("delete", "refresh")
    },
    "transfer_tracker": lambda make: Supply(
        path={"tracker_id": make.tracker()}, body={"user_id": make.account()["user_id"]}
    ),
    "unfollow_player": _followed_player,
    "remove_player": _removable_player,
    "internal_remove_player": lambda make: Supply(path={"username": make.player()[0]}),
    "admin_fetch_player": lambda make: Supply(path={"username": make.player()[0]}),
    "admin_remove_player": lambda make: Supply(path={"username": make.player()[0]}),
    "untrack_fencer": lambda make: Supply(
        path={
            "tracked_id": make.ask("POST", "/api/fencers", {"fencer": f"{200_000_000 + make.number()}"})["tracked"][
                "id"
            ]
        }
    ),
    "untrack_club": lambda make: Supply(
        path={"tracked_id": make.ask("POST", "/api/clubs", {"club": f"{300_000_000 + make.number()}"})["tracked"]["id"]}
    ),
    "internal_untrack_fencer": lambda make: Supply(
        path={
            "tracked_id": make.as_bot(
                "POST", "/internal/fencers", {"user_id": make.discord_id(), "fencer": f"{200_000_000 + make.number()}"}
            )["tracked"]["id"]
        }
    ),
    "internal_untrack_club": lambda make: Supply(
        path={
            "tracked_id": make.as_bot(
                "POST", "/internal/clubs", {"user_id": make.discord_id(), "club": f"{300_000_000 + make.number()}"}
            )["tracked"]["id"]
        }
    ),
    "delete_trip": lambda make: Supply(path={"trip_id": make.trip()}),
    "delete_watch": _watch,
    "remove_contract_watch": lambda make: Supply(
        path={"watch_id": make.ask("POST", "/api/contracts/watches", {"type_id": 61_000})["id"]}
    ),
    # guilds
    "internal_remove_guild": _guild_of_a_bot,
    "internal_cancel_schedule": _schedule,
}
