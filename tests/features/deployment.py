"""A deployment that the features are run against: what the environment says of it, and whether it will do.

`make features BASE_URL=...` starts nothing; README.md ("The contract against a deployment") names the variables.
"""

import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Self

import httpx
import pytest
from tests.upstreams.client import SimulatedSites

TIMEOUT_S: Final = 30.0
DEFAULT_PATIENCE_S: Final = 120.0
SCOPES: Final[Mapping[str, tuple[str, str]]] = {
    "trackers": ("POST", "/internal/trackers/register-multiple"),
    "players": ("POST", "/internal/players"),
    "contracts": ("GET", "/internal/contracts/taxonomy"),
    "fencers": ("POST", "/internal/fencers"),
    "users": ("POST", "/internal/users/claim-codes"),
    "guilds": ("PUT", "/internal/guilds/0"),
    "events": ("GET", "/internal/events"),
}
"""Scopes of the bot's key -> a request that only this scope lets in; the empty body of the others is refused."""
SOURCES: Final[Mapping[str, str]] = {
    "games": "games",
    "hiscores": "hiscores",
    "fencers": "fencers",
    "contracts": "contracts",
    "google_flights": "flights",
}
"""Sources of the product -> the simulated site that each asks."""
NO_ATTEMPTS_LEFT: Final = (
    "the deployment lets this address register and log in no more: raise TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS to 2000, "
    "or wait {seconds} seconds"
)
OWN_WORKER: Final = "needs a worker of its own: another clock, a crash, or none at all"
OWN_SERVICE: Final = "needs a service of its own: a deployment could be harmed"
NO_ADMIN: Final = "takes an admin, and there is no ADMIN_LOGIN"
NO_SITES: Final = "takes the simulated sites, and there is no SITES_URL"
NO_MAILBOX: Final = "takes mailboxes that we can read, and a deployment's are not"
NO_RECEIVER: Final = "takes an endpoint that the deployment reaches, and there is no RECEIVER_URL"


def settings_on(sites: SimulatedSites) -> dict[str, str]:
    """The settings with which the features hold, of a service or a deployment on the simulated sites."""
    return {
        "TRACKERS_GAMES_BASE_URL": sites.games.url,
        "TRACKERS_GAMES_DELAY": "0",
        "TRACKERS_GAMES_TIMEOUT": "1.5",
        "TRACKERS_GAMES_FIRST_SEASONS": "0",
        "TRACKERS_HISCORES_BASE_URL": sites.hiscores.url,
        "TRACKERS_HISCORES_DELAY": "0",
        "TRACKERS_HISCORES_TIMEOUT": "1.5",
        "TRACKERS_HISCORES_FETCH_COOLDOWN": "0",
        "TRACKERS_HISCORES_FALL_LASTS": "0",
        "TRACKERS_FLIGHTS_ENABLED": "true",
        "TRACKERS_FLIGHTS_GOOGLE_URL": sites.flights.url,
        "TRACKERS_FLIGHTS_DELAY": "0",
        "TRACKERS_FLIGHTS_TIMEOUT": "1.5",
        "FENCER_BASE_URL": sites.fencers.url,
        "FENCER_SCRAPE_DELAY_SEC": "0.001",
        "FENCER_SCRAPE_JITTER_SEC": "0",
        "TRACKERS_CONTRACTS_BASE_URL": sites.contracts.url,
        "TRACKERS_CONTRACTS_REGION_IDS": "10000002",
        "TRACKERS_CONTRACTS_DELAY": "0",
        "TRACKERS_CONTRACTS_DOWNTIME": "none",
        "TRACKERS_AUTH_HASH_MEMORY_KIB": "8192",
        "TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS": "10000",  # everybody here logs in from one
        "TRACKERS_AUTH_MESSAGES_PER_ADDRESS": "10000",  # likewise
        "TRACKERS_AUTH_MESSAGES_PER_HOST": "10000",  # our receiver's is one
        "TRACKERS_RATE_LIMIT_ADDRESS": "0",  # likewise
        "TRACKERS_NOTIFY_ALLOW_PRIVATE": "true",  # our receiver's is one
    }


