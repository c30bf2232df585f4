"""What a profile may say: names and addresses in the one spelling that they are kept in, zones that exist."""

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from shared.errors import Invalid
from users.accounts.schemas import normalised_login

_JOINERS: Final = dict.fromkeys((0x200C, 0x200D))


def checked_email(text: str) -> str:
    """An address in the spelling that it is kept in. Raises Invalid."""
    try:
        return normalised_login(validate_email(text, check_deliverability=False).normalized)
    except EmailNotValidError as error:
        raise Invalid(f"This is no e-mail address: {error}", extra={"field": "email"}) from error


def checked_display_name(name: str) -> str:
    """Raises Invalid for what does not show, or turns what stands beside it; joiners stay, emoji need them."""
    if not name.translate(_JOINERS).isprintable():
        raise Invalid("A name has no invisible characters.", extra={"field": "display_name"})
    return name


def checked_time_zone(name: str) -> str:
    """Raises Invalid for what is no zone of the IANA database."""
    if name not in _zones():
        raise Invalid(
            f"There is no time zone {name!r}; give a name like Europe/Berlin or UTC.", extra={"field": "time_zone"}
        )
    return name


@cache
def _zones() -> set[str]:
    """Their names: of the system's database, or of the package `tzdata` where the system has none."""
    return available_timezones()
