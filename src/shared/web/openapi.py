"""OpenAPI details of every operation: the problem response, open endpoints, optional bodies, CSV."""

from dataclasses import dataclass
from typing import ClassVar, Final

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType
from litestar.routes import HTTPRoute

from shared.web.constraints import constrain_parameter
from shared.web.csv import TEXT_CSV
from shared.web.problems import PROBLEM_JSON

FORMAT: Final = "format"
"""The query parameter that selects CSV for a list."""
PROBLEM: Final = OpenAPIResponse(
    description="The problem and what to do about it (RFC 9457). `code` is stable; `detail` is text for people.",
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
class AppOperation(Operation):
    """An operation of the app: every error is a problem response, instead of Litestar's own 400."""

    handler: ClassVar[HTTPRouteHandler]

    def __post_init__(self) -> None:
        self.summary = summary(self.description or "") or self.summary
        self.responses = {status: answer for status, answer in (self.responses or {}).items() if status != "400"}
        self.responses["default"] = Reference(ref="#/components/responses/Problem")
        for parameter in self.parameters or ():
            if isinstance(parameter, Parameter):
                constrain_parameter(parameter, self.handler)
        if any(getattr(parameter, "name", None) == FORMAT for parameter in self.parameters or ()):
            self.responses["200"].content[TEXT_CSV] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))  # type: ignore[index, union-attr]  # the response of a list is no reference and has content
        body = self.handler.parsed_data_field
        if isinstance(self.request_body, RequestBody) and body is not None and body.has_default:
            self.request_body.required = False


@dataclass
class OpenOperation(AppOperation):
    """An operation that needs no token."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.security = []


def summary(description: str) -> str:
    """Return the first sentence of a description, without its period: "Register trackers"."""
    first, _, _ = description.partition("\n")
    return first.split(". ")[0].removesuffix(".").strip()


def describe(app: Litestar) -> None:
    """Prepare every handler of the app for the OpenAPI schema, and make OPTIONS answer for all methods of a path."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            kind = handler.operation_class
            if kind is Operation:
                kind = OpenOperation if handler.opt.get("open") else AppOperation
            handler.operation_class = type(kind.__name__, (kind,), {"handler": handler})
            if handler.http_methods == {"OPTIONS"}:
                # Litestar made it with the first handler of the path only, so that it lacks the methods of the others.
                handler._fn = route.create_options_handler(route.path).fn  # noqa: SLF001 -- there is no public way to set it
