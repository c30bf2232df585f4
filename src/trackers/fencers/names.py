"""Names folded so that two spellings of one compare equal. Pure."""

import re
import unicodedata
from typing import Final

MAX_NAME_LENGTH: Final = 200
"""Characters of any name that is kept."""
_NOT_DECOMPOSED: Final = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "\u0131": "i"}
)
_APOSTROPHES: Final = re.compile("['`\u2018\u2019\u02bc\u00b4]")
_BETWEEN: Final = re.compile(r"[\W_]+")
_DAYS: Final = re.compile(
    r"\b(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]* [0-9]{1,2}(?:st|nd|rd|th)?(?: [0-9]{4})?)\b"
)


def words(text: str) -> str:
    """Text as it is shown and stored: one line, single spaces, without what a database refuses, of a sane length."""
    printable = "".join(
        " " if unicodedata.category(outbound) in {"Cc", "Cs", "Zl", "Zp"} else outbound for outbound in text
    )
    return " ".join(printable.split())[:MAX_NAME_LENGTH]


def fold(text: str) -> str:
    """Words without case, accents (NFKD) and punctuation, in their order."""
    plain = _APOSTROPHES.sub("", text.casefold().translate(_NOT_DECOMPOSED))
    bare = "".join(outbound for outbound in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(outbound))
    return _BETWEEN.sub(" ", _APOSTROPHES.sub("", bare.casefold())).strip()[:MAX_NAME_LENGTH]


def without_days(folded: str) -> str:
    """A folded name without weekdays and dates, so that `foil saturday` and `foil sunday` are one."""
    return " ".join(_DAYS.sub(" ", folded).split()) or folded


def fold_person(name: str) -> str:
    """A person's name folded; "Last, First" and "First Last" are one."""
    return " ".join(sorted(fold(name).split()))


def shown_person(name: str) -> str:
    """A name as people say it: "Last, First" becomes "First Last"."""
    last, comma, first = words(name).partition(",")
    if not comma or not first.strip() or "," in first:
        return words(name)
    return f"{first.strip()} {last.strip()}"
