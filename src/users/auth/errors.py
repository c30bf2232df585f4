"""What can be wrong with who somebody says they are.

TokenExpired 401, LoginFailed 401, RefreshRefused 401, RegistrationClosed 403, SessionNotFound 404,
TooManyAttempts 429.
"""

from collections.abc import Mapping

from shared.errors import Forbidden, NotFound, TooManyRequests, Unauthenticated


class TokenExpired(Unauthenticated):
    code = "token_expired"


class LoginFailed(Unauthenticated):
    """One answer for unknown names and wrong passwords, so that it tells nobody who has an account."""

    code = "login_failed"
    title = "Login failed"

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("This login and password do not belong together.", headers=headers)


class RefreshRefused(Unauthenticated):
    """The refresh token was used before, has expired, or its session has ended."""

    code = "refresh_refused"
    title = "Session over"


class RegistrationClosed(Forbidden):
    code = "registration_closed"


class SessionNotFound(NotFound):
    code = "session_not_found"


class TooManyAttempts(TooManyRequests):
    code = "too_many_attempts"
    title = "Too many attempts"
