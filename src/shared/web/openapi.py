"""What the schema says of every operation: the problem that each can answer with, and what asks for no token."""

from dataclasses import dataclass
from typing import Final

from litestar import Litestar
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType

from shared.web.csv import TEXT_CSV
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
