"""The installation's secret is replaced, and nobody loses a channel, a key or a session."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.application import application, transport
from tests.clock import FixedClock, MovedClock
from tests.conftest import SECRET, Bench, container_of
from tests.integration.app.command import trackers, trackers_here
from tests.integration.people import PASSWORD, People
from tests.waiting import eventually_sync

from app.container import AppContainer
from app.doctor import Remark
from app.doctor import _secret as secret_finding
from shared.clock import Clock
from shared.ids import new_id
from shared.settings import Secret
from users.notifications.field_encryption import Unsealable

NEW = "another secret for tests, which replaces the first"
DISCORD_ID = "281474976710656001"
HOOK = b'{"url": "https://bot.example.org/hook"}'
PARSED = "/internal/trackers/parse"
BODY = {"url": "https://tracker.gg/rocket-league/profile/epic/somebody"}


@asynccontextmanager
async def under(
    environ: dict[str, str], secret: str, previous: str | None = None, *, clock: Clock | None = None
) -> AsyncIterator[People]:
    """The application under another secret, on the same stores."""
    made = container_of(environ, clock=clock)
    made.secret.override(Secret(secret))
    made.previous_secret.override(Secret(previous or ""))
    async with httpx.AsyncClient(transport=transport(application(made)), base_url="http://test") as http:
        yield People(http, made)
    await made.database().close()
    await made.redis().aclose()


async def asked_with(http: httpx.AsyncClient, key: str) -> int:
    return (await http.post(PARSED, json=BODY, headers={"Authorization": f"Bearer {key}"})).status_code


async def channel_of(container: AppContainer, user_id: UUID) -> UUID:
    channel = new_id()
    async with container.database().transaction() as session:
        await session.execute(
            text(
                "INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at)"
                " VALUES (:id, :user, 'webhook', 'my server', :sealed, 'bot.example.org', 'bot.example.org', now())"
            ),
            {"id": channel, "user": user_id, "sealed": container.notifications.encryption().seal(channel, HOOK)},
        )
    return channel


async def sealed(container: AppContainer, channel: UUID) -> bytes:
    target: bytes = await container.reader().value(
        text("SELECT target FROM notification_channels WHERE id = :id"), {"id": channel}
    )
    return target


async def rotated(container: AppContainer) -> list[str]:
    from app.secret_rotation import rotate  # noqa: PLC0415 -- as the command does

    return await rotate(container)


async def test_everything_made_under_the_previous_secret_is_accepted_while_that_is_set(
    api: Bench, environ: dict[str, str], bot_key: str
) -> None:
    before = People(api.http, api.container)
    ada = await before.register()
    token = api.container.notifications.unsubscribing().token(ada.id)
    channel = await channel_of(api.container, ada.id)
    code, kept = api.container.notifications.codes().make(channel)
    confirmation, mailed = api.container.users.confirmation_tokens().make(new_id())
    bot = {"Authorization": f"Bearer {await before.bot('users:write')}"}
    issued = await api.http.post("/internal/users/claim-codes", json={"user_id": DISCORD_ID}, headers=bot)
    assert issued.status_code in {200, 201}, issued.text

    async with under(environ, NEW, SECRET) as after:
        assert await asked_with(after.http, bot_key) == 200
        me = await after.http.get("/api/users/me", headers={"Authorization": f"Bearer {ada.token}"})
        assert me.status_code == 200
        assert (await after.refresh(ada.tokens["refresh_token"])).status_code == 200
        assert (await after.http.get("/api/digest/unsubscribe", params={"token": token})).status_code == 200
        notifications = after.container.notifications
        assert notifications.codes().fits(channel, code, kept)
        assert after.container.users.confirmation_tokens().fits(confirmation, mailed)
        assert notifications.encryption().open(channel, await sealed(after.container, channel)) == HOOK
        claimed = await after.register("grace", claim_code=issued.json()["code"])
        assert claimed.id
        with pytest.raises(Remark, match="trackers secrets rotate"):
            await secret_finding(after.container)
    async with under(environ, NEW) as without:
        assert await asked_with(without.http, await before.bot("trackers")) == 401
        me = await without.http.get("/api/users/me", headers={"Authorization": f"Bearer {ada.token}"})
        assert me.status_code == 401
        assert (await without.http.get("/api/digest/unsubscribe", params={"token": token})).status_code == 404
        assert not without.container.notifications.codes().fits(channel, code, kept)
        assert not without.container.users.confirmation_tokens().fits(confirmation, mailed)


async def test_after_a_rotation_the_previous_secret_is_needed_by_nothing_that_was_used(
    api: Bench, environ: dict[str, str], bot_key: str
) -> None:
    before = People(api.http, api.container)
    ada = await before.register()
    channel = await channel_of(api.container, ada.id)
    unused = await before.bot("trackers")

    async with under(environ, NEW, SECRET) as during:
        lines = await rotated(during.container)
        assert lines[0] == "channels now encrypted with the current secret: 1"
        assert [line for line in lines if bot_key[4:14] in line], lines
        assert [line for line in lines if "sessions: 1, last used" in line], lines
        assert "left that needs TRACKERS_SECRET_KEY_PREVIOUS: 3" in lines
        assert await asked_with(during.http, bot_key) == 200
        refreshed = await during.refresh(ada.tokens["refresh_token"])
        lines = await rotated(during.container)
        assert lines[0] == "channels now encrypted with the current secret: 0"
        (left,) = [line for line in lines if line.startswith("still needs")]
        assert unused[4:14] in left
        assert "not used yet" in left
        async with during.container.database().unit_of_work():
            await during.container.users.keys().revoke(unused[4:14])
        assert (await rotated(during.container))[-1] == "remove it and restart every process"

    async with under(environ, NEW) as after:
        assert await asked_with(after.http, bot_key) == 200
        assert await asked_with(after.http, unused) == 401
        assert (await after.refresh(refreshed.json()["refresh_token"])).status_code == 200
        opened = after.container.notifications.encryption().open(channel, await sealed(after.container, channel))
        assert opened == HOOK
    with pytest.raises(Unsealable):
        api.container.notifications.encryption().open(channel, await sealed(api.container, channel))


async def test_a_rotation_names_codes_links_and_channels_that_cannot_be_made_anew(
    api: Bench, environ: dict[str, str]
) -> None:
    clock = MovedClock()
    before = People(api.http, api.container)
    ada = await before.register()
    now = clock.now()
    async with api.container.database().transaction() as session:
        for channel, until in [(await channel_of(api.container, ada.id), at) for at in (20, 40)]:
            await session.execute(
                text("UPDATE notification_channels SET challenge = '\\x01', challenge_until = :until WHERE id = :id"),
                {"id": channel, "until": now + timedelta(minutes=until)},
            )
        await session.execute(
            text(
                "INSERT INTO account_mails (id, user_id, kind, address, digest, created_at, expires_at)"
                " VALUES (:id, :user, 'confirmation', 'ada@example.org', '\\x01', :at, :until)"
            ),
            {"id": new_id(), "user": ada.id, "at": now, "until": now + timedelta(hours=23)},
        )
        await session.execute(
            text(
                "INSERT INTO digests (id, user_id, period, since, until, entries, state, created_at, sent_at)"
                " VALUES (:id, :user, 'daily:1', :at, :at, 1, 'sent', :at, :at)"
            ),
            {"id": new_id(), "user": ada.id, "at": now},
        )
    public = {**environ, "TRACKERS_NOTIFY_PUBLIC_URL": "https://trackers.example.org"}
    async with under(public, "x" * 40, NEW, clock=FixedClock(now)) as other:
        lines = await rotated(other.container)
    assert "channels that neither secret can decrypt; they must be added again: 2" in lines
    assert [line for line in lines if "unsubscribe links in digests: 1" in line], lines
    assert [line for line in lines if "links that confirm e-mail addresses: 1" in line], lines
    assert [line for line in lines if "codes of channels: 1" in line], "the other was made after the rotation began"


def test_nothing_is_rotated_without_a_previous_secret(environ: dict[str, str]) -> None:
    answer = trackers_here(environ, "secrets", "rotate")
    assert answer.returncode == 1
    assert "set TRACKERS_SECRET_KEY_PREVIOUS" in answer.stderr


@pytest.fixture
def home(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of an installation whose secret was generated."""
    given = {
        **environ,
        "TRACKERS_HOME": str(tmp_path),
        "TRACKERS_NOTIFY_ALLOW_PRIVATE": "true",
        "TRACKERS_NOTIFY_PUBLIC_URL": "https://trackers.example.org",
    }
    return {name: value for name, value in given.items() if name != "TRACKERS_SECRET_KEY"}


