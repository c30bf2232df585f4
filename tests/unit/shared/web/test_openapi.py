"""The schema says what the decoders ask for, no less: nobody should learn it from a refusal."""

from typing import Annotated, Any

import msgspec
import pytest
from litestar import Controller, Litestar, Router, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.testing import TestClient
from msgspec import Meta, Struct

from app.schema import openapi_schema
from shared.moments import is_moment, read_moment
from shared.web.constraints import ConstrainedStructs
from shared.web.openapi import describe
from shared.web.times import Since

LARGEST = 2**63 - 1


class Taken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ids: Annotated[list[Annotated[str, Meta(pattern="^[0-9]{3}$")]], Meta(max_length=5)]
    share: Annotated[float, Meta(ge=0, le=1)] | None = None
    either: list[Annotated[str, Meta(max_length=4)]] | Annotated[str, Meta(max_length=9)] = ""
    by_name: dict[Annotated[str, Meta(max_length=4)], Annotated[int, Meta(ge=0)]] = {}


class Given(Struct, frozen=True, kw_only=True):
    ids: list[str]


def narrowed(regions: Annotated[list[Annotated[int, Meta(ge=1)]] | None, QueryParameter(max_items=3)] = None) -> int:
    return len(regions or ())


class Things(Controller):
    path = "/things"

    @get("/{number:int}", dependencies={"narrowed": Provide(narrowed, sync_to_thread=False)})
    async def one(
        self,
        number: Annotated[int, PathParameter(ge=1, le=LARGEST)],
        narrowed: NamedDependency[int],
        since: Since = None,
        least: Annotated[float | None, QueryParameter(ge=0)] = None,
    ) -> Given:
        return Given(ids=[str(since), str(narrowed), str(number), str(least)])

    @delete("/{number:int}")
    async def gone(self, number: Annotated[int, PathParameter(ge=1)]) -> None:
        """Nothing is kept."""


class Making(Controller):
    path = "/things"

    @post()
    async def made(self, data: JSONBody[Taken]) -> Given:
        return Given(ids=data.ids)

    @patch("/{number:int}")
    async def changed(self, number: Annotated[int, PathParameter(ge=1)]) -> None:
        """Nothing is kept."""


@pytest.fixture(scope="module")
def app() -> Litestar:
    made = Litestar(
        [Router("/", route_handlers=[Things, Making])],
        plugins=[ConstrainedStructs()],
        type_decoders=[(is_moment, read_moment)],
        logging_config=None,
    )
    describe(made)
    return made


@pytest.fixture(scope="module")
def schema(app: Litestar) -> dict[str, Any]:
    return app.openapi_schema.to_schema()


def parameter(schema: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in schema["paths"]["/things/{number}"]["get"]["parameters"] if one["name"] == name]
    told: dict[str, Any] = found["schema"]
    return told


def component(schema: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for key, one in schema["components"]["schemas"].items() if key.endswith(name)]
    told: dict[str, Any] = found
    return told


def test_what_stands_within_a_list_is_constrained(schema: dict[str, Any]) -> None:
    ids = component(schema, "Taken")["properties"]["ids"]
    assert (ids["maxItems"], ids["items"]["pattern"]) == (5, "^[0-9]{3}$")
    regions = parameter(schema, "regions")
    assert (regions["maxItems"], regions["oneOf"][0]["items"]["minimum"]) == (3, 1)


def test_each_of_several_types_is_constrained(schema: dict[str, Any]) -> None:
    either = component(schema, "Taken")["properties"]["either"]["oneOf"]
    assert {one["type"]: one.get("maxLength") or one["items"]["maxLength"] for one in either} == {
        "array": 4,
        "string": 9,
    }


def test_zero_is_a_limit(schema: dict[str, Any]) -> None:
    assert component(schema, "Taken")["properties"]["share"]["oneOf"][0] == {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
    }
    assert parameter(schema, "least")["minimum"] == 0


def test_large_limits_are_exact(schema: dict[str, Any]) -> None:
    assert msgspec.json.encode(parameter(schema, "number")["maximum"]) == str(LARGEST).encode()


def test_the_names_and_values_of_a_mapping_are_constrained(schema: dict[str, Any]) -> None:
    by_name = component(schema, "Taken")["properties"]["by_name"]
    assert by_name["propertyNames"] == {"maxLength": 4}
    assert by_name["additionalProperties"]["minimum"] == 0


def test_unknown_fields_are_told_to_be_refused_where_they_are(schema: dict[str, Any]) -> None:
    assert component(schema, "Taken")["additionalProperties"] is False
    assert "additionalProperties" not in component(schema, "Given")


def test_a_time_is_rfc_3339_and_no_number(app: Litestar, schema: dict[str, Any]) -> None:
    assert {"type": "string", "format": "date-time"} in parameter(schema, "since")["oneOf"]
    with TestClient(app) as client:
        taken = client.get("/things/1", params={"since": "2026-01-31T18:00:00+01:00"})
        assert taken.json()["ids"][0] == "2026-01-31 18:00:00+01:00"
        for wrong in ("0.5", "1700000000", "2026-01-31", "2026-01-31T18:00:00", "2026-13-31T18:00:00Z"):
            assert client.get("/things/1", params={"since": wrong}).status_code == 400, wrong


def test_options_names_the_methods_of_every_controller_of_a_path(app: Litestar) -> None:
    with TestClient(app) as client:
        assert client.options("/things/1").headers["allow"] == "DELETE, GET, OPTIONS, PATCH"


def test_the_login_says_what_it_asks_of_both_media_types() -> None:
    content = msgspec.json.decode(openapi_schema())["paths"]["/api/auth/login"]["post"]["requestBody"]["content"]
    json, form = (content[name]["schema"] for name in ("application/json", "application/x-www-form-urlencoded"))
    assert json["additionalProperties"] is False
    for login in (json["properties"]["login"], form["properties"]["username"]):
        assert (login["minLength"], login["maxLength"]) == (1, 320)
