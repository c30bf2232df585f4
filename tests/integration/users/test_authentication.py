"""Logging in, staying logged in, logging out; and what attackers try."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import warnings
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from argon2 import PasswordHasher
from dependency_injector import providers
from jwt.warnings import InsecureKeyLengthWarning
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.application import application, transport
from tests.clock import FixedClock
from tests.conftest import SECRET, Bench, container_of
from tests.integration.people import PASSWORD, People, Person, becomes
from tests.waiting import LIMIT_S, eventually

from app.container import AppContainer
from shared.installation_secret import InstallationSecret
from shared.settings import Secret
from users.auth.credential_cache import TRUSTED
from users.auth.tokens import AUDIENCE, ISSUER, TYPE, AccessTokens

ME = "/api/auth/me"


async def status(person: Person, token: str | None = None) -> int:
    return (await person.ask("GET", ME, token=token)).status_code


# ---- logging in ----


async def test_who_registers_is_logged_in(people: People) -> None:
    ada = await people.register("Ada")
    me = (await ada.ask("GET", ME)).json()
    assert UUID(me["user_id"]) == ada.id
    assert me["role"] == "user"
    assert ada.tokens["token_type"] == "Bearer"
    assert ada.tokens["expires_in"] == 900


@pytest.mark.parametrize("login", ["ada", "ADA", " ada ", "ada@example.org", "ADA@EXAMPLE.ORG"])
async def test_an_address_or_a_username_in_any_case_logs_in(people: People, login: str) -> None:
    ada = await people.with_address("ada", "ada@example.org")
    assert (await people.logged_in(login)).id == ada.id


async def test_the_password_form_of_oauth_logs_in_too(people: People) -> None:
    ada = await people.register()
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD, "scope": ""}
    answer = await people.http.post("/api/auth/login", data=form, headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    assert UUID(answer.json()["user_id"]) == ada.id
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ({"login": "ada"}, None),
        ({"login": "ada", "password": 7}, None),
        ({"login": "", "password": PASSWORD}, None),
        ({"login": "ada", "password": "x" * 257}, None),
        ([], None),
        (None, {"username": "ada"}),
        (None, {"grant_type": "client_credentials", "username": "ada", "password": PASSWORD}),
        (None, {"username": "ada", "password": PASSWORD, "scope": "s" * 1001}),
    ],
)
async def test_half_a_login_is_refused_in_words(people: People, body: Any, form: Any) -> None:
    answer = await people.http.post("/api/auth/login", json=body, data=form, headers={"Authorization": ""})
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "invalid"


async def test_a_body_that_is_no_json_is_refused_in_words(people: People) -> None:
    headers = {"Authorization": "", "Content-Type": "application/json"}
    answer = await people.http.post("/api/auth/login", content=b"{", headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("content_type", ["text/plain", "application/jsonx", "multipart/form-data", None])
async def test_a_login_is_read_as_json_or_a_form_only(people: People, content_type: str | None) -> None:
    await people.register()
    body = json.dumps({"login": "ada", "password": PASSWORD})
    headers = {"Authorization": "", **({} if content_type is None else {"Content-Type": content_type})}
    answer = await people.http.post("/api/auth/login", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_unknown_names_and_wrong_passwords_get_one_answer(people: People) -> None:
    await people.register()
    await people.known_to_the_bot("281474976710656001", username="bob")
    wrong = [await people.login("ada", "another password"), await people.login("eve"), await people.login("bob")]
    assert {answer.status_code for answer in wrong} == {401}
    assert len({(answer.json()["code"], answer.json()["detail"]) for answer in wrong}) == 1


async def test_an_unknown_name_is_hashed_as_a_known_one_is(people: People) -> None:
    await people.register()
    await people.login("somebody")  # makes the hash of nobody
    passwords = people.container.users.passwords()
    hashed: list[str] = []
    verify = passwords._hasher.verify

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            hashed.append(kept)
            return bool(verify(kept, password))

        def check_needs_rehash(self, _: str) -> bool:
            return False

    passwords._hasher = Counting()
    await people.login("eve")
    await people.login("ada", "another password")
    assert len(hashed) == 2
    assert hashed[0].split("$")[:4] == hashed[1].split("$")[:4]  # the same algorithm and parameters


async def test_a_hash_with_old_parameters_is_renewed_at_login(people: People) -> None:
    ada = await people.register()
    (before,) = await people.rows("SELECT password_hash FROM users WHERE id = :id", id=ada.id)
    weaker = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    await people.rows("UPDATE users SET password_hash = :hash WHERE id = :id", id=ada.id, hash=weaker)
    assert (await people.login()).status_code == 200
    (after,) = await people.rows("SELECT password_hash FROM users WHERE id = :id", id=ada.id)
    assert "m=8192,t=1,p=1" in after["password_hash"]
    assert after != before
    assert (await people.login()).status_code == 200


@pytest.mark.parametrize("login", ["ada", "ada@example.org", "nobody"])
async def test_one_login_is_tried_ten_times_from_an_address(people: People, login: str) -> None:
    """In a quarter of an hour; whether the login exists changes nothing."""
    await people.with_address("ada", "ada@example.org")
    answers = [await people.login(login, "a wrong password") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert [int(answer.headers["ratelimit-remaining"]) for answer in answers] == [*range(9, -1, -1), 0]
    refused = answers[-1]
    assert refused.json()["code"] == "too_many_attempts"
    assert refused.headers["ratelimit-limit"] == "10"
    assert 14 * 60 < int(refused.headers["retry-after"]) <= 15 * 60
    redis = people.container.redis()
    counted = [key async for key in redis.scan_iter() if f"/{login}/".encode() in key]
    assert len(counted) == 2
    assert all([14 * 60 < await redis.ttl(key) <= 15 * 60 for key in counted])
    assert (await people.login(login)).status_code == 429  # the right password does not help now


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_who_has_an_account_is_not_told_by_its_limits(people: People, name: str) -> None:
    await people.with_address("ada", "ada@example.org")
    for _ in range(10):
        await people.login(f"{name}@example.org", "a wrong password")
    assert (await people.login(name, "a wrong password")).status_code == 401


async def test_who_is_attacked_can_still_log_in_from_elsewhere_and_change_the_password(
    people: People, container: AppContainer
) -> None:
    ada = await people.register()
    for _ in range(12):
        await people.login("ada", "a wrong password")
    elsewhere = transport(application(container), client="192.0.2.7")
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://test") as http:
        answer = await http.post("/api/auth/login", json={"login": "ada", "password": PASSWORD})
        assert answer.status_code == 200
    change = {"current_password": PASSWORD, "new_password": "a new password"}
    assert (await ada.ask("POST", "/api/auth/change-password", change)).status_code == 200


async def test_many_addresses_do_not_guess_one_account(people: People, environ: dict[str, str]) -> None:
    await people.register()
    strict = container_of(environ | {"TRACKERS_AUTH_ATTEMPTS": "1"})
    app = application(strict)
    seen = []
    try:
        for number in range(21):
            asked = transport(app, client=f"192.0.2.{number}")
            async with httpx.AsyncClient(transport=asked, base_url="http://test") as http:
                answer = await http.post("/api/auth/login", json={"login": "ada", "password": "a wrong password"})
                seen.append(answer.status_code)
    finally:
        await strict.database().close()
        await strict.redis().aclose()
        await strict.clients().close()
    assert seen == [401] * 20 + [429]


async def test_a_username_and_an_address_of_one_account_are_counted_apart(
    people: People, environ: dict[str, str]
) -> None:
    """Else a locked username would tell whose address it is that is locked with it."""
    await people.with_address("ada", "ada@example.org")
    strict = container_of(environ | {"TRACKERS_AUTH_ATTEMPTS": "1"})
    app = application(strict)
    try:
        seen = []
        for number, login in enumerate(["ada"] * 21 + ["ada@example.org", "eve@example.org"]):
            asked = transport(app, client=f"192.0.2.{number}")
            async with httpx.AsyncClient(transport=asked, base_url="http://test") as http:
                answer = await http.post("/api/auth/login", json={"login": login, "password": "a wrong password"})
                seen.append(answer.status_code)
    finally:
        await strict.database().close()
        await strict.redis().aclose()
        await strict.clients().close()
    assert seen == [401] * 20 + [429, 401, 401]


async def test_a_login_that_succeeds_ends_the_count_of_its_account(people: People) -> None:
    await people.register()
    for _ in range(9):
        await people.login("ada", "a wrong password")
    assert (await people.login()).status_code == 200
    again = await people.login("ada", "a wrong password")
    assert again.status_code == 401
    assert again.headers["ratelimit-remaining"] == "9"


async def test_attempts_are_counted_per_address_over_accounts(people: People) -> None:
    answers = [await people.login(f"guess{turn}", "a wrong password") for turn in range(51)]
    assert Counter(answer.status_code for answer in answers) == {401: 50, 429: 1}


# ---- refreshing ----


async def test_a_refresh_token_gives_the_next_pair(people: People) -> None:
    ada = await people.register()
    answer = await people.refresh(ada.tokens["refresh_token"])
    assert answer.status_code == 200
    renewed = answer.json()
    assert renewed["refresh_token"] != ada.tokens["refresh_token"]
    assert renewed["refresh_expires_at"] == ada.tokens["refresh_expires_at"]  # the session does not grow
    assert await status(ada, renewed["access_token"]) == 200


async def test_a_refresh_token_used_twice_ends_its_session(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    ada = await people.register()
    other = await people.logged_in()
    first = ada.tokens["refresh_token"]
    renewed = (await people.refresh(first)).json()
    replayed = await people.refresh(first)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "refresh_refused")
    assert (await people.refresh(renewed["refresh_token"])).status_code == 401  # also the thief's, or the victim's
    assert await status(ada, renewed["access_token"]) == 401
    assert await status(other) == 200  # another login of the same person goes on
    assert "refresh_token_reused" in capsys.readouterr().out
    happened = await people.rows("SELECT event, user_id FROM activity_log WHERE event = 'auth.refresh_token_reused'")
    assert happened == [{"event": "auth.refresh_token_reused", "user_id": ada.id}]


async def test_of_twenty_refreshes_at_once_exactly_one_wins(people: People) -> None:
    ada = await people.register()
    answers = await asyncio.gather(*(people.refresh(ada.tokens["refresh_token"]) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 19}
    (winner,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await people.refresh(winner["refresh_token"])).status_code == 401  # and the session is over
    revoked = await people.rows("SELECT count(*) AS times FROM activity_log WHERE event = 'auth.refresh_token_reused'")
    assert revoked[0]["times"] == 1


async def test_a_made_up_refresh_token_ends_nothing(people: People) -> None:
    ada = await people.register()
    token = ada.tokens["refresh_token"]
    session = base64.urlsafe_b64decode(token.removeprefix("trr_") + "=")[:16]
    forged = "trr_" + base64.urlsafe_b64encode(session + b"x" * 64).decode().rstrip("=")
    for wrong in (forged, token[:-1], token + "A", "trr_", "", "x" * 200, ada.token[:190]):
        assert (await people.refresh(wrong)).status_code == 401, wrong
    assert (await people.refresh(token)).status_code == 200


async def test_a_session_ends_after_its_days_however_often_refreshed(people: People) -> None:
    clock = FixedClock()
    people.container.clock.override(providers.Object(clock))
    ada = await people.register()
    token = ada.tokens["refresh_token"]
    for _ in range(3):
        clock.advance(timedelta(days=9))
        renewed = await people.refresh(token)
        assert renewed.status_code == 200
        token = renewed.json()["refresh_token"]
    clock.advance(timedelta(days=4))
    assert (await people.refresh(token)).status_code == 401


# ---- logging out ----


async def test_after_logging_out_neither_token_is_good(people: People) -> None:
    ada = await people.register()
    assert await status(ada) == 200
    assert (await ada.ask("POST", "/api/auth/logout")).status_code == 204
    assert await status(ada) == 401
    assert (await people.refresh(ada.tokens["refresh_token"])).status_code == 401


async def test_a_logout_holds_in_another_process_within_two_seconds(
    people: People, environ: dict[str, str], container: AppContainer
) -> None:
    ada = await people.register()
    second = container_of(environ)
    try:
        async with httpx.AsyncClient(transport=transport(application(second)), base_url="http://test") as http:
            elsewhere = Person(http, ada.id, "ada", ada.tokens)
            assert await status(elsewhere) == 200  # and remembered there
            await ada.ask("POST", "/api/auth/logout")
            await becomes(401, lambda: elsewhere.ask("GET", ME))
            assert TRUSTED < 2  # seconds for which a verified token is not looked up again
    finally:
        await second.database().close()
        await second.redis().aclose()
        await second.clients().close()


async def test_a_logout_outlives_the_loss_of_the_denylist(people: People, container: AppContainer) -> None:
    ada = await people.register()
    await ada.ask("POST", "/api/auth/logout")
    await container.redis().flushall()
    assert await status(ada) == 401


async def test_logging_out_everywhere_ends_every_session(people: People) -> None:
    ada = await people.register()
    phone = await people.logged_in()
    eve = await people.register("eve")
    answer = await ada.ask("POST", "/api/auth/logout-all")
    assert answer.json() == {"ended": 2}
    assert [await status(ada), await status(phone), await status(eve)] == [401, 401, 200]


async def test_sessions_are_listed_and_ended_one_by_one(people: People) -> None:
    ada = await people.register()
    phone = await people.logged_in()
    eve = await people.register("eve")
    listed = (await ada.ask("GET", "/api/auth/sessions")).json()["items"]
    assert [session["current"] for session in listed] == [False, True]  # the phone was used last
    assert listed[0]["address"] == "127.0.0.1"
    assert "python-httpx" in listed[0]["user_agent"]
    path = f"/api/auth/sessions/{listed[0]['id']}"
    assert (await eve.ask("DELETE", path)).status_code == 404
    assert (await ada.ask("DELETE", path)).status_code == 204
    assert (await ada.ask("DELETE", path)).status_code == 404
    assert [await status(ada), await status(phone)] == [200, 401]


async def test_another_password_ends_the_other_sessions(people: People) -> None:
    ada = await people.register()
    phone = await people.logged_in()
    wrong = await ada.ask(
        "POST", "/api/auth/change-password", {"current_password": "not this one", "new_password": "a new password"}
    )
    assert wrong.status_code == 401
    short = await ada.ask(
        "POST", "/api/auth/change-password", {"current_password": PASSWORD, "new_password": "too short"}
    )
    assert short.status_code == 422
    changed = await ada.ask(
        "POST", "/api/auth/change-password", {"current_password": PASSWORD, "new_password": "a new password"}
    )
    assert changed.json() == {"ended": 1}
    assert [await status(ada), await status(phone)] == [200, 401]
    assert (await people.login()).status_code == 401
    assert (await people.login("ada", "a new password")).status_code == 200


# ---- what attackers try ----


def made(person: Person, **changed: Any) -> dict[str, Any]:
    """The claims of a good token, with changes; None leaves one out."""
    own = jwt.decode(person.token, options={"verify_signature": False})
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": str(person.id), "sid": own["sid"], "jti": uuid4().hex,
        "iat": own["iat"], "exp": own["exp"],
    } | changed  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


SECRETS = InstallationSecret(Secret(SECRET))
KEY = SECRETS.keys("access tokens")[0]


def signed(claims: dict[str, Any], *, key: bytes = KEY, algorithm: str = "HS256", typ: str | None = TYPE) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)  # an attacker does not mind
        return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": typ})


def unsigned(claims: dict[str, Any], algorithm: str) -> str:
    """A token that says it needs no signature."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': algorithm, 'typ': TYPE})}.{part(claims)}."


