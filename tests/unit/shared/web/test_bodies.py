from typing import Any

import httpx
import pytest
from litestar import Litestar, post
from litestar.params import JSONBody
from msgspec import Struct

from shared.web.bodies import StrictRequest
from shared.web.problems import EXCEPTION_HANDLERS


class Inner(Struct, forbid_unknown_fields=True):
    on: bool = False


class Given(Struct, forbid_unknown_fields=True):
    seconds: int = 0
    share: float = 0.0
    inners: list[Inner] = []


@post("/things", status_code=200)
async def make(data: JSONBody[Given]) -> Given:
    return data


@pytest.fixture(scope="module")
async def http() -> Any:
    app = Litestar([make], request_class=StrictRequest, exception_handlers=EXCEPTION_HANDLERS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:  # type: ignore[arg-type]  # the same protocol, typed by two libraries
        yield client


async def test_what_the_schema_allows_is_taken(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things", json={"seconds": 900, "share": 1, "inners": [{"on": True}]})
    assert (answer.status_code, answer.json()["inners"]) == (200, [{"on": True}])


async def test_an_integer_may_be_written_with_a_point(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things", content=b'{"seconds": 900.0, "share": 1.0}')
    assert (answer.status_code, answer.json()["seconds"]) == (200, 900)
    assert (await http.post("/things", content=b'{"seconds": 900.5}')).status_code == 422
    assert (await http.post("/things", content=b'{"seconds": 900.0, "inners": [{"on": 0.0}]}')).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"seconds": "900"}, "body.seconds"),
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
    assert (await http.post("/things", content=b"{")).status_code == 400
    assert (await http.post("/things")).status_code == 422
