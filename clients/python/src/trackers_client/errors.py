"""What can go wrong.

TrackersError
├── Unreachable           no answer, however often it was tried
├── UnreadableAnswer      an answer that is not the service's: a page of a proxy, a body that is damaged
├── InvalidPathValue      a value that cannot stand in a path; nothing was sent
├── TaskNotDone           a task took longer than it was waited for
├── InvalidWebhook        a message that does not come from the channel it says
└── ApiError              an answer that is a problem (RFC 9457)
    ├── Unauthenticated   401: the key or the login opens nothing (any more)
    ├── Forbidden         403
    ├── NotFound          404
    ├── Conflict          409: `idempotency_unknown` among others
    ├── Invalid           400, 413, 415, 422: `errors` names the fields
    ├── TooManyRequests   429: `retry_after` says when
    └── ServerError       5xx
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import httpx
import msgspec

T = TypeVar("T")


class TrackersError(Exception):
    """Whatever this client raises."""


class Unreachable(TrackersError):
    """No answer came; whether the request was carried out is not known unless it was a GET."""


class UnreadableAnswer(TrackersError):
    """Something answered, and not as the service would; whether the request was carried out is not known."""


class InvalidPathValue(TrackersError, ValueError):
    """A value with which the path would be another endpoint's: empty, dots alone, or with a slash in it."""


class TaskNotDone(TrackersError):
    """A task is still pending or in progress; it goes on without us."""


class InvalidWebhook(TrackersError):
    """A webhook's signature, or its time, is not right: answer 400 and do nothing."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an error, as far as it is known."""

    title: str = ""
    detail: str = ""
    code: str = ""
    request_id: str | None = None
    errors: list[dict[str, Any]] = []


class ApiError(TrackersError):
    """`code` is stable and for programs; the text is for people. `request_id` finds it in the service's log."""

    def __init__(self, answer: httpx.Response) -> None:
        problem = _problem_of(answer)
        self.status: int = answer.status_code
        self.code: str = problem.code or f"http_{answer.status_code}"
        self.title: str = problem.title or answer.reason_phrase
        self.detail: str = problem.detail
        self.request_id: str | None = problem.request_id or answer.headers.get("x-request-id")
        self.errors: Sequence[dict[str, Any]] = problem.errors
        self.retry_after: float | None = retry_after_of(answer)
        super().__init__(f"{self.status} {self.code}: {self.detail or self.title} (request {self.request_id})")


class Unauthenticated(ApiError):
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    pass


class Conflict(ApiError):
    pass


class Invalid(ApiError):
    pass


class TooManyRequests(ApiError):
    pass


class ServerError(ApiError):
    pass


BY_STATUS: Final[dict[int, type[ApiError]]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: TooManyRequests,
}
FIRST_SERVER_ERROR: Final = 500


def error_of(answer: httpx.Response) -> ApiError:
    """What to raise for an answer that is no success; one that a proxy gave has a code like `http_502`."""
    kind = ServerError if answer.status_code >= FIRST_SERVER_ERROR else BY_STATUS.get(answer.status_code, ApiError)
    return kind(answer)


def retry_after_of(answer: httpx.Response) -> float | None:
    """Seconds that the service asks to wait for, where it says so in seconds, as it does."""
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() else None


def read(content: bytes, into: type[T]) -> T:
    """JSON as what it should be. Raises UnreadableAnswer."""
    try:
        return msgspec.json.decode(content, type=into)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableAnswer(f"The answer is not what it should be: {error}") from error


def _problem_of(answer: httpx.Response) -> Problem:
    try:
        return read(answer.content, Problem)
    except UnreadableAnswer:
        return Problem()
