"""Errors that callers see: each class has an HTTP status and a stable code; the message says what to do next.

Problem
├── BadRequest          400  a rule of the domain forbids it
├── Unauthenticated     401  no valid credentials
├── Forbidden           403  the caller is known, and not allowed to do this
├── NotFound            404  it does not exist, or the caller may not see it
├── Conflict            409  it exists already, or was changed in the meantime
├── UnsupportedMedia    415  the body has a type that the endpoint does not read
├── Invalid             422  the input is not valid
├── TooManyRequests     429  a limit is reached; `retry_after` is the wait in seconds
└── Unavailable         503  a part of the app that the request needs is unavailable
    └── StorageFull          a part of the app has no room left to write
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class Problem(Exception):  # noqa: N818 -- named after the problem details of RFC 9457
    """An error for the caller; rendered as problem+json (RFC 9457)."""

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
        """Seconds until another try makes sense; becomes the Retry-After header."""
        self.headers = dict(headers or {})
        """Additional headers of the response."""


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
            "Try again when the operator has made room.",
            retry_after=60,
        )
