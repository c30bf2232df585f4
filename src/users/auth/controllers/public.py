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

        With a `claim_code` from a bot, your login is added to the account that the bot already created for you. If you
        send an `email`, you get a mail with a link or a code; the account has the address when you have confirmed it.
        The response does not show whether another account has the address.

        403 `registration_closed` if the operator does not allow registrations, or only those with a `claim_code`. 403
        `account_deactivated` if the bot's account for you is deactivated. 409 `username_taken` if another account has
        the username. 409 `claim_refused` if the bot's account for you already has a login. 422 `bad_claim_code` if the
        code is wrong, was already used, or has expired. 422 `email_not_set_up` if you send an `email` but this service
        has no mail server. 422 `invalid` for an invalid address, time zone or language. 429 `too_many_attempts` or
        `too_many_messages` if there were too many registrations or mails.
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

        Send `login` and `password` as JSON, or as the form-encoded OAuth 2 password grant. 401 `login_failed` if the
        login or the password is wrong, 403 `account_deactivated` if an admin has deactivated your account, 429
        `too_many_attempts` after too many attempts.
        """
        tokens, headers = await auth_service.login(await read_login(request), client_of(request))
        return Response(tokens, headers={"Cache-Control": "no-store", **headers})

    @post("/refresh", operation_id="refresh_tokens", status_code=HTTP_200_OK, opt=OPEN)
    async def refresh(self, data: JSONBody[Refresh], auth_service: Auth) -> Tokens:
        """Get a new access token and refresh token.

        Each refresh token works once. If you use it again, the session ends (401 `refresh_refused`).
        """
        return await auth_service.refresh(data.refresh_token)

    @post("/logout", operation_id="logout", status_code=HTTP_204_NO_CONTENT)
    async def logout(self, request: Asking, auth_service: Auth) -> None:
        """Log out of this session.

        Its refresh token stops working at once; its access tokens stop working on all servers within two seconds.
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
        """End one of your sessions.

        404 `session_not_found` if you have no such session, or it has already ended.
        """
        await auth_service.end_session(request.auth, session_id)

    @post("/change-password", operation_id="change_password", status_code=HTTP_200_OK)
    async def change_password(
        self, request: Asking, data: JSONBody[ChangePassword], auth_service: Auth
    ) -> EndedSessions:
        """Change your password.

        This ends all your other sessions. 401 `login_failed` if `current_password` is wrong, 429 `too_many_attempts`
        after too many attempts.
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

        Fields that you omit do not change; null clears a field. To change `email` or `username`, also send
        `current_password`. A new `email` stays in `unconfirmed_email` until you open the link sent to the new address
        and confirm there; the previous address gets a notice. The response does not show whether another account has
        the address.

        401 `login_failed` if `current_password` is wrong, 422 `password_needed` if it is missing. 409 `username_taken`
        if another account has the username. 422 `email_not_set_up` if you send an `email` but this service has no mail
        server. 422 `invalid` for an invalid address, time zone or language. 429 `too_many_attempts` or
        `too_many_messages` if there were too many attempts or mails.
        """
        return await own_account_service.change(request.auth, data, client_of(request))

    @delete("/", operation_id="erase_me")
    async def erase(self, request: Asking, data: JSONBody[EraseAccount], own_account_service: OwnAccount) -> None:
        """Erase your account and everything that is stored about you.

        You must send `current_password`. You cannot undo this. 401 `login_failed` if the password is wrong, 409
        `last_admin` if you are the only admin, 429 `too_many_attempts` after too many attempts.
        """
        await own_account_service.erase(request.auth, data)


def client_of(request: Request[Any, Any, Any]) -> Client:
    """Return the address and the user agent of a request, as far as the server knows them."""
    agent = request.headers.get("user-agent")
    return Client(address=address_of(request), user_agent=agent[:300] if agent else None)
