"""Errors about accounts.

AccountNotFound 404, BadConfirmationLink 404, EmailTaken 409, UsernameTaken 409, LastAdmin 409, AccountDeactivated 403,
EmailNotSetUp 422, PasswordNeeded 422, BadClaimCode 422, ClaimRefused 409, IdentityNotFound 404.
"""

from shared.errors import Conflict, Forbidden, Invalid, NotFound


class AccountNotFound(NotFound):
    code = "account_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such account.")


class EmailTaken(Conflict):
    """Only for the operator and for people who proved that they read the mailbox. Nobody else may learn this."""

    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("Another account has this e-mail address; sign in to that one.", extra={"field": "email"})


class EmailNotSetUp(Invalid):
    code = "email_not_set_up"

    def __init__(self, instead: str) -> None:
        super().__init__(f"This installation has no mail server; {instead}.")


class BadConfirmationLink(NotFound):
    code = "bad_confirmation_link"

    def __init__(self) -> None:
        super().__init__(
            "This link is invalid, was already used, or has expired; enter the address again to get a new one."
        )


class PasswordNeeded(Invalid):
    code = "password_needed"

    def __init__(self) -> None:
        super().__init__(
            "Send your password as `current_password` with this change.", extra={"field": "current_password"}
        )


class UsernameTaken(Conflict):
    code = "username_taken"

    def __init__(self) -> None:
        super().__init__("This username is taken; choose another.", extra={"field": "username"})


class LastAdmin(Conflict):
    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("This is the last admin; make somebody else an admin first.")


class AccountDeactivated(Forbidden):
    code = "account_deactivated"

    def __init__(self) -> None:
        super().__init__("This account is deactivated; an admin can activate it again.")


class BadClaimCode(Invalid):
    code = "bad_claim_code"

    def __init__(self) -> None:
        super().__init__("The code is wrong, was already used, or has expired; ask the bot for a new one.")


class ClaimRefused(Conflict):
    code = "claim_refused"


class IdentityNotFound(NotFound):
    code = "identity_not_found"
