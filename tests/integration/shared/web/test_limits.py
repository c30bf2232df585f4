"""Limits: per bot key, person and address, over all processes, told in headers, and never in the way of an outage."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
from dependency_injector import providers
from structlog.testing import capture_logs
from tests.conftest import Bench
from tests.integration.shared.web.conftest import OpenApi

from shared.errors import TooManyRequests
from shared.web.identity import PersonIdentity, Role
from shared.web.limits import BLOCKS, RateLimiter
from shared.web.settings import WebSettings

MISSING = f"/internal/trackers/{UUID(int=1)}"
OPEN = f"/api/tasks/{UUID(int=2)}"


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def ask(http: httpx.AsyncClient, path: str, times: int) -> Counter[int]:
    return Counter([(await http.get(path)).status_code for _ in range(times)])


async def test_a_key_has_so_many_requests_a_minute_and_is_told_when_there_are_more(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_RATE_LIMIT_BOT="40")
    answers = [await api.http.get(MISSING) for _ in range(41)]
    assert [answer.status_code for answer in answers] == [404] * 40 + [429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == [
        str(left) for left in [*range(39, -1, -1), 0]
    ]
    for answer in answers:
        assert answer.headers["ratelimit-limit"] == "40"
        assert 1 <= int(answer.headers["ratelimit-reset"]) <= 61
        assert len(answer.headers.get_list("ratelimit-limit")) == 1
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert "40 requests per minute" in refused.json()["detail"]


async def test_two_processes_together_hold_a_limit_within_a_block_each(open_api: OpenApi) -> None:
    limit = 60
    both = [await open_api(TRACKERS_RATE_LIMIT_BOT=str(limit)) for _ in range(2)]
    counted = await asyncio.gather(*(ask(api.http, MISSING, 50) for api in both))
    passed = sum(each[404] for each in counted)
    assert limit - 2 * (limit // BLOCKS) <= passed <= limit
    assert sum(each[429] for each in counted) == 100 - passed


async def test_many_at_once_are_not_let_through(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_RATE_LIMIT_BOT="40")
    answers = await asyncio.gather(*(api.http.get(MISSING) for _ in range(60)))
    assert Counter(answer.status_code for answer in answers) == {404: 40, 429: 20}


async def test_who_shows_no_credentials_is_counted_by_address(open_api: OpenApi) -> None:
    first = await open_api(TRACKERS_RATE_LIMIT_ADDRESS="20", client="192.0.2.1")
    other = await open_api(TRACKERS_RATE_LIMIT_ADDRESS="20", client="192.0.2.2")
    assert await ask(first.http, OPEN, 25) == {404: 20, 429: 5}
    assert await ask(other.http, OPEN, 5) == {404: 5}
    assert await ask(first.http, MISSING, 5) == {404: 5}  # with its key it has a limit of its own


async def test_an_ipv6_network_is_one_address(open_api: OpenApi) -> None:
    near = [await open_api(TRACKERS_RATE_LIMIT_ADDRESS="20", client=f"2001:db8:1:2::{number}") for number in (1, 2)]
    far = await open_api(TRACKERS_RATE_LIMIT_ADDRESS="20", client="2001:db8:1:3::1")
    assert await ask(near[0].http, OPEN, 20) == {404: 20}
    assert await ask(near[1].http, OPEN, 5) == {429: 5}
    assert await ask(far.http, OPEN, 5) == {404: 5}


async def test_guessing_keys_has_its_limit(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_RATE_LIMIT_ADDRESS="20")
    good = api.http.headers["Authorization"]
    api.http.headers["Authorization"] = "Bearer trk_" + "a" * 10 + "_" + "b" * 43
    assert await ask(api.http, MISSING, 25) == {401: 20, 429: 5}
    api.http.headers["Authorization"] = good
    assert await ask(api.http, MISSING, 5) == {404: 5}


@pytest.mark.parametrize(
    ("method", "flooded", "body"),
    [
        ("GET", "/api/users/me", None),
        ("GET", "/api/admin/users", None),
        ("GET", MISSING, None),
        ("GET", OPEN, None),
        ("POST", "/api/auth/register", {"username": "ada", "password": "another password"}),
        ("POST", "/api/auth/register", {"username": "ben"}),
        ("POST", "/api/auth/refresh", {"refresh_token": "made up"}),
        ("POST", "/api/users/confirm-email", {"token": "made up"}),
        ("POST", "/api/email-confirmation?token=made-up", None),
        ("POST", "/api/digest/unsubscribe?token=made-up", None),
    ],
)
async def test_anonymous_requests_do_not_lock_the_sign_in_of_their_address(
    open_api: OpenApi, method: str, flooded: str, body: dict[str, str] | None
) -> None:
    api = await open_api(TRACKERS_RATE_LIMIT_ADDRESS="20", TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS="20")
    api.http.headers["Authorization"] = ""
    account = {"username": "ada", "password": "correct horse battery staple"}
    assert (await api.http.post("/api/auth/register", json=account)).status_code == 201
    flood = [(await api.http.request(method, flooded, json=body)).status_code for _ in range(25)]
    assert 5 <= Counter(flood)[429] <= 6
    assert max(flood) == 429
    login = {"login": account["username"], "password": account["password"]}
    assert (await api.http.post("/api/auth/login", json=login)).status_code == 200


async def test_a_person_is_counted_wherever_they_log_in(open_api: OpenApi) -> None:
    class Anybody:
        async def authenticate(self, token: str) -> PersonIdentity:
            return PersonIdentity(
                user_id=UUID(int=int(token)),
                role=Role.ADMIN,
                session_id=uuid4(),
                token_id="t",
                expires_at=datetime(2030, 1, 1, tzinfo=UTC),
            )

    api = await open_api(TRACKERS_RATE_LIMIT_PERSON="20")
    with api.container.users.person_authenticator.override(providers.Object(Anybody())):
        api.http.headers["Authorization"] = "Bearer 1"
        assert await ask(api.http, "/api/admin/audit", 25) == {200: 20, 429: 5}
        api.http.headers["Authorization"] = "Bearer 2"
        answer = await api.http.get("/api/admin/audit")
    assert answer.status_code == 200
    assert answer.headers["ratelimit-limit"] == "20"


async def test_health_and_the_schema_are_not_limited(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_RATE_LIMIT_ADDRESS="1", TRACKERS_RATE_LIMIT_BOT="1")
    for path in ("/health/live", "/schema/openapi.json"):
        assert await ask(api.http, path, 5) == {200: 5}
        assert "ratelimit-limit" not in (await api.http.get(path)).headers


async def test_zero_is_no_limit(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_RATE_LIMIT_BOT="0")
    assert await ask(api.http, MISSING, 5) == {404: 5}
    assert "ratelimit-limit" not in (await api.http.get(MISSING)).headers


async def test_while_redis_is_away_everybody_passes_and_the_log_says_so_once(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_REDIS_URL="unix:///nonexistent/redis.sock", TRACKERS_RATE_LIMIT_BOT="2")
    with capture_logs() as logs:
        assert await ask(api.http, MISSING, 10) == {404: 10}
    assert len([line for line in logs if line["event"] == "rate_limits_off"]) == 1
    assert "ratelimit-limit" not in (await api.http.get(MISSING)).headers


# ---- the limiter by itself ----


def limiter(api: Bench, limit: int, time: Time) -> RateLimiter:
    return RateLimiter(api.container.limits_storage(), WebSettings(rate_limit_bot=limit), monotonic=time)


async def test_permits_are_taken_in_blocks(api: Bench) -> None:
    time = Time()
    first, other = limiter(api, 100, time), limiter(api, 100, time)
    who = ("bot", uuid4())
    stands = await first.take(who)
    assert stands is not None
    assert (stands.limit, stands.remaining) == (100, 99)
    seen = await other.take(who)
    assert seen is not None
    assert seen.remaining == 100 - 5 - 1  # a block of 5 is with the first


async def test_permits_do_not_outlive_their_window(api: Bench) -> None:
    time = Time()
    one = limiter(api, 100, time)
    who = ("bot", uuid4())
    await one.take(who)
    time.now += 61
    stands = await one.take(who)
    assert stands is not None
    assert stands.remaining == 100 - 5 - 1  # a new block; to Redis no time has passed


async def test_a_refusal_stands_for_a_second_without_asking_again(api: Bench) -> None:
    time = Time()
    one = limiter(api, 1, time)
    who = ("bot", uuid4())
    await one.take(who)
    with pytest.raises(TooManyRequests):
        await one.take(who)
    await api.container.redis().flushall()
    time.now += 0.5
    with pytest.raises(TooManyRequests):
        await one.take(who)
    time.now += 0.6
    assert await one.take(who) is not None


async def test_a_process_remembers_so_many_callers_and_no_more(api: Bench) -> None:
    one = limiter(api, 100, Time())
    callers = [("bot", number) for number in range(30)]
    one.remembered = 10
    for who in callers:
        await one.take(who)
    assert len(one._shares) == 10
    assert callers[-1] in one._shares


async def test_a_limit_lives_in_redis_for_two_windows_at_most(api: Bench) -> None:
    await limiter(api, 100, Time()).take(("bot", uuid4()))
    redis = api.container.redis()
    counters = [key async for key in redis.scan_iter("LIMITS*")]
    assert counters
    for key in counters:
        assert 0 < await redis.pttl(key) <= 120_000
