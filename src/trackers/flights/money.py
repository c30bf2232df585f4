"""Currencies and their minor units (ISO 4217): 123.45 dollars are 12345, 15000 yen are 15000."""

from functools import lru_cache

from iso4217 import Currency

from trackers.flights.errors import UnknownCurrency

LARGEST_AMOUNT = 10**12
"""Minor units that no fare reaches in any currency."""


@lru_cache(maxsize=512)
def exponent(code: str) -> int | None:
    """Decimals of a currency's minor unit; None for a code that is unknown, or of no money (gold has no cents)."""
    try:
        found = Currency(code).exponent
    except ValueError:
        return None
    return None if found is None else int(found)


def checked_currency(code: str, *, field: str = "currency") -> str:
    """A code in capitals. Raises UnknownCurrency."""
    given = code.strip().upper()
    if exponent(given) is None:
        raise UnknownCurrency(
            f"{code[:10]!r} is no currency of ISO 4217; write three letters, such as USD.", extra={"field": field}
        )
    return given


def minor_units(amount: int, decimals: int, code: str) -> int | None:
    """An amount with so many decimals in the minor units of its currency; None where that does not come out even."""
    own = exponent(code)
    if own is None:
        return None
    if own >= decimals:
        return amount * int(10 ** (own - decimals))
    whole, rest = divmod(amount, 10 ** (decimals - own))
    return None if rest else whole


def in_words(amount: int, code: str) -> str:
    """`1,234.50 USD`. Of a currency that is unknown by now the bare number: history stays readable."""
    own = exponent(code)
    if not own:
        return f"{amount:,} {code}"
    whole, rest = divmod(abs(amount), 10**own)
    return f"{'-' if amount < 0 else ''}{whole:,}.{rest:0{own}d} {code}"
