"""Every value that somebody may send has a bound in the schema: numbers, texts, lists, in bodies and parameters."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import pytest

from app.schema import openapi_schema

SCHEMA: Final[Mapping[str, Any]] = msgspec.json.decode(openapi_schema())
BOUNDED_FORMATS: Final = frozenset({"uuid", "date", "date-time", "time"})
"""Their texts have a length; moments are clamped (`shared/web/times.py`)."""
EXCEPTIONS: Final[Mapping[str, str]] = {
    "internal_schedule_processing.metadata{}": "anything; 4,096 bytes of JSON, counted when they are decoded",
    "login": "forms may hold more fields (RFC 6749); they are not read, and a body has a limit",
    "validate_rating_formula.formula{}": "anything; what is wrong with it is the answer",
}
_ENDLESS: Final = re.compile(r"(?<!\\)[*+]|\{\d+,\}")
_INHERITED: Final = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("maxLength", "pattern", "maxItems", "maxProperties"),
)


def inputs() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every parameter and every body, with its name."""
    for methods in SCHEMA["paths"].values():
        for operation in methods.values():
            name = operation["operationId"]
            for parameter in operation.get("parameters", ()):
                yield f"{name}?{parameter['name']}", parameter["schema"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield name, content["schema"]


def unbounded(schema: Mapping[str, Any], name: str, outer: Mapping[str, Any]) -> Iterator[str]:
    """Names of values without a bound; what stands beside `oneOf` holds for each of its branches."""
    if "$ref" in schema:
        schema = SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema or "const" in schema:
        return
    said = {**outer, **{key: schema[key] for key in _INHERITED if key in schema}}
    branches = [branch for kind in ("oneOf", "anyOf", "allOf") for branch in schema.get(kind, ())]
    for branch in branches:
        yield from unbounded(branch, name, said)
    if not branches and not _is_bounded(schema, said):
        yield name
    if schema.get("type") == "array":
        yield from unbounded(schema.get("items", {}), f"{name}[]", {})
    for field, inner in schema.get("properties", {}).items():
        yield from unbounded(inner, f"{name}.{field}", {})
    if isinstance(more := schema.get("additionalProperties"), Mapping):
        yield from unbounded(more, f"{name}{{}}", {})


def _is_bounded(schema: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Whether a value itself has a bound; what stands within it is asked on its own."""
    match schema.get("type"):
        case "integer" | "number":
            least, most = said.keys() & {"minimum", "exclusiveMinimum"}, said.keys() & {"maximum", "exclusiveMaximum"}
            return bool(least and most)
        case "string":
            return schema.get("format") in BOUNDED_FORMATS or _has_a_length(said)
        case "array":
            return "maxItems" in said
        case "object":
            closed = schema.get("additionalProperties") is False or "enum" in schema.get("propertyNames", {})
            return closed or "maxProperties" in said
        case kind:
            return kind in {"boolean", "null"}


def _has_a_length(said: Mapping[str, Any]) -> bool:
    pattern = said.get("pattern", "")
    anchored = pattern.startswith("^") and pattern.replace(r"(?!\n)", "").endswith("$")
    return "maxLength" in said or (anchored and not _ENDLESS.search(pattern))


FOUND: Final = sorted({name for where, schema in inputs() for name in unbounded(schema, where, {})})


def test_every_input_has_a_bound_in_the_schema() -> None:
    assert sorted(EXCEPTIONS) == FOUND


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 0},
        {"type": "number", "maximum": 1},
        {"type": "string"},
        {"type": "string", "pattern": "^a+$"},
        {"type": "string", "pattern": "[0-9]{3}"},
        {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 1}},
        {"type": "array", "maxItems": 2, "items": {"type": "string"}},
        {"oneOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
        {"type": "object", "additionalProperties": {"type": "boolean"}},
        {"type": "object"},
        {},
    ],
)
def test_a_value_without_a_bound_is_found(schema: Mapping[str, Any]) -> None:
    assert list(unbounded(schema, "field", {}))


def test_what_has_a_bound_is_not_found() -> None:
    bounded = {"oneOf": [{"type": "string"}, {"type": "integer"}], "maxLength": 3, "minimum": 0, "maximum": 9}
    assert not list(unbounded(bounded, "field", {}))
    assert not list(unbounded({"type": "string", "pattern": r"^[0-9]{3}$(?!\n)"}, "field", {}))
