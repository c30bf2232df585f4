"""Strict validation of request bodies against the type that the schema shows.

Litestar converts every argument of a handler leniently, which query strings need. In a JSON body it would accept `0`
for false and `"900"` for a number, although the schema allows neither.
"""

import re
from collections.abc import AsyncGenerator
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException, ValidationException

from shared.errors import BadRequest, UnsupportedMedia
from shared.moments import decode_moments

INCOMPLETE: Final = "The connection ended before the whole body had arrived; send it again."
SEND_JSON: Final = "Send JSON, with the header Content-Type: application/json."
_INDEX: Final = re.compile(r"\[(\d+|\.\.\.)\]")
_REFUSAL: Final = re.compile(r"(?P<message>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


class BodyIncomplete(BadRequest):
    code = "body_incomplete"
    title = "Incomplete body"


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON is validated against the handler's type before Litestar converts it."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in parts. Raises BodyIncomplete if the connection ends before the body does."""
        connected = self.is_connected
        try:
            async for part in super().stream():
                yield part
        except InternalServerException as error:
            if not connected:  # a bug: the body was read twice
                raise
            raise BodyIncomplete(INCOMPLETE) from error

    async def json(self) -> Any:
        """The body. Raises UnsupportedMedia if it is not sent as JSON."""
        if not is_json(self.headers.get("content-type")) and await self.body():
            raise UnsupportedMedia(SEND_JSON)
        value = await super().json()
        field = self.route_handler.parsed_data_field
        if field is None:
            return value
        kind = field.annotation
        try:
            return msgspec.convert(
                value, kind, str_keys=True, dec_hook=decode_moments
            )  # Litestar does not convert a value that already has the type
        except msgspec.ValidationError:
            return _checked(_whole(value), kind) if _is_taken_leniently(value, kind) else value


def is_json(content_type: str | None) -> bool:
    """True if the content type is JSON (RFC 8259) or a type based on it (RFC 6839)."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _is_taken_leniently(value: Any, kind: Any) -> bool:
    """True if lenient conversion accepts the value. If it does not, Litestar reports the errors field by field."""
    try:
        msgspec.convert(value, kind, strict=False, str_keys=True, dec_hook=decode_moments)
    except msgspec.ValidationError:
        return False
    return True


def _checked(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, str_keys=True, dec_hook=decode_moments)
    except msgspec.ValidationError as refusal:
        raise _refused(refusal) from refusal


def _whole(value: Any) -> Any:
    """The value with floats such as 900.0 replaced by 900: JSON Schema counts them as integers, too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


def _refused(refusal: msgspec.ValidationError) -> ValidationException:
    match = _REFUSAL.fullmatch(str(refusal))
    message, path = (match["message"], match["path"] or "") if match else (str(refusal), "")
    key = _INDEX.sub(r".\1", path).lstrip(".")
    return ValidationException(extra=[{"message": message, "key": key, "source": "body"}])
