"""Bodies are what the schema says: the framework converts all that a handler is given leniently, as query strings need.

So `0` would be taken for false, and `"900"` for a number, where the schema promises that neither is.
"""

import re
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException

_INDEX: Final = re.compile(r"\[(\d+|\.\.\.)\]")
_REFUSAL: Final = re.compile(r"(?P<message>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON is held to the type that its handler declares, before the framework converts it."""

    async def json(self) -> Any:
        value = await super().json()
        field = self.route_handler.parsed_data_field
        if field is None:
            return value
        kind = field.annotation
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            if _is_taken_leniently(value, kind):
                _check(_whole(value), kind)
        return value


def _is_taken_leniently(value: Any, kind: Any) -> bool:
    """Whether nothing but the leniency lets it through; what else is wrong, the framework tells field by field."""
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _check(value: Any, kind: Any) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as refusal:
        raise _refused(refusal) from refusal


def _whole(value: Any) -> Any:
    """The same with 900 for 900.0: to JSON Schema, too, that is an integer."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


def _refused(refusal: msgspec.ValidationError) -> ValidationException:
    found = _REFUSAL.fullmatch(str(refusal))
    message, path = (found["message"], found["path"] or "") if found else (str(refusal), "")
    key = _INDEX.sub(r".\1", path).lstrip(".")
    return ValidationException(extra=[{"message": message, "key": key, "source": "body"}])
