"""Checks of profiles: names and addresses get the spelling in which they are stored, and time zones must exist."""

from typing import Final

from email_validator import EmailNotValidError, validate_email

from shared.errors import Invalid
from shared.zones import UnknownTimeZoneError, zone_named
from users.accounts.schemas import normalised_login

_JOINERS: Final = dict.fromkeys((0x200C, 0x200D))


def checked_email(text: str) -> str:
    """Return an e-mail address in the spelling in which it is stored. Raises Invalid."""
    try:
        return normalised_login(validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized)
    except EmailNotValidError as error:
        raise Invalid(f"This is not an e-mail address: {error}", extra={"field": "email"}) from error


def checked_display_name(name: str) -> str:
    """Return the name. Raises Invalid for invisible characters, except joiners, which emoji need."""
    if not name.translate(_JOINERS).isprintable():
        raise Invalid("A name must not contain invisible characters.", extra={"field": "display_name"})
    return name


def checked_time_zone(name: str) -> str:
    """Return the name of a time zone. Raises Invalid if the IANA database does not have it."""
    try:
        return zone_named(name).key
    except UnknownTimeZoneError as error:
        raise Invalid(str(error), extra={"field": "time_zone"}) from error
