"""Request bodies in the audit log: only the fields that the handler lists (`audited=`) are stored with their values.

Of other fields only the names are stored, because any text that people enter may be an address with a key in it. Of a
body that is not a JSON object, or that the handler does not read, only size and media type are stored.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from shared.redaction import REMOVED, decoded_body, only_size, redacted

OPT: Final = "audited"
"""Key in a handler's `opt`: names of the fields that the log stores; `members.user_id` is a nested field."""


def audited_body(body: bytes, content_type: str, handler: Any) -> Any:
    """The part of a body that the audit log stores.

    Values are stored only if the whole body fits the handler's type; the names of its known fields always are.
    """
    kind = None if handler is None or handler.parsed_data_field is None else handler.parsed_data_field.annotation
    value = decoded_body(body, content_type)
    names = frozenset[str]() if kind is None else field_names(kind)
    if not isinstance(value, dict) or not names:
        return only_size(len(body), content_type)
    allowed = handler.opt.get(OPT, ()) if _fits(value, kind) else ()
    kept = _kept({name: item for name, item in value.items() if name in names}, allowed)
    unknown = len(value) - len(kept)
    return kept | ({"…": f"[{unknown} more]"} if unknown else {})


@lru_cache(maxsize=1024)
def field_names(kind: Any) -> frozenset[str]:
    """Names of all fields of this type, as they are sent in JSON."""
    return frozenset(_names(inspect.type_info(kind)))


def _names(info: inspect.Type) -> set[str]:
    if isinstance(info, inspect.Metadata):
        return _names(info.type)
    if isinstance(info, inspect.UnionType):
        return {name for member in info.types for name in _names(member)}
    if isinstance(info, inspect.StructType):
        return {field.encode_name for field in info.fields} | ({info.tag_field} if info.tag_field else set())
    return set()


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, str_keys=True)
    except (msgspec.ValidationError, RecursionError):
        return False
    return True


def _kept(value: dict[str, Any], allowed: Collection[str], within: str = "") -> dict[str, Any]:
    """Allowed values by field name; `within` is the name of the outer field with a dot at its end."""
    kept: dict[str, Any] = {}
    for name, item in value.items():
        path = f"{within}{name}"
        if path in allowed:
            kept[name] = redacted(item)
        elif any(field.startswith(f"{path}.") for field in allowed):
            kept[name] = _kept_parts(item, allowed, f"{path}.")
        else:
            kept[name] = REMOVED
    return kept


def _kept_parts(item: Any, allowed: Collection[str], within: str) -> Any:
    if isinstance(item, list):
        return redacted([_kept_parts(part, allowed, within) for part in item])
    return _kept(item, allowed, within) if isinstance(item, dict) else item
