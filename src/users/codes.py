"""Codes that people read in one place and type in another: 40 random bits in eight letters and digits."""

import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: without letters that look like digits."""
LENGTH: Final = 8
_MISREAD: Final = str.maketrans("OIL", "011", "- ")


def new_code() -> str:
    """A code as it is kept a digest of."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """A code as people read it, in two halves."""
    return f"{code[:4]}-{code[4:]}"


def meant(entered: str) -> str:
    """The code that somebody typed in: without dash or case, with letters that were read as digits."""
    return entered.upper().translate(_MISREAD)
