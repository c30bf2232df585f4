"""The client is what the service's own schema tells: no call, parameter or field more, less or otherwise."""

import asyncio
import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import pytest
from clients.python import generate

from app.schema import openapi_schema
from trackers_client import BotClient, Login, MemberClient
from trackers_client.events import STREAM


class Operation(NamedTuple):
    path: str
    method: str
    told: dict[str, Any]


SCHEMA: Final[dict[str, Any]] = msgspec.json.decode(openapi_schema())
SAMPLES: Final[dict[str, Any]] = {
    "uuid": "0190d1a5-7c1b-7a51-9d3c-5d9f6a1b2c3d",
    "date": "2026-03-01",
    "date-time": "2026-03-01T12:00:00Z",
    "string": "some text",
    "integer": 7,
    "number": 1.5,
    "boolean": True,
    "": {"anything": "at all"},
}
"""By a schema's format, or else its type."""
OPERATIONS: Final = [
    Operation(path, method, told)
    for path, methods in SCHEMA["paths"].items()
    for method, told in methods.items()
    if path != STREAM
]


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Makes values that fit a schema."""

    everything: bool = True
    """Every property, or only those that must be there."""
    last: bool = False
    """Of several schemas, or values, the last instead of the first."""

    def of(self, told: Mapping[str, Any]) -> Any:
        if ref := told.get("$ref"):
            return self.of(SCHEMA["components"]["schemas"][ref.rpartition("/")[2]])
        if several := told.get("allOf") or told.get("oneOf"):
            return self.of([one for one in several if one.get("type") != "null"][-1 if self.last else 0])
        if values := told.get("enum", [told["const"]] if "const" in told else []):
            return values[-1 if self.last else 0]
        if told.get("type") == "array":
            return [self.of(told["items"])]
        if told.get("type") == "object":
            return self._object(told)
        return SAMPLES[told.get("format") or told.get("type", "")]

    def _object(self, told: Mapping[str, Any]) -> dict[str, Any]:
        properties = told.get("properties", {})
        made = {
            name: self.of(properties[name])
            for name in properties
            if self.everything or name in told.get("required", ())
        }
        return {**made, "any": self.of(other)} if (other := told.get("additionalProperties")) else made


def call_of(path: str, told: Mapping[str, Any], transport: httpx.AsyncBaseTransport) -> Any:
    """The client's method for an operation."""
    bot = BotClient("http://localhost", "trk_test", transport=transport)
    member = MemberClient("http://localhost", transport=transport)
    (tag,) = told["tags"]
    name = re.sub("^(internal|admin|health)_", "", told["operationId"])
    if path.startswith("/health/"):
        return getattr(bot.health, name)
    client: Any = bot if path.startswith("/internal/") else member
    if path.startswith("/api/admin/"):
        client = member.admin
    return getattr(getattr(client, tag), name)


def answer_of(told: Mapping[str, Any]) -> tuple[int, str, Any]:
    """Status, media type and schema of what is answered where all is well."""
    ((status, answer),) = ((status, answer) for status, answer in told["responses"].items() if status.startswith("2"))
    content = answer.get("content") or {"": {"schema": None}}
    kind = "application/json" if "application/json" in content else next(iter(content))
    return int(status), kind, content[kind]["schema"]


def python_name(name: str) -> str:
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def assert_no_difference(
    check: Callable[[Operation], Awaitable[None]], operations: Iterable[Operation] = OPERATIONS
) -> None:
    """Fails with a line for each operation in which the check finds a difference."""

    async def differences() -> list[str]:
        found = []
        for operation in operations:
            try:
                await check(operation)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the client differs
                found.append(f"{operation.told['operationId']}: {error!r}")
        return found

    found = asyncio.run(differences())
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("everything", "last"), [(True, False), (True, True), (False, False)])
def test_a_call_sends_and_reads_what_the_schema_tells(*, everything: bool, last: bool) -> None:
    assert_no_difference(partial(sends_and_reads, everything=everything, last=last))