async def test_a_token_made_like_ours_opens(people: People) -> None:
    """Without this the refusals below would prove nothing."""
    ada = await people.register()
    assert await status(ada, signed(made(ada))) == 200


async def test_forged_tokens_do_not_open(people: People) -> None:
    ada, eve = await people.register(), await people.register("eve")
    wrong_key = hashlib.sha256(b"guessed").digest()
    head, _, signature = ada.token.rpartition(".")
    forged = {
        "alg none": unsigned(made(ada), "none"),
        "alg None": unsigned(made(ada), "None"),
        "alg empty": unsigned(made(ada), ""),
        "other key": signed(made(ada), key=wrong_key),
        "the secret itself as key": signed(made(ada), key=SECRET.encode()),
        "the key of refresh tokens": signed(made(ada), key=SECRETS.keys("refresh tokens")[0]),
        "other algorithm": signed(made(ada), algorithm="HS512"),
        "other audience": signed(made(ada, aud="elsewhere")),
        "no audience": signed(made(ada, aud=None)),
        "other issuer": signed(made(ada, iss="elsewhere")),
        "other type": signed(made(ada), typ="JWT"),
        "no type": signed(made(ada), typ=None),
        "no jti": signed(made(ada, jti=None)),
        "no expiry": signed(made(ada, exp=None)),
        "no session": signed(made(ada, sid=None)),
        "a session that is none": signed(made(ada, sid=str(uuid4()))),
        "somebody else's session": signed(made(ada, sub=str(eve.id))),
        "no uuid": signed(made(ada, sub="root")),
        "expiry of another kind": signed(made(ada, exp="soon")),
        "expiry beyond all years": signed(made(ada, exp=10**18)),
        "signature of another": f"{head}.{eve.token.rpartition('.')[2]}",
        "signature cut": f"{head}.{signature[:-4]}",
        "no signature": f"{head}.",
        "a refresh token": ada.tokens["refresh_token"],
        "too long": ada.token + "A" * 4096,
        "empty": "",
        "dots": "..",
        "not ascii": "\u00fcber",
    }
    for what, token in forged.items():
        answer = await ada.http.get(ME, headers={b"Authorization": f"Bearer {token}".encode("latin-1")})
        assert answer.status_code == 401, what
        assert answer.headers["content-type"] == "application/problem+json", what
        assert answer.headers["www-authenticate"] == "Bearer", what
        assert answer.json()["code"] == "unauthenticated", what


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Digest", "Bearerx", ""])
async def test_another_scheme_does_not_open(people: People, scheme: str) -> None:
    ada = await people.register()
    answer = await ada.http.get(ME, headers={"Authorization": f"{scheme} {ada.token}"})
    assert answer.status_code == 401
    assert (await ada.http.get(ME, headers={"Authorization": f"bearer {ada.token}"})).status_code == 200


