"""What can be wrong with a link that somebody pasted; each message says what to paste instead.

LinkProblem (Invalid, 422)
├── UnsupportedLink      unsupported_link      no profile page of a site that we know
├── UnsupportedGame      unsupported_game      a profile page, of a game that we do not follow
├── UnsupportedPlatform  unsupported_platform  the game has no such platform
├── MissingIdentifier    missing_identifier    the link stops before the account
├── InvalidIdentifier    invalid_identifier    no account of that platform can be called so
├── AmbiguousLink        ambiguous_link        two different accounts in one field
└── LinkTooLong          link_too_long         nobody's profile page has such a link
"""

from shared.errors import Invalid


class LinkProblem(Invalid):
    """The field holds no link that names one account; `extra["url"]` is what was pasted, shortened."""

    code = "invalid_link"
    title = "Not a profile link"

    def __init__(self, detail: str, *, url: str):
        super().__init__(detail, extra={"url": url})


class UnsupportedLink(LinkProblem):
    code = "unsupported_link"
    title = "Unsupported link"


class UnsupportedGame(LinkProblem):
    code = "unsupported_game"
    title = "Unsupported game"


class UnsupportedPlatform(LinkProblem):
    code = "unsupported_platform"
    title = "Unsupported platform"


class MissingIdentifier(LinkProblem):
    code = "missing_identifier"
    title = "Account missing"


class InvalidIdentifier(LinkProblem):
    code = "invalid_identifier"
    title = "Impossible account name"


class AmbiguousLink(LinkProblem):
    code = "ambiguous_link"
    title = "More than one account"


class LinkTooLong(LinkProblem):
    code = "link_too_long"
    title = "Link too long"
