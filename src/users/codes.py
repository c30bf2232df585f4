"""Codes that people read in one place and enter in another: 40 random bits in eight letters and digits."""

import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's Base32 alphabet, without letters that look like digits."""
LENGTH: Final = 8
_MISREAD: Final = str.maketrans("OIL", "011", "- ")


def new_code() -> str:
    """Return a new random code of `LENGTH` characters, without a dash. Only its digest is stored."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """Format a code for people, in two halves: `K7QD-93XM`."""
    return f"{code[:4]}-{code[4:]}"


def meant(entered: str) -> str:
    """Normalise an entered code: upper case, without dashes and spaces, with digits for the letters O, I and L."""
    return entered.upper().translate(_MISREAD)