async def test_an_access_token_is_no_refresh_token_and_no_bot_key(people: People) -> None:
    ada = await people.register()
    assert (await people.refresh(ada.token[:200])).status_code == 401
    path = "/internal/trackers/parse"
    assert (await ada.ask("POST", path, {"url": "x"})).status_code == 401
    assert (await ada.http.post(path, json={"url": "x"}, headers={"X-API-Key": ada.token})).status_code == 401


async def test_a_bot_key_is_no_access_token(people: People, bot_key: str) -> None:
    ada = await people.register()
    assert await status(ada, bot_key) == 401
    answer = await ada.http.get(ME, headers={"X-API-Key": ada.token, "Authorization": ""})
    assert answer.status_code == 401


async def test_an_expired_token_says_so(people: People) -> None:
    ada = await people.register()
    now = int(people.container.clock().now().timestamp())
    answer = await ada.ask("GET", ME, token=signed(made(ada, iat=now - 901, exp=now - 1)))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(-5, 401), (-1, 401), (0, 200), (5, 200), (14, 200), (15, 401), (20, 401)],
    ids=str,
)
async def test_a_clock_that_is_off(people: People, container: AppContainer, minutes: int, expected: int) -> None:
    """A token from the future is refused; one stays good for its quarter of an hour as this clock has it."""
    ada = await people.register()
    clock = FixedClock(container.clock().now() + timedelta(minutes=minutes))
    authenticator = container.users.person_authenticator()
    authenticator._tokens = AccessTokens(secret=SECRETS, clock=clock, lifetime=900)
    assert await status(ada) == expected


