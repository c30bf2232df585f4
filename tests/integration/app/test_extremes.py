"""Values at the ends of their types, in every parameter and every field of a body: refused in words, never a 500."""

import copy
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Final
from urllib.parse import quote

import msgspec
import pytest
from tests.integration.app.test_access import (
    ENDPOINTS,
    QUERIES,
    Endpoint,
    World,
    database_url,
    environ,
    first_world,
    world,
)

from app.schema import openapi_schema

pytestmark = pytest.mark.slow
__all__ = ["database_url", "environ", "first_world", "world"]

NUMBERS: Final = (-(2**63) - 1, -(2**63), -(2**31) - 1, -1, 0, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 10**30, 1e308)
MOMENTS: Final = (
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "1500-06-15T12:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59.999999999Z",
    "2026-02-30T00:00:00Z",
)
DAYS: Final = ("0001-01-01", "1500-06-15", "9999-12-31")
TEXTS: Final = (
    "00034", "2147483648", "-1", "99999999999999999999999", "1e999", "nan", "\u0661\u0662", "\x00", "\U0001f680" * 300,
    "%", "'", "a" * 5_000, "P9999999999D", "9999999999d", "1d" * 500,
)  # fmt: skip
EXTREMES: Final[tuple[Any, ...]] = (*NUMBERS, *MOMENTS, *DAYS, *TEXTS)
SCHEMA: Final[dict[str, Any]] = msgspec.json.decode(openapi_schema())


def operations() -> Mapping[str, Any]:
    return {
        operation["operationId"]: operation
        for methods in SCHEMA["paths"].values()
        for operation in methods.values()
        if "operationId" in operation
    }


OPERATIONS: Final = operations()


def resolved(schema: Any) -> Any:
    while "$ref" in schema:
        schema = SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def fields(schema: Any, path: tuple[Any, ...] = (), depth: int = 0) -> Iterator[tuple[Any, ...]]:
    """Paths of everything in a body that is no object, three levels deep."""
    schema = resolved(schema)
    if depth > 3:
        return
    for branch in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from fields(branch, path, depth)
    for name, part in schema.get("properties", {}).items():
        yield from fields(part, (*path, name), depth + 1)
    if "items" in schema:
        yield from fields(schema["items"], (*path, 0), depth + 1)
    if path and not schema.get("properties"):
        yield path


def with_value(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The body with another value at a place, which is made where it is missing."""
    changed = copy.deepcopy(body)
    if changed is None:
        changed = [] if isinstance(path[0], int) else {}
    here = changed
    for step, following in zip(path, (*path[1:], None), strict=True):
        if isinstance(here, list) and not here:
            here.append(None)
        if not isinstance(here, dict | list):
            return None
        if following is None:
            here[step] = value
            break
        inner = here[step] if isinstance(here, list) else here.get(step)
        here[step] = inner if isinstance(inner, dict | list) else [] if isinstance(following, int) else {}
        here = here[step]
    return changed


async def ask(world: World, endpoint: Endpoint, *, params: Any = None, body: Any = None, names: Any = None) -> Any:
    """As somebody who may: a bot with every scope, an admin, or the owner."""
    path = endpoint.path
    known = dict(world.names)
    if "{guild_id}" in path:
        known["channel_id"] = known["guild_channel_id"]
    if "/clubs/" in path:
        known["tracked_id"] = known["tracked_club_id"]
    if "/contracts/" in path:
        known["watch_id"] = known["contract_watch_id"]
    for name, value in {**known, **(names or {})}.items():
        path = path.replace(f"{{{name}}}", value)
    credentials = {"/internal/": world.keys["everything"], "/api/admin/": world.tokens["admin"], "/": ""}
    return await world.http.request(
        endpoint.method,
        path,
        params={**(QUERIES.get(endpoint.operation) or {}), **(params or {})},
        json=body,
        headers={"Authorization": f"Bearer {credentials.get(endpoint.audience, world.tokens['owner'])}"},
    )


def variations(world: World, endpoint: Endpoint) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """What is varied, the value, and how it is asked for."""
    operation, body = OPERATIONS[endpoint.operation], world.bodies.get(endpoint.operation)
    parameters = operation.get("parameters", ())
    for parameter, value in product((one for one in parameters if one["in"] == "query"), EXTREMES):
        yield parameter["name"], value, {"params": {parameter["name"]: value}, "body": body}
    for parameter, value in product((one for one in parameters if one["in"] == "path"), EXTREMES):
        yield parameter["name"], value, {"names": {parameter["name"]: quote(str(value), safe="")}, "body": body}
    contents = [*operation.get("requestBody", {}).get("content", {}).values()][:1]
    places = dict.fromkeys(place for content in contents for place in fields(content["schema"]))
    for place, value in product(places, EXTREMES):
        if (changed := with_value(body, place, value)) is not None:
            yield ".".join(map(str, place)), value, {"body": changed}


LEFT_OUT: Final = frozenset({"internal_stream_events", "logout_all", "erase_me", "erase_account"})
"""It never ends, or ends what the others ask with."""
ERASURES: Final = frozenset({"erase_me", "erase_account"})
"""They erase nobody while a password or an id is at the end of its type."""


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_parameters_and_fields_at_the_ends_of_their_types(world: World, method: str) -> None:
    broken: set[str] = set()
    asked_for = 0
    for endpoint in ENDPOINTS:
        if endpoint.method != method or endpoint.operation in (LEFT_OUT - ERASURES):
            continue
        asked_for += 1
        for where, value, asked in variations(world, endpoint):
            answer = await ask(world, endpoint, **asked)
            if answer.status_code >= 500:
                broken.add(f"{endpoint.operation} {where}={str(value)[:40]!r}: {answer.status_code}")
    assert not broken, "\n".join(sorted(broken))
    assert asked_for >= 10


HEADERS: Final = (
    *("Accept", "Accept-Language", "Authorization", "Content-Type", "Idempotency-Key", "If-Modified-Since"),
    *("If-None-Match", "Origin", "Range", "User-Agent", "X-API-Key", "X-Forwarded-For", "X-Request-ID", "traceparent"),
)


@pytest.mark.parametrize("operation", ["get_my_account", "internal_register_trackers", "login"])
async def test_headers_at_the_ends_of_their_types(world: World, operation: str) -> None:
    (endpoint,) = [one for one in ENDPOINTS if one.operation == operation]
    credential = {"/internal/": world.keys["everything"]}.get(endpoint.audience, world.tokens["owner"])
    broken: set[str] = set()
    for name, value in product(HEADERS, EXTREMES):
        sent = {"Authorization": f"Bearer {credential}".encode(), name: str(value).encode()}
        answer = await world.http.request(
            endpoint.method,
            endpoint.path,
            json=world.bodies.get(operation),
            headers={key.encode(): held for key, held in sent.items()},
        )
        if answer.status_code >= 500:
            broken.add(f"{name}={str(value)[:40]!r}: {answer.status_code}")
    assert not broken, "\n".join(sorted(broken))
