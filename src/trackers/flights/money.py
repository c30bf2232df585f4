"""Currencies and their minor units (ISO 4217): 123.45 USD is 12345, 15000 JPY is 15000."""

from functools import lru_cache

from iso4217 import Currency

from trackers.flights.errors import UnknownCurrency

LARGEST_AMOUNT = 10**12
"""Upper limit of a price in minor units; no fare reaches it in any currency."""


@lru_cache(maxsize=512)
def exponent(code: str) -> int | None:
    """Return the decimals of a currency's minor unit; None for an unknown code, or one without minor unit (gold)."""
    try:
        decimals = Currency(code).exponent
    except ValueError:
        return None
    return None if decimals is None else int(decimals)


def checked_currency(code: str, *, field: str = "currency") -> str:
    """Return the code in capitals. Raises UnknownCurrency."""
    given = code.strip().upper()
    if exponent(given) is None:
        raise UnknownCurrency(
            f"{code[:10]!r} is not a currency code of ISO 4217; use three letters, such as USD.", extra={"field": field}
        )
    return given


def minor_units(amount: int, decimals: int, code: str) -> int | None:
    """Convert an amount with `decimals` decimals to minor units; None if not whole, or for an unknown currency."""
    own = exponent(code)
    if own is None:
        return None
    if own >= decimals:
        return amount * int(10 ** (own - decimals))
    whole, rest = divmod(amount, 10 ** (decimals - own))
    return None if rest else whole


def in_words(amount: int, code: str) -> str:
    """Format an amount, such as `1,234.50 USD`; in minor units if the currency is no longer known."""
    own = exponent(code)
    if not own:
        return f"{amount:,} {code}"
    whole, rest = divmod(abs(amount), 10**own)
    return f"{'-' if amount < 0 else ''}{whole:,}.{rest:0{own}d} {code}"
