"""Your own account."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK

from shared.web.identity import PersonIdentity
from shared.web.proxies import address_of
from users.accounts.claims import ClaimService
from users.accounts.personal import PersonalDataService
from users.accounts.queries import AccountQueries
from users.accounts.schemas import Account, ClaimIdentity, Export
from users.accounts.service import AccountService

Accounts = NamedDependency[SkipValidation[AccountService]]
Queries = NamedDependency[SkipValidation[AccountQueries]]
Claims = NamedDependency[SkipValidation[ClaimService]]
Records = NamedDependency[SkipValidation[PersonalDataService]]
Asking = Request[Any, PersonIdentity, Any]


class MeController(Controller):
    """Your data, to read and export. Changes that need your password are in `users.auth`."""

    path = "/users/me"
    tags = ("users",)

    @get("/", operation_id="get_my_account")
    async def get_me(self, request: Asking, account_queries: Queries) -> Account:
        """Get your account with its linked identities."""
        return await account_queries.account(request.auth.user_id)

    @get("/export", operation_id="export_my_data")
    async def export(self, request: Asking, personal_data: Records) -> Export:
        """Export everything that is stored about you.

        The export has a part for each module.
        """
        return await personal_data.export(request.auth.user_id)

    @post("/claim", operation_id="claim_identity", status_code=HTTP_200_OK)
    async def claim(self, request: Asking, data: JSONBody[ClaimIdentity], claim_service: Claims) -> Account:
        """Link a Discord user to your account with the code from the bot.

        Everything that the bot followed for this Discord user moves to your account. 422 `bad_claim_code` if the code
        is wrong, was already used, or has expired. 409 `claim_refused` if the Discord user already belongs to an
        account that has a login or is deactivated. 429 `too_many_attempts` after too many attempts.
        """
        return await claim_service.claim(request.auth, data.code, address=address_of(request))

    @delete("/identities/{provider:str}/{external_id:str}", operation_id="unlink_identity")
    async def unlink(
        self,
        request: Asking,
        provider: Annotated[str, PathParameter(max_length=50)],
        external_id: Annotated[str, PathParameter(max_length=100)],
        account_service: Accounts,
    ) -> None:
        """Unlink an identity, such as a Discord user, from your account.

        You keep everything that you follow. The bot then treats the Discord user as a new person. 404
        `identity_not_found` if your account has no such identity.
        """
        await account_service.unlink(request.auth, provider, external_id)