class AdminSession:
    """An admin's access token; logs in again before it expires, because a run lasts longer than a token."""

    def __init__(self, http: httpx.Client, login: str, password: str) -> None:
        self._http = http
        self._login = {"login": login, "password": password}
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:
        """Good for at least half of its lifetime."""
        if monotonic() >= self._renew_at:
            answer = self._http.post("/api/auth/login", json=self._login, headers={"Authorization": ""})
            assert answer.status_code == httpx.codes.OK, answer.text
            self._token = answer.json()["access_token"]
            self._renew_at = monotonic() + answer.json()["expires_in"] / 2
        return self._token


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The variables of one run."""

    url: str
    bot_key: str = field(default="", repr=False)
    sites_url: str = ""
    admin_login: str = ""
    admin_password: str = field(default="", repr=False)
    receiver_url: str = ""
    receiver_port: str = ""
    patience: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self | None:
        """The deployment that BASE_URL names, or None."""
        url = environ.get("BASE_URL", "").rstrip("/")
        return (
            cls(
                url=url,
                bot_key=environ.get("BOT_KEY", ""),
                sites_url=environ.get("SITES_URL", "").rstrip("/"),
                admin_login=environ.get("ADMIN_LOGIN", ""),
                admin_password=environ.get("ADMIN_PASSWORD", ""),
                receiver_url=environ.get("RECEIVER_URL", "").rstrip("/"),
                receiver_port=environ.get("RECEIVER_PORT", ""),
                patience=environ.get("PATIENCE", ""),
            )
            if url
            else None
        )

    @property
    def patience_s(self) -> float:
        """Seconds that its worker is given to finish a task."""
        return float(self.patience or DEFAULT_PATIENCE_S)

    @property
    def port(self) -> int | None:
        """Of this machine, where RECEIVER_URL leads."""
        return int(self.receiver_port) if self.receiver_port else httpx.URL(self.receiver_url).port

    def left_out(self, tags: Callable[[str], object]) -> str | None:
        """Why a scenario with these tags is not run against the deployment; None where it is."""
        reasons = {
            "own_worker": OWN_WORKER,
            "own_service": OWN_SERVICE,
            "mailbox": NO_MAILBOX,
            **({} if self.admin_login else {"admin": NO_ADMIN}),
            **({} if self.sites_url else {"sites": NO_SITES}),
            **({} if self.receiver_url else {"receiver": NO_RECEIVER}),
        }
        return next((reason for tag, reason in reasons.items() if tags(tag)), None)

    def shortcomings(self, transport: httpx.BaseTransport | None = None) -> Iterator[str]:
        """Everything for which a run against it would fail, in words for the operator; asks it over HTTP."""
        yield from self._bad_variables()
        with httpx.Client(base_url=self.url, timeout=TIMEOUT_S, trust_env=False, transport=transport) as http:
            try:
                ready = http.get("/health/ready")
            except (httpx.TransportError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                yield f"nothing answers at BASE_URL {self.url} ({error})"
                return
            if ready.status_code != httpx.codes.OK:
                yield f"{self.url}/health/ready answers {ready.status_code}"
                return
            yield from self._key_lacks(http)
            yield from self._member_cannot(http)
            admin = yield from self._admin(http)
            sites = yield from self._sites()
            if admin and sites:
                yield from self._asks_elsewhere(http, admin, sites)

    def _bad_variables(self) -> Iterator[str]:
        try:
            float(self.patience or "1")
        except ValueError:
            yield f"PATIENCE is {self.patience!r}, not a number of seconds"
        if not self.bot_key:
            scopes = " ".join(f"--scope {scope}" for scope in SCOPES)
            yield f"BOT_KEY is missing (`trackers keys create features {scopes}` makes it)"
        if bool(self.admin_login) is not bool(self.admin_password):
            yield f"{'ADMIN_PASSWORD' if self.admin_login else 'ADMIN_LOGIN'} is missing"
        if self.receiver_port and not self.receiver_port.isdecimal():
            yield f"RECEIVER_PORT is {self.receiver_port!r}, not a port"
        elif self.receiver_url:
            yield from self._unbound()

    def _unbound(self) -> Iterator[str]:
        if self.port is None:
            yield f"RECEIVER_PORT is missing: RECEIVER_URL {self.receiver_url} names no port"
            return
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                yield f"port {self.port} for RECEIVER_URL cannot be listened on ({error.strerror})"

    def _key_lacks(self, http: httpx.Client) -> Iterator[str]:
        if not self.bot_key:
            return
        headers = {"Authorization": f"Bearer {self.bot_key}"}
        statuses = {
            scope: http.request(method, path, json=None if method == "GET" else {}, headers=headers).status_code
            for scope, (method, path) in SCOPES.items()
        }
        if httpx.codes.UNAUTHORIZED in statuses.values():
            yield "BOT_KEY is refused: it is not a key of this deployment, or revoked"
        elif lacking := [scope for scope, status in statuses.items() if status == httpx.codes.FORBIDDEN]:
            yield f"BOT_KEY lacks the scopes {', '.join(lacking)}"

    def _member_cannot(self, http: httpx.Client) -> Iterator[str]:
        """Somebody registers, as in most scenarios, adds our receiver as a webhook, and goes again."""
        account = {"username": f"preflight-{secrets.token_hex(4)}", "password": secrets.token_urlsafe(16)}
        made = http.post("/api/auth/register", json=account)
        if made.status_code == httpx.codes.TOO_MANY_REQUESTS:
            yield NO_ATTEMPTS_LEFT.format(seconds=made.headers["retry-after"])
            return
        if made.status_code != httpx.codes.CREATED:
            yield f"nobody can register (TRACKERS_AUTH_REGISTRATION=open lets them): {made.json()['detail']}"
            return
        member = {"Authorization": f"Bearer {made.json()['access_token']}"}
        if self.receiver_url:
            webhook = {"kind": "webhook", "url": f"{self.receiver_url}/preflight"}
            added = http.post("/api/users/me/channels", json=webhook, headers=member)
            if added.status_code != httpx.codes.CREATED:
                yield f"RECEIVER_URL is refused (TRACKERS_NOTIFY_ALLOW_PRIVATE=true lets it): {added.json()['detail']}"
        http.request("DELETE", "/api/users/me", json={"current_password": account["password"]}, headers=member)

    def _admin(self, http: httpx.Client) -> Any:
        """Yields what is wrong with the login, returns the admin's headers."""
        if not (self.admin_login and self.admin_password):
            return {}
        login = {"login": self.admin_login, "password": self.admin_password}
        answer = http.post("/api/auth/login", json=login)
        if answer.status_code != httpx.codes.OK:
            yield f"ADMIN_LOGIN and ADMIN_PASSWORD are refused ({answer.json()['code']})"
            return {}
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        if http.get("/api/auth/me", headers=headers).json()["role"] != "admin":
            yield f"ADMIN_LOGIN {self.admin_login} is no admin"
            return {}
        return headers

    def _sites(self) -> Any:
        """Yields what is wrong with the simulated sites, returns their addresses by name."""
        if not self.sites_url:
            return {}
        try:
            sites = SimulatedSites(self.sites_url)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            yield f"no simulated sites answer at SITES_URL {self.sites_url} ({error})"
            return {}
        sites.close()
        return sites.urls

    @staticmethod
    def _asks_elsewhere(http: httpx.Client, admin: Mapping[str, str], sites: Mapping[str, str]) -> Iterator[str]:
        """Admins see which host each source asks."""
        sources = {one["name"]: one for one in http.get("/api/admin/sources", headers=dict(admin)).json()["items"]}
        for name, site in SOURCES.items():
            source, host = sources[name], httpx.URL(sites[site]).netloc.decode()
            if not source["enabled"]:
                yield f"the source {name} is off ({source['disabled_because']})"
            elif source["host"] != host:
                yield f"the source {name} asks {source['host']}, not {host} of SITES_URL"


DEPLOYMENT: Final = Deployment.of(os.environ)
"""None: the features start a service of their own."""


def refuse_to_start(deployment: Deployment | None) -> None:
    """Raise pytest.UsageError, one line that names everything, where the deployment will not do."""
    if deployment is not None and (wrong := list(deployment.shortcomings())):
        raise pytest.UsageError(f"BASE_URL={deployment.url} cannot be used: {'; '.join(wrong)}")
