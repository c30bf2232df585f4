"""Accounts, for admins."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from shared.web.identity import PersonIdentity, Role
from shared.web.paging import PageNumber, PerPage
from users.accounts.personal import PersonalDataService
from users.accounts.queries import AccountQueries
from users.accounts.schemas import Account, AccountPage, ChangeAccount
from users.accounts.service import AccountService

Accounts = NamedDependency[SkipValidation[AccountService]]
Queries = NamedDependency[SkipValidation[AccountQueries]]
Records = NamedDependency[SkipValidation[PersonalDataService]]
Asking = Request[Any, PersonIdentity, Any]


class AccountController(Controller):
    """Accounts of all people."""

    path = "/users"
    tags = ("users",)

    @get("/", operation_id="list_accounts")
    async def list_accounts(
        self,
        account_queries: Queries,
        page: PageNumber = 1,
        per_page: PerPage = 50,
        role: Annotated[Role | None, QueryParameter(description="Only accounts with this role.")] = None,
        active: Annotated[
            bool | None, QueryParameter(description="true: only active accounts; false: only deactivated ones.")
        ] = None,
        search: Annotated[
            str | None,
            QueryParameter(
                max_length=100,
                description="Part of a name or e-mail address, in any case, or the whole id of a linked identity.",
            ),
        ] = None,
    ) -> AccountPage:
        """List accounts, newest first."""
        return await account_queries.accounts(page=page, per_page=per_page, role=role, active=active, search=search)

    @get("/{user_id:uuid}", operation_id="get_account")
    async def get_account(self, user_id: FromPath[UUID], account_queries: Queries) -> Account:
        """Get an account.

        404 `account_not_found` if there is no account with this id.
        """
        return await account_queries.account(user_id)

    @patch("/{user_id:uuid}", operation_id="change_account", audited=("role", "active"))
    async def change_account(
        self, request: Asking, user_id: FromPath[UUID], data: JSONBody[ChangeAccount], account_service: Accounts
    ) -> Account:
        """Change a person's role, or deactivate or activate an account.

        Deactivating an account ends its sessions. Fields that you omit do not change. 404 `account_not_found` if there
        is no account with this id, 409 `last_admin` if no active admin would remain.
        """
        return await account_service.change_account(request.auth, user_id, data)

    @delete("/{user_id:uuid}", operation_id="erase_account")
    async def erase_account(self, request: Asking, user_id: FromPath[UUID], personal_data: Records) -> None:
        """Erase a person and everything that is stored about them.

        You cannot undo this. 404 `account_not_found` if there is no account with this id, 409 `last_admin` if the
        person is the only admin.
        """
        await personal_data.erase(user_id, asker=request.auth)
