"""The people of one scenario: registered over HTTP under names that no other has, and what they were answered."""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
from msgspec import UNSET
from tests.demo.postbox import text_of
from tests.features.deployment import NO_ATTEMPTS_LEFT
from tests.features.service import Service, eventually
from tests.features.trackers.story import LETTERS, link

from trackers_client.models import AddTracker, AskForClaimCode, GivenMember, PutGuild, PutMembers, UserData

ADMIN: Final = "the admin"
NAMES: Final = r"(?P<named>[A-Z]\w+(?:, [A-Z]\w+)*(?: and [A-Z]\w+)?)"
WHO: Final = r"(?P<who>[A-Z]\w+(?:'s phone)?|the admin)"
"""Somebody who is logged in: at home, or on a phone."""
OURS: Final = re.compile(r"(?i)(ada|lovelace)(@example\.org)?")
"""Usernames and addresses that the features speak of."""
MINUTE: Final = 60.0


def snowflake() -> str:
    return str(secrets.randbelow(8 * 10**18) + 10**18)


def names(words: str) -> list[str]:
    """The people in `Ada, Ben and Cleo`."""
    return re.findall(r"[A-Z]\w+", words)


def quoted(words: str) -> list[str]:
    return re.findall(r'"([^"]+)"', words)


@dataclass(frozen=True, kw_only=True)
class Login:
    """One session: its pair of tokens, and whose it is."""

    access: str
    refresh: str
    user_id: str

    @classmethod
    def given(cls, answer: httpx.Response) -> "Login":
        tokens = answer.json()
        return cls(access=tokens["access_token"], refresh=tokens["refresh_token"], user_id=tokens["user_id"])


