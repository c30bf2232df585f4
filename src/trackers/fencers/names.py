"""Fold names so that different spellings of a name compare equal. Pure."""

import re
import unicodedata
from typing import Final

MAX_NAME_LENGTH: Final = 200
"""Maximum characters of a stored name."""
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
    """Clean up text to show and store: one line, single spaces, MAX_NAME_LENGTH, valid for the database."""
    printable = "".join(" " if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} else letter for letter in text)
    return " ".join(printable.split())[:MAX_NAME_LENGTH]


def fold(text: str) -> str:
    """Return the words without case, accents (NFKD) and punctuation, in their order."""
    plain = _APOSTROPHES.sub("", text.casefold().translate(_NOT_DECOMPOSED))
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(letter))
    return _BETWEEN.sub(" ", _APOSTROPHES.sub("", bare.casefold())).strip()[:MAX_NAME_LENGTH]


def without_days(folded: str) -> str:
    """Return a folded name without weekdays and dates, so that `foil saturday` and `foil sunday` are equal."""
    return " ".join(_DAYS.sub(" ", folded).split()) or folded


def fold_person(name: str) -> str:
    """Fold a person's name; "Last, First" and "First Last" are equal."""
    return " ".join(sorted(fold(name).split()))


def shown_person(name: str) -> str:
    """Return a name with the first name first: "Last, First" becomes "First Last"."""
    last, comma, first = words(name).partition(",")
    if not comma or not first.strip() or "," in first:
        return words(name)
    return f"{first.strip()} {last.strip()}"
