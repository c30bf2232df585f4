"""What can be wrong with an account.

AccountNotFound 404, EmailTaken 409, UsernameTaken 409, LastAdmin 409, AccountDeactivated 403,
BadClaimCode 422, ClaimRefused 409, IdentityNotFound 404.
"""

from shared.errors import Conflict, Forbidden, Invalid, NotFound


class AccountNotFound(NotFound):
    code = "account_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such account.")


class EmailTaken(Conflict):
    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("There is an account with this e-mail address; log in instead.", extra={"field": "email"})


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
        super().__init__("The code is wrong, was used, or has expired; ask the bot for a new one.")


class ClaimRefused(Conflict):
    code = "claim_refused"


class IdentityNotFound(NotFound):
    code = "identity_not_found"
