"""Every error as problem+json (RFC 9457), with a stable `code` and the id of the request, never with a traceback."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap, Scope

from shared.database import connection_was_lost, is_passing, sqlstate_of
from shared.errors import Invalid, Problem, StorageFull, Unavailable
from shared.storage import full_storage

PROBLEM_JSON: Final = "application/problem+json"
UNPROCESSABLE: Final = 422
SERVER_ERROR: Final = 500
OUTCOME_UNKNOWN: Final = "outcome_unknown"
"""Key in a request's state: the database connection was lost, perhaps during the commit."""
NOT_TEXT: Final = "22021"
"""SQLSTATE character_not_in_repertoire: a NUL, which JSON can hold and PostgreSQL's text cannot."""
CODES: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
AnyRequest = Request[Any, Any, Any]


def problem_body(
    scope: Scope,
    *,
    status: int,
    detail: str,
    code: str | None = None,
    title: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """The JSON body of a problem."""
    return msgspec.json.encode(
        {
            "type": "about:blank",
            "title": title or HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "code": code or CODES.get(status, "error"),
            "request_id": scope.get("state", {}).get("request_id"),
            **(extra or {}),
        }
    )


def problem_response(
    request: AnyRequest,
    *,
    status: int,
    detail: str,
    code: str | None = None,
    title: str | None = None,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """The response for a problem."""
    return Response(
        content=problem_body(request.scope, status=status, detail=detail, code=code, title=title, extra=extra),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=dict(headers or {}),
    )


def _on_problem(request: AnyRequest, problem: Problem) -> Response[bytes]:
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(problem.retry_after)))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return problem_response(
        request,
        status=problem.status,
        detail=problem.detail,
        code=problem.code,
        title=problem.title,
        extra=problem.extra,
        headers=headers,
    )


def _on_validation(request: AnyRequest, error: ValidationException) -> Response[bytes]:
    """Answer 422 for input that does not fit its schema, with an error for each field."""
    errors = [
        {"field": ".".join(part for part in (item.get("source"), item.get("key")) if part), "message": item["message"]}
        for item in error.extra or []
        if isinstance(item, dict) and "message" in item
    ]
    if [item["message"] for item in errors] == ["'data'"]:  # Litestar's error for a missing body
        errors = [{"field": "body", "message": "a JSON body is required"}]
    detail = "; ".join(f"{item['field'] or 'body'}: {item['message']}" for item in errors) or error.detail
    return problem_response(request, status=UNPROCESSABLE, detail=detail, extra={"errors": errors})


def _on_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """Answer errors of Litestar: unknown paths, methods and media types, and bodies that are not JSON."""
    status = error.status_code
    if status >= SERVER_ERROR:
        return _on_bug(request, error)
    detail = {
        404: f"There is nothing at {request.url.path}; /schema lists all endpoints.",
        405: f"{request.method} is not allowed here; see the Allow header.",
    }.get(status, error.detail)
    return problem_response(request, status=status, detail=detail, headers=error.headers)


def _on_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Answer 500 for an unexpected error and log it with its traceback; a full or unreachable database gets 503."""
    if (wrong := _what_is_wrong_with_the_input(error)) is not None:
        return _on_problem(request, Invalid(wrong))
    if (full := full_storage(error)) is not None:
        structlog.get_logger(__name__).error("storage_full", path=request.url.path, what=full, error=str(error)[:200])
        return _on_problem(request, StorageFull())
    if connection_was_lost(error):
        if getattr(error, "statement", None) is None:  # not in a statement, so perhaps in the commit
            request.scope.setdefault("state", {})[OUTCOME_UNKNOWN] = True
        structlog.get_logger(__name__).warning("database_away", path=request.url.path, error=str(error)[:200])
        return _on_problem(request, Unavailable("The database is unavailable; try again shortly.", retry_after=2))
    if is_passing(error):
        structlog.get_logger(__name__).warning("database_busy", path=request.url.path, exc_info=error)
        return _on_problem(
            request, Unavailable("The database is busy with another change to the same data; try again.", retry_after=1)
        )
    structlog.get_logger(__name__).error("request_failed", path=request.url.path, exc_info=error)
    detail = "Something went wrong on our side. The operator can find it in the log by the request id."
    return problem_response(request, status=SERVER_ERROR, detail=detail)


def _what_is_wrong_with_the_input(error: Exception) -> str | None:
    """Message for input that the decoder or the database cannot handle; None if the input is not the cause."""
    if isinstance(error, RecursionError):  # from deeply nested JSON
        return "The input is nested too deeply."
    if isinstance(error, UnicodeDecodeError):  # from bytes that are not text
        return "The input is not UTF-8."
    if sqlstate_of(error) == NOT_TEXT:
        return "The input contains a NUL character, which is not allowed in text; remove it."
    return None


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    Problem: _on_problem,
    ValidationException: _on_validation,
    HTTPException: _on_http,
    Exception: _on_bug,
}
