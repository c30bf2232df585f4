"""Accounts for admins."""

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
    """Everybody's accounts."""

    path = "/users"
    tags = ("users",)

    @get("/", operation_id="list_accounts")
    async def list_accounts(
        self,
        account_queries: Queries,
        page: PageNumber = 1,
        per_page: PerPage = 50,
        role: Annotated[Role | None, QueryParameter(description="Only these.")] = None,
        active: Annotated[bool | None, QueryParameter(description="Only active ones, or only deactivated.")] = None,
        search: Annotated[
            str | None, QueryParameter(max_length=100, description="In names and addresses, or a whole outside id.")
        ] = None,
    ) -> AccountPage:
        """Accounts, the newest first."""
        return await account_queries.accounts(page=page, per_page=per_page, role=role, active=active, search=search)

    @get("/{user_id:uuid}", operation_id="get_account")
    async def get_account(self, user_id: FromPath[UUID], account_queries: Queries) -> Account:
        """One account."""
        return await account_queries.account(user_id)

    @patch("/{user_id:uuid}", operation_id="change_account", audited=("role", "active"))
    async def change_account(
        self, request: Asking, user_id: FromPath[UUID], data: JSONBody[ChangeAccount], account_service: Accounts
    ) -> Account:
        """Make somebody an admin or not; deactivate an account, which ends its sessions, or activate it again.

        409 `last_admin`.
        """
        return await account_service.change_account(request.auth, user_id, data)

    @delete("/{user_id:uuid}", operation_id="erase_account")
    async def erase_account(self, request: Asking, user_id: FromPath[UUID], personal_data: Records) -> None:
        """Delete a person and everything that is kept about them, for good. 409 `last_admin`."""
        await personal_data.erase(user_id, asker=request.auth)
