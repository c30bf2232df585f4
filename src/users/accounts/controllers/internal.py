"""Accounts, for bots."""

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, SkipValidation
from litestar.status_codes import HTTP_201_CREATED

from shared.web.identity import BotIdentity
from users.accounts.claims import ClaimService
from users.accounts.queries import AccountQueries
from users.accounts.schemas import SNOWFLAKE, AskForClaimCode, ClaimCodeMade, KnownPerson

Claims = NamedDependency[SkipValidation[ClaimService]]
Queries = NamedDependency[SkipValidation[AccountQueries]]
Asking = Request[Any, BotIdentity, Any]


class InternalUserController(Controller):
    """People that a bot may act for, by their Discord ids."""

    path = "/users"
    tags = ("users",)

    @post(
        "/claim-codes",
        operation_id="internal_issue_claim_code",
        audited=("user_id",),
        status_code=HTTP_201_CREATED,
        opt={"scope": "users:write", "secret_answer": True},
    )
    async def issue_claim_code(
        self, request: Asking, data: JSONBody[AskForClaimCode], claim_service: Claims
    ) -> ClaimCodeMade:
        """Issue a claim code for a person who asked for it.

        With the code, the person links their Discord user to a login, which gets everything that you followed for them.
        Show it only to this person: it works for everybody who enters it. The code works once, within 15 minutes, and
        replaces the previous code. 403 `account_deactivated` if the person's account is deactivated, 403 `forbidden` if
        your key may not act for the person.
        """
        return await claim_service.issue(request.auth, data)

    @get("/{user_id:str}", operation_id="internal_get_user", opt={"scope": "users:read"})
    async def get_user(
        self,
        request: Asking,
        user_id: Annotated[str, PathParameter(pattern=SNOWFLAKE, description="The person's Discord id (a snowflake).")],
        account_queries: Queries,
    ) -> KnownPerson:
        """Get a person by Discord id.

        The response has the time zone and the language, and shows whether the person has a login. 404
        `account_not_found` if the Discord id is unknown or your key may not act for the person.
        """
        return await account_queries.known_person(request.auth, user_id)
