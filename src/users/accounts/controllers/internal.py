"""Accounts for bots."""

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
    """The people that a bot speaks for, by their Discord ids."""

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
        """A code for the person who asked for it: show it to nobody else. Whoever types it in becomes that person here.

        It works once, for a quarter of an hour, and replaces the one given before.
        """
        return await claim_service.issue(request.auth, data)

    @get("/{user_id:str}", operation_id="internal_get_user", opt={"scope": "users:read"})
    async def get_user(
        self,
        request: Asking,
        user_id: Annotated[str, PathParameter(pattern=SNOWFLAKE, description="The person's Discord id (a snowflake).")],
        account_queries: Queries,
    ) -> KnownPerson:
        """Whether a person is known, has a login, and in which zone and language they live. 404 for who is not."""
        return await account_queries.known_person(request.auth, user_id)