@dataclass
class People:
    """Everybody of one scenario, and what came of its steps."""

    service: Service
    admin_token: Callable[[], str]
    mark: str = field(default_factory=lambda: "".join(secrets.choice(LETTERS) for _ in range(9)))
    answers: list[httpx.Response] = field(default_factory=list)
    """Of the latest step that asked something."""
    logins: dict[str, Login] = field(default_factory=dict)
    """The newest of everybody: Ada's, Ada's phone's."""
    usernames: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    """Claim codes, in the order that the bot gave them."""
    followed: dict[tuple[str, str], str] = field(default_factory=dict)
    """Trackers by person and player."""
    promoted: set[str] = field(default_factory=set)
    """Who was made an admin."""
    keys: list[str] = field(default_factory=list)
    """Prefixes of the bot keys that were made."""
    _ids: dict[str, str] = field(default_factory=dict)
    _admins: str = ""

    # ---- names ----

    def id_of(self, person: str) -> str:
        """A person's Discord id."""
        return self._ids.setdefault(person, snowflake())

    def own(self, name: str) -> str:
        """A username or an address, made this scenario's own in the spelling that it has."""
        local, at, domain = name.partition("@")
        return f"{local}-{self.mark.upper() if local.isupper() else self.mark}{at}{domain}"

    def own_given(self, given: dict[str, Any]) -> dict[str, Any]:
        """What somebody tells of themselves, with names of this scenario's own."""
        return {name: self.own(value) if OURS.fullmatch(str(value)) else value for name, value in given.items()}

    def password_of(self, person: str) -> str:
        return self.passwords.setdefault(person, secrets.token_urlsafe(16))

    # ---- asking ----

    @property
    def answer(self) -> httpx.Response:
        assert len(self.answers) == 1
        return self.answers[0]

    def send(self, method: str, path: str, body: Any = None, *, authorization: str = "", **more: Any) -> httpx.Response:
        """One request. A deployment that counts requests is given the time that it asks for."""
        headers = {"Authorization": authorization}
        answer = self.service.http.request(method, path, json=body, headers=headers, **more)
        if self.service.worker is None and answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            problem = answer.json()
            if problem["code"] == "too_many_attempts" and path == "/api/auth/register":
                pytest.exit(NO_ATTEMPTS_LEFT.format(seconds=answer.headers["retry-after"]), returncode=1)
            if problem["code"] == "too_many_requests":
                time.sleep(min(float(answer.headers["retry-after"]), MINUTE))  # as long as the deployment asks for
                return self.send(method, path, body, authorization=authorization, **more)
        return answer

    def ask(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """With somebody's access token."""
        return self.send(method, path, body, authorization=f"Bearer {self.token_of(who)}")

    def token_of(self, who: str) -> str:
        if who != ADMIN:
            return self.logins[who].access
        if not self._admins:
            self._admins = self.admin_token()
        return self._admins

    def read(self, who: str, path: str) -> Any:
        answer = self.ask(who, "GET", path)
        assert answer.status_code == httpx.codes.OK, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def bot(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """With the bot's key, or another."""
        return self.send(method, path, body, authorization=f"Bearer {key}" if key else self.bots)

    @property
    def bots(self) -> str:
        return str(self.service.http.headers.get("Authorization", ""))

    def together(self, *asks: Any) -> None:
        """Ask several things at the same moment."""
        with ThreadPoolExecutor(len(asks)) as crowd:
            self.answers = [future.result() for future in [crowd.submit(ask) for ask in asks]]

    def refused(self, status: int, code: str) -> None:
        """That the latest answer is this problem, in words."""
        problem = self.answer.json()
        assert (self.answer.status_code, problem["code"]) == (status, code), self.answer.text
        assert self.answer.headers["content-type"].startswith("application/problem+json")
        assert problem["detail"]

    # ---- logging in ----

    def register(self, person: str, **given: Any) -> httpx.Response:
        """A new account; without any name given, under the person's own."""
        given.setdefault("username", self.own(person.lower()))
        answer = self.send("POST", "/api/auth/register", {"password": self.password_of(person), **given})
        if answer.status_code == httpx.codes.CREATED:
            self.logins[person] = Login.given(answer)
            self.usernames[person] = given["username"]
        return answer

    def mail_to(self, address: str) -> str:
        """The newest mail to an address, subject and text, once our worker has sent what is due."""
        self.service.own_worker.by_itself("notifications.account_mails")
        assert self.service.mailbox is not None, "the scenario lacks the tag @mailbox"
        mail = next(mail for mail in reversed(self.service.mailbox.mails) if str(mail["To"]) == address.lower())
        return f"{mail['Subject']}\n{text_of(mail)}"

    def confirm(self, address: str) -> None:
        """Use the link that was mailed to an address."""
        found = re.search(r"email-confirmation\?token=([\w=-]+)", self.mail_to(address))
        assert found
        answer = self.send("POST", "/api/email-confirmation", params={"token": found[1]})
        assert answer.status_code == httpx.codes.OK, answer.text

    def try_login(self, login: str, password: str) -> httpx.Response:
        return self.send("POST", "/api/auth/login", {"login": login, "password": password})

    def log_in(self, person: str, *, on: str = "", name: str | None = None) -> httpx.Response:
        """With the right password; the login is kept as the person's, or as that of their device."""
        answer = self.try_login(name or self.usernames[person], self.password_of(person))
        if answer.status_code == httpx.codes.OK:
            self.logins[on or person] = Login.given(answer)
        return answer

    def refresh(self, who: str) -> httpx.Response:
        answer = self.try_refresh(self.logins[who].refresh)
        if answer.status_code == httpx.codes.OK:
            self.logins[who] = Login.given(answer)
        return answer

    def try_refresh(self, token: str) -> httpx.Response:
        return self.send("POST", "/api/auth/refresh", {"refresh_token": token})

    def is_logged_in(self, who: str) -> None:
        assert self.read(who, "/api/auth/me")["user_id"] == self.logins[who].user_id

    def is_logged_out(self, who: str) -> None:
        """Neither token is good; the access token wherever it was trusted a moment ago."""
        eventually(
            lambda: self.ask(who, "GET", "/api/auth/me").status_code == httpx.codes.UNAUTHORIZED,
            what=f"{who} is logged out",
        )
        assert self.try_refresh(self.logins[who].refresh).status_code == httpx.codes.UNAUTHORIZED

    # ---- as the bot knows them ----

    def code_for(self, person: str, **user_data: str) -> str:
        """A claim code that the bot asked for."""
        told = UserData(**user_data) if user_data else UNSET
        body = AskForClaimCode(user_id=self.id_of(person), user_data=told)
        self.codes.append(self.service.bot.call(lambda bot: bot.users.issue_claim_code(body)).code)
        return self.codes[-1]

    def claim(self, person: str, code: str) -> httpx.Response:
        return self.ask(person, "POST", "/api/users/me/claim", {"code": code})

    def follow(self, person: str, player: str) -> httpx.Response:
        body = AddTracker(user_id=self.id_of(person), url=link(f"{player}-{self.mark}"))
        answer = self.service.bot.answer(lambda bot: bot.trackers.add_tracker(body))
        if answer.status_code == httpx.codes.CREATED:
            self.followed[person, player] = answer.json()["trackers"][0]["id"]
        return answer

    def players_of(self, person: str) -> list[str]:
        """Whom somebody follows, as they see it."""
        mine = self.read(person, "/api/trackers/me")["items"]
        return sorted(tracker["display"].removesuffix(f"-{self.mark}") for tracker in mine)

    def put_into_guild(self, guild_id: str, name: str, people: Sequence[str]) -> None:
        members = PutMembers(members=[GivenMember(user_id=self.id_of(person)) for person in people])
        self.service.bot.call(lambda bot: bot.guilds.put_guild(guild_id, PutGuild(name=name)))
        self.service.bot.call(lambda bot: bot.guilds.put_guild_members(guild_id, members))

    def end(self) -> None:
        """No admin, no key and nothing to be looked at stays behind."""
        for person in self.promoted:
            self.ask(ADMIN, "PATCH", f"/api/admin/users/{self.logins[person].user_id}", {"role": "user"})
        for prefix in self.keys:
            self.ask(ADMIN, "DELETE", f"/api/admin/keys/{prefix}")
        if self.followed and self.service.worker is not None:
            self.service.worker.rest()
