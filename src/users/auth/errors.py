"""Errors of authentication.

TokenExpired 401, LoginFailed 401, RefreshRefused 401, RegistrationClosed 403, SessionNotFound 404,
TooManyAttempts 429.
"""

from collections.abc import Mapping

from shared.errors import Forbidden, NotFound, TooManyRequests, Unauthenticated


class TokenExpired(Unauthenticated):
    code = "token_expired"


class LoginFailed(Unauthenticated):
    """Same answer for unknown names and wrong passwords, so that it does not reveal who has an account."""

    code = "login_failed"
    title = "Login failed"

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("The login or the password is wrong.", headers=headers)


class RefreshRefused(Unauthenticated):
    """The refresh token was used before, has expired, or its session has ended."""

    code = "refresh_refused"
    title = "Session ended"


class RegistrationClosed(Forbidden):
    code = "registration_closed"


class SessionNotFound(NotFound):
    code = "session_not_found"


class TooManyAttempts(TooManyRequests):
    code = "too_many_attempts"
    title = "Too many attempts"