async def test_the_clock_of_a_neighbour_may_be_a_little_ahead(people: People, container: AppContainer) -> None:
    ada = await people.register()
    clock = FixedClock(container.clock().now() - timedelta(seconds=20))
    container.users.person_authenticator()._tokens = AccessTokens(secret=SECRETS, clock=clock, lifetime=900)
    assert await status(ada) == 200


async def test_a_remembered_token_is_forgotten_when_it_expires(people: People, container: AppContainer) -> None:
    ada = await people.register()
    now = int(container.clock().now().timestamp())
    clock = FixedClock(datetime.fromtimestamp(now, UTC))
    authenticator = container.users.person_authenticator()
    authenticator._clock = clock
    authenticator._tokens = AccessTokens(secret=SECRETS, clock=clock, lifetime=900)
    token = signed(made(ada, exp=now + 1))
    assert await status(ada, token) == 200
    assert authenticator._verified.get(token) is not None
    clock.advance(timedelta(seconds=1))
    assert await status(ada, token) == 401


# ---- without Redis ----


async def test_without_redis_nobody_gets_in_and_nobody_is_thrown_out(people: People, container: AppContainer) -> None:
    ada = await people.register()
    token = ada.tokens["refresh_token"]
    gone = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    kept = container.users.denylist()._redis
    container.users.denylist()._redis = gone
    try:
        answers = [
            await ada.ask("GET", ME),
            await ada.ask("POST", "/api/auth/logout"),
            await ada.ask("POST", "/api/auth/logout-all"),
        ]
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    finally:
        container.users.denylist()._redis = kept
        await gone.aclose()
    assert await status(ada) == 200
    assert (await people.refresh(token)).status_code == 200


