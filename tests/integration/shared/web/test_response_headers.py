"""What every answer has: safe headers, CORS, validators, compression, limits of size, known hosts."""

import gzip
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from dependency_injector import providers
from tests.conftest import Bench
from tests.integration.shared.web.conftest import OpenApi

from shared.web.settings import WebSettings

ORIGIN = "https://app.example.org"
SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
ADD = "/internal/trackers/add"
REGISTRATION = {"user_id": "281474976710656001", "url": "https://tracker.gg/rocket-league/profile/epic/somebody"}


async def tracker_path(http: httpx.AsyncClient) -> str:
    answer = await http.post(ADD, json=REGISTRATION)
    return f"/internal/trackers/{answer.json()['trackers'][0]['id']}"


async def broken(http: httpx.AsyncClient, api: Any) -> httpx.Response:
    def bug() -> None:
        raise RuntimeError("sesame")

    with api.container.games.service.override(providers.Callable(bug)):
        return await http.post(ADD, json=REGISTRATION)


async def every_kind_of_answer(api: Any) -> AsyncIterator[tuple[int, httpx.Response]]:
    http: httpx.AsyncClient = api.http
    yield 200, await http.get("/health/live")
    yield 200, await http.get(await tracker_path(http))
    yield 404, await http.get("/nowhere")
    yield 404, await http.get(f"/internal/trackers/{uuid4()}")
    yield 405, await http.delete(ADD)
    yield 401, await http.post(ADD, headers={"Authorization": ""})
    yield 422, await http.post(ADD, json={})
    yield 413, await http.post(ADD, content=b"x" * (WebSettings().body_limit + 1))
    yield 500, await broken(http, api)


async def test_every_answer_is_safe_to_show_in_a_browser(api: Bench) -> None:
    async for status, answer in every_kind_of_answer(api):
        assert answer.status_code == status, answer.text
        assert SAFE.items() <= dict(answer.headers).items(), (status, answer.headers)
        assert "strict-transport-security" not in answer.headers
        assert len(answer.headers.get_list("content-security-policy")) == 1


async def test_browsers_stay_with_https_where_they_came_by_it(open_api: OpenApi) -> None:
    api = await open_api(base_url="https://test")
    assert "max-age" in (await api.http.get("/health/live")).headers["strict-transport-security"]


async def test_the_page_of_the_schema_may_load_what_it_loads(api: Bench) -> None:
    answer = await api.http.get("/schema/scalar")
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert '<script src="https://cdn.jsdelivr.net/' in answer.text
    assert 'href="https://cdn.jsdelivr.net/' in answer.text
    assert "<style>" in answer.text
    assert "https://cdn.jsdelivr.net" in policy["script-src"]
    assert "unsafe-inline" not in policy["script-src"]
    assert {"https://cdn.jsdelivr.net", "'unsafe-inline'"} <= set(policy["style-src"].split())
    assert policy["connect-src"] == "'self'"
    described = await api.http.get("/schema/openapi.json")
    assert SAFE["content-security-policy"] == described.headers["content-security-policy"]


# ---- browsers of other origins ----


