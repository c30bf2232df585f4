"""What is going to go says so: on every answer, in the schema, and the client hears it."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

import httpx
import pytest
from litestar import Litestar, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.params import FromQuery, QueryParameter

from shared.web.deprecation import deprecated
from shared.web.manners import Manners
from shared.web.openapi import describe
from shared.web.settings import WebSettings
from trackers_client import Deprecated, MemberClient

SINCE, SUNSET = date(2026, 1, 1), date(2026, 9, 1)
OLD = deprecated(since=SINCE, sunset=SUNSET, link="https://example.org/changes#old")
TOLD = {
    "deprecation": "@1767225600",
    "sunset": "Tue, 01 Sep 2026 00:00:00 GMT",
    "link": '<https://example.org/changes#old>; rel="deprecation"',
}


@get("/trackers/old", operation_id="old", opt=OLD, sync_to_thread=False)
def old() -> dict[str, bool]:
    return {"ok": True}


@get("/trackers/refused", operation_id="refused", opt=OLD, sync_to_thread=False)
def refused() -> None:
    raise NotFoundException


@get(
    "/trackers/list",
    operation_id="listed",
    opt=deprecated(since=SINCE, sunset=SUNSET, parameters=("includeAll",)),
    sync_to_thread=False,
)
def listed(
    include_all: Annotated[bool | None, QueryParameter(name="includeAll")] = None, page: FromQuery[int] = 1
) -> dict[str, Any]:
    return {"include_all": include_all, "page": page}


@get("/trackers/new", operation_id="new", sync_to_thread=False)
def new() -> dict[str, bool]:
    return {"ok": True}


@pytest.fixture
def app() -> Litestar:
    made = Litestar(
        [Router("/api", route_handlers=[old, refused, listed, new])],
        openapi_config=OpenAPIConfig(title="old and new", version="1"),
    )
    describe(made)
    return made


@pytest.fixture
def transport(app: Litestar) -> httpx.ASGITransport:
    manners: Any = Manners(app, WebSettings())
    return httpx.ASGITransport(manners)


async def told(transport: httpx.ASGITransport, path: str) -> Mapping[str, str]:
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        headers = (await http.get(path)).headers
    return {name: headers[name] for name in TOLD if name in headers}


async def test_every_answer_of_a_deprecated_endpoint_says_so_errors_too(transport: httpx.ASGITransport) -> None:
    assert await told(transport, "/api/trackers/old") == TOLD
    assert await told(transport, "/api/trackers/refused") == TOLD
    assert await told(transport, "/api/trackers/new") == {}
    assert await told(transport, "/api/nowhere") == {}


async def test_a_deprecated_parameter_is_told_to_who_sends_it(transport: httpx.ASGITransport) -> None:
    assert (await told(transport, "/api/trackers/list?page=2&includeAll=true"))["deprecation"] == "@1767225600"
    assert (await told(transport, "/api/trackers/list?includeAll="))["link"] == '</schema>; rel="deprecation"'
    assert await told(transport, "/api/trackers/list?page=2") == {}


def test_the_schema_says_so_too(app: Litestar) -> None:
    paths = app.openapi_schema.to_schema()["paths"]
    assert paths["/api/trackers/old"]["get"]["deprecated"] is True
    assert not paths["/api/trackers/new"]["get"].get("deprecated")
    assert not paths["/api/trackers/list"]["get"].get("deprecated")
    shown = {one["name"]: one["deprecated"] for one in paths["/api/trackers/list"]["get"]["parameters"]}
    assert shown == {"includeAll": True, "page": False}


def test_a_parameter_that_is_not_there_cannot_be_deprecated() -> None:
    @get("/", operation_id="wrong", opt=deprecated(since=SINCE, sunset=SUNSET, parameters=("pages",)))
    async def wrong(page: FromQuery[int] = 1) -> int:
        return page

    made = Litestar([wrong], openapi_config=OpenAPIConfig(title="wrong", version="1"))
    describe(made)
    with pytest.raises(ValueError, match="pages"):
        made.openapi_schema.to_schema()


def test_what_is_deprecated_stays_for_half_a_year() -> None:
    with pytest.raises(ValueError, match="180 days"):
        deprecated(since=SINCE, sunset=date(2026, 6, 1))


async def test_the_client_tells_its_user_once_of_each(transport: httpx.ASGITransport) -> None:
    heard: list[Deprecated] = []
    async with MemberClient("http://localhost", transport=transport, on_deprecated=heard.append) as client:
        for path in ("/api/trackers/old", "/api/trackers/old", "/api/trackers/new", "/api/trackers/list"):
            await client.transport.send("GET", path, query={"includeAll": True})
    assert [one.path for one in heard] == ["/api/trackers/old", "/api/trackers/list"]
    assert heard[0].since == datetime(2026, 1, 1, tzinfo=UTC)
    assert heard[0].sunset == datetime(2026, 9, 1, tzinfo=UTC)
    assert heard[0].link == "https://example.org/changes#old"


async def test_without_anything_else_it_is_logged(
    transport: httpx.ASGITransport, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "trackers_client"):
        async with MemberClient("http://localhost", transport=transport) as client:
            await client.transport.send("GET", "/api/trackers/old")
    assert "GET /api/trackers/old is deprecated (until 2026-09-01)" in caplog.text
