"""What the audit log keeps of a request's body: the fields that its route names (`audited=` at the handler).

Of all others only the names stay, and of what is no such body only size and type: what people type anywhere may be an
address with a key in it.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from shared.redaction import REMOVED, decoded_body, only_size, redacted

OPT: Final = "audited"
"""In a handler's `opt`: names of fields that the log keeps; `members.user_id` is one within another."""


def audited_body(body: bytes, content_type: str, handler: Any) -> Any:
    """What is kept of a body. Values of fields only where the body is what the handler takes, names in any case."""
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
    """Names of the fields that a body of this type may have, as they are sent."""
    return frozenset(_names(inspect.type_info(kind)))


def _names(info: inspect.Type) -> set[str]:
    if isinstance(info, inspect.Metadata):
        return _names(info.type)
    if isinstance(info, inspect.UnionType):
        return {name for one in info.types for name in _names(one)}
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
    """Values by their names; `within`: the name of the field that they are in, with a dot."""
    kept: dict[str, Any] = {}
    for name, item in value.items():
        path = f"{within}{name}"
        if path in allowed:
            kept[name] = redacted(item)
        elif any(one.startswith(f"{path}.") for one in allowed):
            kept[name] = _kept_parts(item, allowed, f"{path}.")
        else:
            kept[name] = REMOVED
    return kept


def _kept_parts(item: Any, allowed: Collection[str], within: str) -> Any:
    if isinstance(item, list):
        return redacted([_kept_parts(part, allowed, within) for part in item])
    return _kept(item, allowed, within) if isinstance(item, dict) else item