async def sends_and_reads(operation: Operation, *, everything: bool, last: bool) -> None:
    path, method, told = operation
    status, kind, answered = answer_of(told)
    sampler = Sampler(everything=everything, last=last)
    given = sampler.of(answered) if answered else None
    asked: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        content = msgspec.json.encode(given) if kind == "application/json" else str(given or "").encode()
        return httpx.Response(status, content=content, headers={"content-type": kind} if kind else {})

    call = call_of(path, told, httpx.MockTransport(service))
    parameters = [one for one in told.get("parameters", ()) if one["name"] != "format"]
    wanted = [one for one in parameters if everything or one["required"]]
    values = {one["name"]: sampler.of(one["schema"]) for one in wanted}
    arguments = {python_name(name): value for name, value in values.items()}
    body = None
    if "requestBody" in told and (everything or told["requestBody"].get("required", False)):
        body = sampler.of(told["requestBody"]["content"]["application/json"]["schema"])
        arguments["body"] = msgspec.convert(body, typing.get_type_hints(call)["body"])
    result = await call(**arguments)

    (request,) = asked
    assert request.method == method.upper()
    in_path = {one["name"]: values[one["name"]] for one in wanted if one["in"] == "path"}
    assert request.url.path == path.format(**in_path)
    assert sorted(request.url.params) == sorted(one["name"] for one in wanted if one["in"] == "query")
    assert (msgspec.json.decode(request.content) if request.content else None) == body
    assert (request.headers.get("idempotency-key") is not None) == (path.startswith("/internal/") and method == "post")
    if kind != "application/json":
        assert result == (given if kind else None)
    elif everything:
        assert msgspec.to_builtins(result) == given


def test_what_a_call_takes_and_must_have_is_what_the_schema_tells() -> None:
    assert_no_difference(takes_and_must_have)


async def takes_and_must_have(operation: Operation) -> None:
    path, method, told = operation
    taken = inspect.signature(call_of(path, told, httpx.MockTransport(lambda _: httpx.Response(500)))).parameters
    told_parameters = {python_name(one["name"]): one["required"] for one in told.get("parameters", ())}
    told_parameters.pop("format", None)  # a table is another call
    ours = {name: one.default is inspect.Parameter.empty for name, one in taken.items()}
    if path.startswith("/internal/") and method == "post":
        assert ours.pop("idempotency_key") is False
    if "requestBody" in told:
        assert ours.pop("body") is told["requestBody"].get("required", False)
    assert ours == told_parameters


def test_a_list_that_comes_as_a_table_too_has_a_call_for_that() -> None:
    tables = [operation for operation in OPERATIONS if "text/csv" in str(operation.told)]
    assert tables
    assert_no_difference(comes_as_a_table, tables)


async def comes_as_a_table(operation: Operation) -> None:
    path, _, told = operation
    asked: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, text="a,b\r\n", headers={"content-type": "text/csv"})

    call = call_of(path, {**told, "operationId": f"{told['operationId']}_as_csv"}, httpx.MockTransport(service))
    required = [one for one in told["parameters"] if one["required"]]
    text = await call(**{python_name(one["name"]): Sampler().of(one["schema"]) for one in required})
    assert text == "a,b\r\n"
    assert asked[0].url.params["format"] == "csv"


def test_there_is_no_call_that_the_service_does_not_know() -> None:
    bot = BotClient("http://localhost", "trk_test")
    member = MemberClient("http://localhost", Login("ada", "a password"))
    groups = [group for owner in (bot, member, member.admin) for group in vars(owner).values()]
    calls = {
        function
        for group in groups
        if hasattr(group, "_ask")
        for name, function in inspect.getmembers(type(group), inspect.iscoroutinefunction)
        if not name.startswith("_") and not name.endswith("_as_csv")
    }
    assert len(calls) == len(OPERATIONS)


def test_the_stream_is_asked_for_as_the_schema_tells() -> None:
    told = SCHEMA["paths"][STREAM]["get"]
    assert {one["name"] for one in told["parameters"]} == {"event", "after", "Last-Event-ID"}
    assert list(told["responses"]["200"]["content"]) == ["text/event-stream"]


def test_the_generated_files_are_those_that_the_schema_gives(tmp_path: Path) -> None:
    """Where they are not: `make client`."""
    generate.write(SCHEMA, tmp_path)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py")}
    kept = {path.relative_to(generate.TARGET): path.read_text() for path in generate.TARGET.rglob("*.py")}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []
