"""Errors that people see: each class carries its HTTP status and a stable code; a message says what to do next.

Problem
├── BadRequest          400  a rule of the trade forbids it
├── Unauthenticated     401  nobody proved who asks
├── Forbidden           403  known, and not allowed
├── NotFound            404  no such thing (or none that the reader may know of)
├── Conflict            409  it is there already, or changed meanwhile
├── UnsupportedMedia    415  the body is of another type than the endpoint reads
├── Invalid             422  the input does not mean anything
├── TooManyRequests     429  later; `retry_after` says when
└── Unavailable         503  a part of ours that it needs is away
    └── StorageFull          a part of ours has no room left to write
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class Problem(Exception):  # noqa: N818 -- RFC 9457 calls it a problem, and so does the body that it becomes
    """Something to tell the person who asked; rendered as problem+json (RFC 9457)."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        extra: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = dict(extra or {})
        self.retry_after = retry_after
        """Seconds until it is worth asking again; becomes the Retry-After header."""
        self.headers = dict(headers or {})
        """Of the answer, besides those that every problem has."""


class BadRequest(Problem):
    status = 400
    code = "bad_request"
    title = "Not possible"


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"
    title = "Not authenticated"


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(Problem):
    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = "Conflict"


class UnsupportedMedia(Problem):
    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


class Invalid(Problem):
    status = 422
    code = "invalid"
    title = "Invalid input"


class TooManyRequests(Problem):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"


class StorageFull(Unavailable):
    code = "storage_full"
    title = "No room left"

    def __init__(self) -> None:
        super().__init__(
            "There is no room left to store anything, so nothing was changed. "
            "Try again once the operator has made room.",
            retry_after=60,
        )
