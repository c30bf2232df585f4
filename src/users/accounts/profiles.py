"""What a profile may say: names and addresses in the one spelling that they are kept in, zones that exist."""

from typing import Final

from email_validator import EmailNotValidError, validate_email

from shared.errors import Invalid
from shared.zones import UnknownTimeZoneError, zone_named
from users.accounts.schemas import normalised_login

_JOINERS: Final = dict.fromkeys((0x200C, 0x200D))


def checked_email(text: str) -> str:
    """An address in the spelling that it is kept in. Raises Invalid."""
    try:
        return normalised_login(validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized)
    except EmailNotValidError as error:
        raise Invalid(f"This is no e-mail address: {error}", extra={"field": "email"}) from error


def checked_display_name(name: str) -> str:
    """Raises Invalid for what does not show, or turns what stands beside it; joiners stay, emoji need them."""
    if not name.translate(_JOINERS).isprintable():
        raise Invalid("A name has no invisible characters.", extra={"field": "display_name"})
    return name


def checked_time_zone(name: str) -> str:
    """Raises Invalid for what is no zone of the IANA database."""
    try:
        return zone_named(name).key
    except UnknownTimeZoneError as error:
        raise Invalid(str(error), extra={"field": "time_zone"}) from error
