"""Confirmation of an e-mail address with its mailed link: a page with a button, and an endpoint for programs."""

from functools import cache
from typing import Annotated, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar import Controller, MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from shared.web.guards import OPEN
from users.accounts.addresses import AddressService
from users.accounts.schemas import ConfirmEmail

Addresses = NamedDependency[SkipValidation[AddressService]]
Token = Annotated[str, QueryParameter(max_length=100, description="The token in the mailed link.")]


class ConfirmEmailController(Controller):
    """Confirmation by a program."""

    path = "/users/confirm-email"
    tags = ("users",)

    @post("/", operation_id="confirm_email", opt=OPEN, status_code=HTTP_204_NO_CONTENT)
    async def confirm(self, data: JSONBody[ConfirmEmail], address_service: Addresses) -> None:
        """Confirm an e-mail address with the code or link that was mailed.

        Send as `token` the code in the mail or, if the mail has a link, the `token` in its address. It works once,
        within 24 hours. 404 `bad_confirmation_link` if the token is wrong, was already used, or has expired. 403
        `account_deactivated` if the account is deactivated. 409 `email_taken` if another account has confirmed the same
        address in the meantime.
        """
        await address_service.confirm(data.token)


class ConfirmEmailPageController(Controller):
    """Confirmation in a browser."""

    path = "/email-confirmation"
    tags = ("users",)

    @get("/", operation_id="ask_to_confirm_email", opt=OPEN, media_type=MediaType.HTML)
    async def ask(self, token: Token, address_service: Addresses) -> Response[str]:
        """Show a page with a button that confirms an e-mail address.

        Opening the page confirms nothing, because mail scanners also open links. 404 `bad_confirmation_link` if the
        token is wrong, was already used, or has expired.
        """
        return _page(await address_service.shown(token))

    @post("/", operation_id="confirm_email_by_page", opt=OPEN, media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def confirm(self, token: Token, address_service: Addresses) -> Response[str]:
        """Confirm an e-mail address from the page with the button.

        404 `bad_confirmation_link` if the token is wrong, was already used, or has expired. 403 `account_deactivated`
        if the account is deactivated. 409 `email_taken` if another account has confirmed the same address in the
        meantime.
        """
        await address_service.confirm(token)
        return _page(None)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("users.accounts"), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
    )


def _page(waiting: Any) -> Response[str]:
    return Response(
        _templates().get_template("confirm_email.html").render(waiting=waiting),
        media_type=MediaType.HTML,
        headers={"Cache-Control": "no-store"},
    )
