"""Registration, login, sessions, and changes of your own account."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_204_NO_CONTENT

from shared.web.guards import OPEN
from shared.web.identity import PersonIdentity
from shared.web.proxies import address_of
from users.accounts.schemas import Account, ChangeProfile, EraseAccount, Register
from users.auth.controllers.forms import LoginOperation, read_login
from users.auth.own_account import OwnAccountService
from users.auth.registration import RegistrationService
from users.auth.schemas import ChangePassword, Client, EndedSessions, Refresh, SessionList, Tokens, WhoIAm
from users.auth.service import AuthService

Auth = NamedDependency[SkipValidation[AuthService]]
OwnAccount = NamedDependency[SkipValidation[OwnAccountService]]
Registering = NamedDependency[SkipValidation[RegistrationService]]
Asking = Request[Any, PersonIdentity, Any]


class AuthController(Controller):
    """Login and sessions. Access tokens are valid for 15 minutes; a refresh token gives the next pair, once."""

    path = "/auth"
    tags = ("auth",)

    @post("/register", operation_id="register", status_code=HTTP_201_CREATED, opt=OPEN)
    async def register(
        self, request: Request[Any, Any, Any], data: JSONBody[Register], registration_service: Registering
    ) -> Tokens:
        """Register an account and log in.

        With a `claim_code` from the bot, the login belongs to the account that the bot already knows. An `email`
        belongs to the account once you use the link that is mailed there; the answer does not show whether another
        account has the address. 403 `registration_closed`, 409 `username_taken` or `claim_refused`, 422
        `bad_claim_code`, or `email_not_set_up` for an address without a mail server, 429 `too_many_attempts` or
        `too_many_messages`.
        """
        return await registration_service.register(data, client_of(request))

    @post(
        "/login",
        operation_id="login",
        status_code=HTTP_200_OK,
        opt=OPEN,
        operation_class=LoginOperation,
    )
    async def login(self, request: Request[Any, Any, Any], auth_service: Auth) -> Response[Tokens]:
        """Log in with an e-mail address or username.

        Send `login` and `password` as JSON, or the password form of OAuth 2. 401 `login_failed`, 403
        `account_deactivated`, 429 `too_many_attempts`.
        """
        tokens, headers = await auth_service.login(await read_login(request), client_of(request))
        return Response(tokens, headers={"Cache-Control": "no-store", **headers})

    @post("/refresh", operation_id="refresh_tokens", status_code=HTTP_200_OK, opt=OPEN)
    async def refresh(self, data: JSONBody[Refresh], auth_service: Auth) -> Tokens:
        """Get the next access and refresh token.

        A refresh token works once: using it again ends the session (401 `refresh_refused`).
        """
        return await auth_service.refresh(data.refresh_token)

    @post("/logout", operation_id="logout", status_code=HTTP_204_NO_CONTENT)
    async def logout(self, request: Asking, auth_service: Auth) -> None:
        """Log out of this session.

        Its refresh token stops working at once, its access tokens everywhere within two seconds.
        """
        await auth_service.logout(request.auth)

    @post("/logout-all", operation_id="logout_all", status_code=HTTP_200_OK)
    async def logout_all(self, request: Asking, auth_service: Auth) -> EndedSessions:
        """Log out of all your sessions."""
        return EndedSessions(ended=await auth_service.logout_all(request.auth))

    @get("/me", operation_id="who_am_i", sync_to_thread=False)
    def me(self, request: Asking) -> WhoIAm:
        """Get the account, session and expiry of your access token."""
        who = request.auth
        return WhoIAm(user_id=who.user_id, role=who.role, session_id=who.session_id, expires_at=who.expires_at)

    @get("/sessions", operation_id="list_sessions")
    async def list_sessions(self, request: Asking, auth_service: Auth) -> SessionList:
        """List your sessions, last used first."""
        return await auth_service.sessions(request.auth)

    @delete("/sessions/{session_id:uuid}", operation_id="end_session")
    async def end_session(self, request: Asking, session_id: FromPath[UUID], auth_service: Auth) -> None:
        """End one of your sessions. 404 `session_not_found`."""
        await auth_service.end_session(request.auth, session_id)

    @post("/change-password", operation_id="change_password", status_code=HTTP_200_OK)
    async def change_password(
        self, request: Asking, data: JSONBody[ChangePassword], auth_service: Auth
    ) -> EndedSessions:
        """Change your password.

        This ends all your other sessions. 401 `login_failed` if `current_password` is wrong, 429 `too_many_attempts`.
        """
        ended = await auth_service.change_password(request.auth, data)
        return EndedSessions(ended=ended)


class OwnAccountController(Controller):
    """Changes of your own account."""

    path = "/users/me"
    tags = ("users",)

    @patch("/", operation_id="change_my_account")
    async def change_me(
        self, request: Asking, data: JSONBody[ChangeProfile], own_account_service: OwnAccount
    ) -> Account:
        """Change your account.

        Omitted fields stay as they are; null clears a field. `email` and `username` need `current_password`. A new
        `email` stays in `unconfirmed_email` until you use the link that is mailed there; the previous address gets a
        notice. The answer does not show whether another account has the address. 401 `login_failed`, 409
        `username_taken`, 422 `password_needed`, `email_not_set_up`, or `invalid` for an invalid address, time zone or
        language, 429 `too_many_attempts` or `too_many_messages`.
        """
        return await own_account_service.change(request.auth, data, client_of(request))

    @delete("/", operation_id="erase_me")
    async def erase(self, request: Asking, data: JSONBody[EraseAccount], own_account_service: OwnAccount) -> None:
        """Erase your account and everything that is stored about you.

        Needs `current_password`. 401 `login_failed`, 409 `last_admin` for the only admin, 429 `too_many_attempts`.
        """
        await own_account_service.erase(request.auth, data)


def client_of(request: Request[Any, Any, Any]) -> Client:
    """Return the address and the user agent of a request, as far as the server knows them."""
    agent = request.headers.get("user-agent")
    return Client(address=address_of(request), user_agent=agent[:300] if agent else None)
