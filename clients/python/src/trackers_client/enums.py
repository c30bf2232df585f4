"""Enumerations that may grow: a value that this client does not know is taken as it came."""

from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """A value that came later than this client is a member of its own, equal to its text."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        made = str.__new__(cls, value)
        made._name_ = value
        made._value_ = value
        return made
