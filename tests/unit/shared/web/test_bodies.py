from typing import Any

import httpx
import pytest
from litestar import Litestar, post
from litestar.params import JSONBody
from msgspec import Struct

from shared.moments import Moment, is_moment, read_moment
from shared.web.bodies import StrictRequest
from shared.web.problems import EXCEPTION_HANDLERS

JSON = {"Content-Type": "application/json"}


class Inner(Struct, forbid_unknown_fields=True):
    on: bool = False


class Given(Struct, forbid_unknown_fields=True):
    seconds: int = 0
    share: float = 0.0
    inners: list[Inner] = []
    at: Moment | None = None


@post("/things", status_code=200)
async def make(data: JSONBody[Given]) -> Given:
    return data


@pytest.fixture(scope="module")
async def http() -> Any:
    app = Litestar(
        [make],
        request_class=StrictRequest,
        exception_handlers=EXCEPTION_HANDLERS,
        type_decoders=[(is_moment, read_moment)],
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:  # type: ignore[arg-type]  # the same protocol, typed by two libraries
        yield client


async def test_what_the_schema_allows_is_taken(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things", json={"seconds": 900, "share": 1, "inners": [{"on": True}]})
    assert (answer.status_code, answer.json()["inners"]) == (200, [{"on": True}])


async def test_an_integer_may_be_written_with_a_point(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things", content=b'{"seconds": 900.0, "share": 1.0}', headers=JSON)
    assert (answer.status_code, answer.json()["seconds"]) == (200, 900)
    assert (await http.post("/things", content=b'{"seconds": 900.5}', headers=JSON)).status_code == 422
    body = b'{"seconds": 900.0, "inners": [{"on": 0.0}]}'
    assert (await http.post("/things", content=body, headers=JSON)).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"seconds": "900"}, "body.seconds"),
        ({"seconds": "900", "at": "2026-01-31T18:00:00Z"}, "body.seconds"),
        ({"share": "0.5"}, "body.share"),
        ({"inners": [{"on": True}, {"on": 0}]}, "body.inners.1.on"),
        ({"inners": [{"on": "true"}]}, "body.inners.0.on"),
    ],
)
async def test_what_only_looks_like_it_is_refused_with_its_place(
    http: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await http.post("/things", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["message"].startswith("Expected `")) == (field, True)


async def test_other_mistakes_are_told_one_by_one(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things", json={"seconds": "many", "surprise": 1})
    assert (answer.status_code, len(answer.json()["errors"]) >= 1) == (422, True)
    assert (await http.post("/things", content=b"{", headers=JSON)).status_code == 400
    assert (await http.post("/things")).status_code == 422


async def test_a_time_in_a_body_is_held_within_bounds(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things", json={"seconds": 900.0, "at": "9999-12-31T23:59:59-14:00"})
    assert (answer.status_code, answer.json()["at"]) == (200, "2200-01-01T00:00:00+00:00")


@pytest.mark.parametrize("value", [5, "2026-01-31T18:00:00", "2026-02-30T18:00:00Z", "0.5"])
async def test_what_is_no_time_is_refused(http: httpx.AsyncClient, value: Any) -> None:
    answer = await http.post("/things", json={"at": value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["body.at"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/merge-patch+json", 200),
        ("text/plain", 415),
        ("text/json", 415),
        ("application/jsonp", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain; application/json", 415),
        ("", 415),
        (None, 415),
    ],
)
async def test_json_is_what_says_so(http: httpx.AsyncClient, content_type: str | None, status: int) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await http.post("/things", content=b'{"seconds": 900}', headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["code"] == "unsupported_media_type"
        assert "application/json" in answer.json()["detail"]


async def test_no_body_needs_no_media_type(http: httpx.AsyncClient) -> None:
    assert (await http.post("/things", headers={"Content-Type": "text/plain"})).status_code == 422