async def test_without_redis_nobody_can_try_passwords(people: People, container: AppContainer) -> None:
    await people.register()
    bridge = container.users.attempts()._counter._limiter.storage.bridge
    acquire = bridge.lua_acquire_moving_window

    async def refused(*_: Any, **__: Any) -> None:
        raise RedisConnectionError("gone")

    bridge.lua_acquire_moving_window = refused
    assert (await people.login()).status_code == 503
    answer = await people.post("/api/auth/register", {"username": "eve", "password": PASSWORD})
    assert answer.status_code == 503
    bridge.lua_acquire_moving_window = acquire
    assert (await people.login()).status_code == 200


async def test_what_is_kept_of_tokens_does_not_open(people: People) -> None:
    ada = await people.register()
    (row,) = await people.rows("SELECT token_digest FROM auth_sessions WHERE user_id = :id", id=ada.id)
    key = SECRETS.keys("refresh tokens")[0]
    assert row["token_digest"] == hmac.digest(key, ada.tokens["refresh_token"].encode(), "sha256")
    (log,) = await people.rows("SELECT body FROM audit_log WHERE route = '/api/auth/register'")
    assert log["body"] == {"username": "[removed]", "password": "[removed]"}


async def test_too_many_passwords_at_once_are_told_to_come_back(api: Bench, people: People) -> None:
    await people.register()
    passwords = people.container.users.passwords()
    passwords._busy = passwords._most
    answer = await people.login()
    assert answer.status_code == 503
    passwords._busy = 0
    assert (await people.login()).status_code == 200


