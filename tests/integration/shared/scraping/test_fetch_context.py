"""What a visit makes of everything that a site can do to it."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from tests.integration.shared.scraping.conftest import USER_AGENT, ContextMaker, a_target
from tests.upstreams.client import SimulatedSites

from shared.scraping.failures import Blocked, HostUnavailable, Throttled
from shared.scraping.fetch_context import Clients, RefusedRedirect, RobotsDisallow, Unchanged
from shared.scraping.policy import Policy

PATH = "/api/v2/rocket-league/standard/profile/epic/auto-visitor"


async def test_an_answer_comes_with_status_type_and_body(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    context = visit_to()
    answer = await context.get(sites.games.url + PATH)
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert answer.body.startswith(b"{")
    assert (context.requests, context.received, context.http_status) == (1, len(answer.body), 200)


async def test_the_site_is_told_who_asks(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    await visit_to(headers={"TRN-Api-Key": "sesame"}).get(sites.games.url + PATH)
    (request,) = sites.games.requests("/api/")
    assert request.headers["user-agent"] == USER_AGENT


async def test_requests_leave_by_the_proxy_that_the_operator_named(redis_url: str) -> None:
    seen: list[tuple[str, str | None]] = []

    async def proxy(request: web.BaseRequest) -> web.Response:
        seen.append((str(request.raw_path), request.headers.get("Proxy-Authorization")))
        return web.Response(text="through it")

    runner = web.ServerRunner(web.Server(proxy))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    clients = Clients(user_agent=USER_AGENT)
    address = "http://ada:sesame@127.0.0.1:{1}".format(*runner.addresses[0])
    client = clients.of("proxied", Policy(host="flights.example", delay=0.0, proxy=address))
    try:
        async with client.get("http://flights.example/search?q=1", {}) as response:
            assert await response.aread() == b"through it"
    finally:
        await clients.close()
        await runner.cleanup()
    assert seen == [("http://flights.example/search?q=1", "Basic YWRhOnNlc2FtZQ==")]
    assert "sesame" not in repr(Policy(host="x", delay=0.0, proxy=address))


async def test_cookies_are_not_kept(redis_url: str) -> None:
    seen: list[str | None] = []

    async def page(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        answer = web.Response(text="x")
        answer.set_cookie("sid", "abc")
        return answer

    runner = web.ServerRunner(web.Server(page))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    clients = Clients(user_agent=USER_AGENT)
    client = clients.of("cookies", Policy(host="cookies", delay=0.0, operator_configured=True))
    for _ in range(2):
        async with client.get("http://127.0.0.1:{1}/".format(*runner.addresses[0]), {}) as response:
            assert response.headers["set-cookie"]
    await clients.close()
    await runner.cleanup()
    assert seen == [None, None]


async def test_a_validator_that_could_not_be_sent_back_is_not_kept(redis_url: str, visit_to: ContextMaker) -> None:
    async def page(request: web.BaseRequest) -> web.Response:
        return web.Response(text="x", headers={"ETag": '"\u00e9"', "Last-Modified": "x" * 600})

    runner = web.ServerRunner(web.Server(page))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    context = visit_to()
    await context.get("http://127.0.0.1:{1}/".format(*runner.addresses[0]), conditional=True)
    await runner.cleanup()
    assert (context.etag, context.last_modified) == (None, None)


async def test_robots_txt_that_says_429_is_a_throttle(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.games.robots(status=429)
    with pytest.raises(Throttled, match=r"robots\.txt"):
        await visit_to(obey_robots=True).get(sites.games.url + PATH)


async def test_robots_txt_names_us_by_our_product_only(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.games.robots("User-agent: tests\nDisallow: /\n\nUser-agent: *\nAllow: /\n")
    assert (await visit_to(obey_robots=True).get(sites.games.url + PATH)).status == 200
    sites.games.robots("User-agent: trackers\nDisallow: /\n")


async def test_a_body_seen_before_is_unchanged(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.games.configure(mode="frozen")
    first = visit_to()
    await first.get(sites.games.url + PATH, conditional=True)
    again = visit_to(a_target(content_hash=first.content_hash))
    with pytest.raises(Unchanged):
        await again.get(sites.games.url + PATH, conditional=True)


async def test_validators_are_sent_and_a_304_is_unchanged(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.games.configure(mode="frozen", etags=True)
    first = visit_to()
    await first.get(sites.games.url + PATH, conditional=True)
    assert first.etag
    again = visit_to(a_target(etag=first.etag, content_hash=first.content_hash))
    with pytest.raises(Unchanged):
        await again.get(sites.games.url + PATH, conditional=True)
    assert again.http_status == 304
    assert (again.etag, again.content_hash) == (first.etag, first.content_hash)


async def test_a_parser_that_reads_more_reads_old_bodies_again(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.games.configure(mode="frozen", etags=True)
    first = visit_to()
    await first.get(sites.games.url + PATH, conditional=True)
    older = visit_to(a_target(etag=first.etag, content_hash=first.content_hash, parser_version=0))
    assert (await older.get(sites.games.url + PATH, conditional=True)).status == 200


@pytest.mark.parametrize(
    ("kind", "how", "failure", "words"),
    [
        ("throttled", {"retry_after": 30}, Throttled, "too many requests"),
        ("unavailable", {}, HostUnavailable, "answered 503"),
        ("hang", {}, HostUnavailable, "no answer within 0.3 s"),
        ("truncated", {}, HostUnavailable, "cut off"),
        ("reset", {}, HostUnavailable, "closed the connection"),
        ("bad_status_line", {}, HostUnavailable, "not HTTP"),
        ("huge", {"size": 50_000_000}, HostUnavailable, "larger than the limit"),
        ("gzip_bomb", {}, HostUnavailable, "larger than the limit"),
        ("redirect", {"to": "http://other.example/"}, RefusedRedirect, "another host"),
        ("redirect_private", {}, RefusedRedirect, "another host"),
        ("redirect_loop", {}, HostUnavailable, "redirects"),
    ],
)
async def test_what_the_host_does_wrong_is_told_apart(
    visit_to: ContextMaker,
    sites: SimulatedSites,
    kind: str,
    how: dict[str, Any],
    failure: type[Exception],
    words: str,
) -> None:
    sites.fault("*/profile/*", kind, **how)
    with pytest.raises(failure, match=words):
        await visit_to(timeout=0.3 if kind == "hang" else 5.0, body_limit=1_000_000).get(sites.games.url + PATH)


async def test_retry_after_is_read_from_the_answer(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.fault("*/profile/*", "throttled", retry_after=77)
    with pytest.raises(Throttled) as caught:
        await visit_to().get(sites.games.url + PATH)
    assert caught.value.retry_after == 77


async def test_nobody_there_is_unavailable(visit_to: ContextMaker) -> None:
    with pytest.raises(HostUnavailable, match="refused the connection"):
        await visit_to().get("http://127.0.0.1:9/")


async def test_a_name_that_does_not_exist_is_unavailable(visit_to: ContextMaker) -> None:
    with pytest.raises(HostUnavailable, match="cannot be resolved"):
        await visit_to().get("http://nowhere.invalid/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])
async def test_private_addresses_are_refused_unless_the_operator_named_them(visit_to: ContextMaker, host: str) -> None:
    with pytest.raises(HostUnavailable, match="refused by us"):
        await visit_to(operator_configured=False).get(f"http://{host}:9/")


async def test_robots_txt_is_asked_once_and_obeyed(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.games.robots("User-agent: *\nDisallow: /api/v2/rocket-league/standard/profile/steam/\n")
    for name in ("one", "two"):
        await visit_to(obey_robots=True).get(f"{sites.games.url}{PATH}{name}")
    with pytest.raises(RobotsDisallow):
        await visit_to(obey_robots=True).get(sites.games.url + PATH.replace("epic", "steam"))
    assert len(sites.games.requests("/robots.txt")) == 1
    assert len(sites.games.requests("/api/")) == 2


async def test_no_robots_txt_allows_everything(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.games.robots(status=404)
    assert (await visit_to(obey_robots=True).get(sites.games.url + PATH)).status == 200


async def test_a_robots_txt_that_fails_keeps_us_away(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    sites.games.robots(status=503)
    with pytest.raises(HostUnavailable, match=r"robots\.txt"):
        await visit_to(obey_robots=True).get(sites.games.url + PATH)
    assert sites.games.requests("/api/") == []


async def test_a_block_page_closes_the_host_for_all(visit_to: ContextMaker, sites: SimulatedSites) -> None:
    context = visit_to()
    await context.get(sites.games.url + PATH)
    assert await context.report(Blocked("Access denied")) == pytest.approx(30)


async def test_requests_that_are_under_way_together_keep_their_answers_apart(
    visit_to: ContextMaker, sites: SimulatedSites
) -> None:
    sites.contracts.configure(sizes={"10000002": 8_000}, page_size=1_000)  # bodies that come in many pieces
    context = visit_to(timeout=20.0)
    url = f"{sites.contracts.url}/contracts/public/10000002?page="
    together = await asyncio.gather(*(context.get(f"{url}{number}") for number in range(1, 9)))
    for number, answer in enumerate(together, start=1):
        alone = await visit_to(timeout=20.0).get(f"{url}{number}")
        assert (answer.body, answer.headers["etag"]) == (alone.body, alone.headers["etag"])
