"""What the schema says of every operation: the problem that each can answer with, what needs no token, what will go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from litestar import Litestar
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType

from shared.web.csv import TEXT_CSV
from shared.web.deprecation import DEPRECATED, Deprecation
from shared.web.problems import PROBLEM_JSON

FORMAT: Final = "format"
"""The parameter by which a list is asked for as a table."""
PROBLEM: Final = OpenAPIResponse(
    description="What is wrong and what to do about it (RFC 9457). `code` is stable; `detail` is for people.",
    content={
        PROBLEM_JSON: OpenAPIMediaType(
            schema=Schema(
                type=OpenAPIType.OBJECT,
                required=["type", "title", "status", "detail", "code"],
                properties={
                    **{name: Schema(type=OpenAPIType.STRING) for name in ("type", "title", "detail", "code")},
                    "status": Schema(type=OpenAPIType.INTEGER),
                    "request_id": Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL]),
                },
            )
        )
    },
)


@dataclass
class HouseOperation(Operation):
    """An operation of ours: whatever is wrong becomes a problem, not the framework's own 400."""

    def __post_init__(self) -> None:
        self.responses = {status: answer for status, answer in (self.responses or {}).items() if status != "400"}
        self.responses["default"] = Reference(ref="#/components/responses/Problem")
        if any(getattr(parameter, "name", None) == FORMAT for parameter in self.parameters or ()):
            self.responses["200"].content[TEXT_CSV] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))  # type: ignore[index, union-attr]  # what lists answer is no reference and has content


@dataclass
class OpenOperation(HouseOperation):
    """One that asks for no token."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.security = []


def describe(app: Litestar) -> None:
    """Have the schema, whenever it is asked for, tell of every handler in the house's way."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if getattr(handler, "operation_class", None) is Operation:
                handler.operation_class = OpenOperation if handler.opt.get("open") else HouseOperation
            mark: Deprecation | None = handler.opt.get(DEPRECATED) if hasattr(handler, "operation_class") else None
            if mark is not None and mark.parameters:
                handler.operation_class = _with_deprecated_parameters(handler.operation_class, mark.parameters)
            elif mark is not None:
                handler.deprecated = True


def _with_deprecated_parameters(made: Callable[..., Operation], names: frozenset[str]) -> Callable[..., Operation]:
    def operation(**told: Any) -> Operation:
        described = made(**told)
        marked = [one for one in described.parameters or () if getattr(one, "name", None) in names]
        if len(marked) != len(names):
            raise ValueError(f"{described.operation_id} has not every parameter of {sorted(names)} to deprecate.")
        for one in marked:
            one.deprecated = True  # type: ignore[union-attr]  # a reference has no name
        return described

    return operation