async def test_of_many_sign_ins_at_once_few_are_hashed_and_a_bounded_number_waits(
    people: People, environ: dict[str, str]
) -> None:
    more = 10
    several = container_of(environ | {"TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS": "1000", "TRACKERS_RATE_LIMIT_ADDRESS": "0"})
    passwords = several.users.passwords()
    most = passwords._most
    release, counting = threading.Event(), threading.Lock()
    real = passwords._hasher
    hashing: list[int] = []
    """How many threads hashed when each hash began."""
    busy: set[int] = set()

    class Slow:
        """Hashes once it may."""

        hash = real.hash

        def verify(self, kept: str, password: str) -> bool:
            with counting:
                busy.add(threading.get_ident())
                hashing.append(len(busy))
            release.wait(LIMIT_S)
            try:
                return bool(real.verify(kept, password))
            finally:
                with counting:
                    busy.discard(threading.get_ident())

    passwords._nobodys = real.hash("the password of nobody")
    passwords._hasher = Slow()
    asked = transport(application(several))
    try:
        async with httpx.AsyncClient(transport=asked, base_url="http://test") as http:
            logins = [
                asyncio.create_task(http.post("/api/auth/login", json={"login": f"eve{number}", "password": PASSWORD}))
                for number in range(most + more)
            ]

            async def refused() -> bool:
                return sum(login.done() for login in logins) == more

            await eventually(refused, what="those beyond the bound have their answer")
            release.set()
            answers = await asyncio.gather(*logins)
    finally:
        release.set()
        await several.database().close()
        await several.redis().aclose()
        await several.clients().close()
    assert Counter(answer.status_code for answer in answers) == {401: most, 503: more}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 503)
    assert len(hashing) == most
    assert max(hashing) <= passwords._threads._max_workers == 2


async def test_a_token_does_not_outlive_its_session(people: People) -> None:
    ada = await people.register()
    await people.rows("UPDATE auth_sessions SET expires_at = '2000-01-01'")
    assert await status(ada) == 401


@pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/login", "/api/auth/refresh"])
async def test_what_is_nested_too_deeply_is_refused_in_words(people: People, path: str) -> None:
    answer = await people.http.post(path, content=b"[" * 5000, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