@contextmanager
def serving(environ: Mapping[str, str], folder: Path) -> Iterator[httpx.Client]:
    """`trackers api`, a process of its own."""
    announcement = folder / "address"
    announcement.unlink(missing_ok=True)
    with (folder / "api.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-m", "app", "api", "--announce", str(announcement)],
            env={**environ, "TRACKERS_PORT": "0"},
            stdout=log,
            stderr=log,
        )
        try:

            def address() -> str:
                assert process.poll() is None, (folder / "api.log").read_text()
                return announcement.read_text() if announcement.exists() else ""

            with httpx.Client(base_url=eventually_sync(address, what="the API listens"), trust_env=False) as http:
                yield http
        finally:
            process.terminate()
            process.wait()


@pytest.mark.slow
def test_a_started_product_keeps_channels_keys_sessions_links_and_answers(home: dict[str, str], tmp_path: Path) -> None:
    """As docs/operations.md says: rename the generated secret, restart, rotate, use what is there, remove, restart."""

    def person(http: httpx.Client, method: str, path: str, body: Any = None) -> httpx.Response:
        return http.request(method, path, json=body, headers={"Authorization": f"Bearer {tokens['access_token']}"})

    def bot(http: httpx.Client) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "the-same-again"}
        return http.post(PARSED, json=BODY, headers=headers)

    def refreshed(http: httpx.Client) -> dict[str, Any]:
        answer = http.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    unused, key = (trackers(home, "keys", "create", name).stdout.strip() for name in ("unused", "my bot"))
    with serving(home, tmp_path) as http:
        tokens = http.post("/api/auth/register", json={"username": "ada", "password": PASSWORD}).json()
        made = person(http, "POST", "/api/users/me/channels", {"kind": "webhook", "url": "http://127.0.0.1:9/hook"})
        assert made.status_code == 201, made.text
        channel = made.json()["channel"]["id"]
        preview = person(http, "GET", "/api/users/me/digest/preview").json()["text"]
        (link,) = re.findall(r"https://trackers.example.org(/api/digest/unsubscribe\?token=\S+)", preview)
        first = bot(http)
        assert first.status_code == 200

    (tmp_path / "secret").rename(tmp_path / "secret.previous")
    with serving(home, tmp_path) as http:
        assert person(http, "GET", "/api/users/me").status_code == 200, "the access token"
        tokens = refreshed(http)
        assert http.get(link).status_code == 200
        assert bot(http).headers["idempotency-replayed"] == "true"
        report = trackers(home, "secrets", "rotate")
        assert report.returncode == 0, report.stderr
        assert "channels now encrypted with the current secret: 1" in report.stdout
        assert f"bot key {unused[:14]} (unused): 1, not used yet" in report.stdout
        assert "left that needs TRACKERS_SECRET_KEY_PREVIOUS: 1" in report.stdout
        assert person(http, "POST", f"/api/users/me/channels/{channel}/secret").status_code == 200

    (tmp_path / "secret.previous").unlink()
    with serving(home, tmp_path) as http:
        assert person(http, "GET", "/api/users/me").status_code == 200
        tokens = refreshed(http)
        again = bot(http)
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
        assert person(http, "POST", f"/api/users/me/channels/{channel}/secret").status_code == 200
        denied = http.post(PARSED, json=BODY, headers={"Authorization": f"Bearer {unused}"})
        assert denied.status_code == 401