async def test_an_allowed_origin_is_told_so_on_every_answer(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_CORS_ORIGINS=ORIGIN)
    api.http.headers["Origin"] = ORIGIN
    async for status, answer in every_kind_of_answer(api):
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
        exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
        assert {"etag", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"} <= set(exposed)
        assert {"retry-after", "x-request-id", "idempotency-replayed"} <= set(exposed)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{ORIGIN}.evil.example", "http://app.example.org"])
async def test_any_other_origin_is_told_nothing(open_api: OpenApi, origin: str) -> None:
    api = await open_api(TRACKERS_CORS_ORIGINS=ORIGIN)
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for answer in (await api.http.get("/health/live", headers=asked), await api.http.options(ADD, headers=asked)):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "Origin" in answer.headers["vary"]


async def test_a_preflight_is_answered_without_a_key(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_CORS_ORIGINS=f"http://localhost:5173,{ORIGIN}")
    asked = {
        "Origin": ORIGIN,
        "Authorization": "",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    answer = await api.http.options(ADD, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key", "if-none-match"} <= set(allowed)
    assert int(answer.headers["access-control-max-age"]) > 0


async def test_without_settings_no_origin_is_told_anything(api: Bench) -> None:
    answer = await api.http.get("/health/live", headers={"Origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_any_origin_is_any_but_never_with_credentials(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_CORS_ORIGINS="*")
    answer = await api.http.get("/health/live", headers={"Origin": "https://anywhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


# ---- hosts ----


async def test_only_known_hosts_are_answered(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_ALLOWED_HOSTS="trackers.example.org,*.example.net,[::1]")
    for host in ("trackers.example.org", "Trackers.Example.Org:8443", "a.example.net", "a.b.example.net", "[::1]:8000"):
        assert (await api.http.get("/nowhere", headers={"Host": host})).status_code == 404, host
    for host in ("evil.example", "example.net", "evilexample.net", "trackers.example.org.evil.example", "[::2]", ""):
        answer = await api.http.get("/internal/trackers/parse", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host"), host
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert SAFE.items() <= dict(answer.headers).items()


async def test_health_is_told_under_any_name(open_api: OpenApi) -> None:
    api = await open_api(TRACKERS_ALLOWED_HOSTS="trackers.example.org")
    assert (await api.http.get("/health/live", headers={"Host": "10.0.0.7:8000"})).status_code == 200


# ---- validators ----


async def test_what_did_not_change_is_not_sent_again(api: Bench) -> None:
    path = await tracker_path(api.http)
    first = await api.http.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in first.headers["vary"]
    for given in (tag, tag.removeprefix("W/"), "*", f'"other", {tag}', f'{tag} , W/"x"'):
        again = await api.http.get(path, headers={"If-None-Match": given})
        assert (again.status_code, again.content) == (304, b""), given
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == first.headers[name]
        assert "content-length" not in again.headers
        assert "content-type" not in again.headers
        assert again.headers["x-request-id"]
    for given in ('W/"other"', tag.replace('"', ""), ""):
        assert (await api.http.get(path, headers={"If-None-Match": given})).status_code == 200


async def test_what_changed_is_sent(api: Bench, sites: Any) -> None:
    path = await tracker_path(api.http)
    tag = (await api.http.get(path)).headers["etag"]
    await api.work()
    answer = await api.http.get(path, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


async def test_errors_and_changes_have_no_validator(api: Bench) -> None:
    missing = await api.http.get(f"/internal/trackers/{uuid4()}", headers={"If-None-Match": "*"})
    assert missing.status_code == 404
    assert missing.headers["cache-control"] == "private, no-cache"
    made = await api.http.post(ADD, json=REGISTRATION)
    for answer in (missing, made, await api.http.get("/health/live")):
        assert "etag" not in answer.headers


async def test_answers_with_tokens_are_kept_nowhere(api: Bench) -> None:
    for path in ("/api/auth/login", "http://test//api//auth/login"):
        answer = await api.http.post(path, json={"login": "nobody", "password": "wrong"})
        assert answer.headers["cache-control"] == "no-store", path


# ---- size ----


async def test_large_answers_are_compressed_for_who_takes_it(api: Bench) -> None:
    plain = await api.http.get("/schema/openapi.json", headers={"Accept-Encoding": "identity"})
    async with api.http.stream("GET", "/schema/openapi.json", headers={"Accept-Encoding": "br, gzip;q=0.8"}) as answer:
        sent = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(sent) < len(plain.content) / 3
    assert gzip.decompress(sent) == plain.content
    for given in (answer, plain):
        assert "Accept-Encoding" in given.headers["vary"]
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "gzip; q=0.0", "br", "x-gzipped"])
async def test_nobody_gets_gzip_who_does_not_take_it(api: Bench, accepted: str) -> None:
    answer = await api.http.get("/schema/openapi.json", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers


async def test_small_answers_are_left_as_they_are(api: Bench) -> None:
    answer = await api.http.get("/health/live", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "large"}])
async def test_a_body_that_is_too_large_is_refused_announced_or_not(open_api: OpenApi, key: dict[str, str]) -> None:
    api = await open_api(TRACKERS_BODY_LIMIT="2048")

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 512

    sent: list[Any] = [b" " * 2049, parts()]
    for content in sent:
        headers = {"Content-Type": "application/json", **key}
        answer = await api.http.post(ADD, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.headers["content-type"] == "application/problem+json"
    fits = await api.http.post(ADD, content=b" " * 1024, headers={"Content-Type": "application/json"})
    assert fits.status_code in {400, 422}
