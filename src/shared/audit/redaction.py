"""What may be kept of what people send: bodies as JSON without secrets, bounded in depth and size. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

REMOVED: Final = "[removed]"
LONGEST_TEXT: Final = 500
LONGEST_KEY: Final = 100
MOST_ITEMS: Final = 100
DEEPEST: Final = 8
MOST_FIELDS: Final = 1_000
LARGEST_INT: Final = 2**63 - 1

SECRET_NAMES: Final = re.compile(
    r"passw|passphrase|pwd|secret|token|code|authorization|apikey|privatekey|webhook|credential|cookie|signature|otp"
)
"""Looked for anywhere in a field's name, in lower case and without what stands between its words."""
PERSONAL_NAMES: Final = frozenset({"login", "email", "username"})
"""What people log in with, also when nobody knows yet who they are: it could not be found when they go."""
_OUTSIDE_ID: Final = re.compile(r"[0-9]{17,20}")
_BETWEEN_WORDS: Final = re.compile(r"[^a-z0-9]")

# Every repetition is bounded: what is looked through comes from anybody.
_SUSPICIOUS: Final = re.compile(r"://|tr[kr]_|eyJ|(?i:bearer )|=")
_SECRETS: Final = (
    (re.compile(r"tr[kr]_[A-Za-z0-9_-]+"), REMOVED),
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}"), REMOVED),
    (re.compile(r"(?i)(bearer )\s{0,8}\S+"), rf"\1{REMOVED}"),
    (re.compile(r"(?i)(https?://)[^\s/?#]*@"), r"\1"),
    (re.compile(r"(?i)(https?://[^\s/?#]{1,255}/[^\s?#]{0,64}webhooks?/)[^\s?#]+"), rf"\1{REMOVED}"),
    # Addresses of other schemes are where notifications go: their parts are keys (discord://id/token).
    (re.compile(r"(?i)\b(?!https?:)([a-z][a-z0-9+.-]{0,30}://)\S+"), rf"\1{REMOVED}"),
    (
        re.compile(
            r"(?i)((?:^|[?&;\s])[^=&;?\s]{0,40}?(?:passw|pwd|secret|token|code|key|sig|auth)[^=&;?\s]{0,40}=)[^&;#\s]+"
        ),
        rf"\1{REMOVED}",
    ),
)


def redacted(value: Any) -> Any:
    """JSON values without secrets, safe for jsonb: long texts cut, too much or too deep left out with a note."""
    return _redacted(value, 0)


def redacted_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text without keys, tokens and credentials in addresses, cut to a length, without NUL."""
    if _SUSPICIOUS.search(text):
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
    if len(text) > longest:
        text = f"{text[:longest]}…"
    return text.replace("\x00", "�")


def redacted_body(body: bytes, content_type: str) -> Any:
    """A request's body as JSON: an object or a list without its secrets, else only how long it was and of what type."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        found = _form(body) if kind == "application/x-www-form-urlencoded" else msgspec.json.decode(body)
    except (ValueError, RecursionError, msgspec.DecodeError):
        found = None
    return redacted(found) if isinstance(found, dict | list) else only_size(len(body), kind)


def mentioned(value: Any) -> set[str]:
    """Ids of people elsewhere (snowflakes) that stand in what is kept of a body."""
    if isinstance(value, str):
        return {value} if _OUTSIDE_ID.fullmatch(value) else set()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {found for part in parts for found in mentioned(part)}


def only_size(size: int, content_type: str) -> dict[str, Any]:
    """What is noted of a body that is not kept."""
    return {"bytes": size, "type": redacted_text(content_type, LONGEST_KEY)}


def _form(body: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, strict_parsing=True)
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _redacted(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return _redacted_object(value, depth)
    if isinstance(value, list | tuple):
        if depth >= DEEPEST:
            return "[too deep]"
        kept = [_redacted(item, depth + 1) for item in value[:MOST_ITEMS]]
        return kept if len(value) <= MOST_ITEMS else [*kept, f"[{len(value) - MOST_ITEMS} more]"]
    if isinstance(value, int) and not -LARGEST_INT <= value <= LARGEST_INT:
        return "[number too large]"
    return value


def _redacted_object(value: Mapping[Any, Any], depth: int) -> Any:
    if depth >= DEEPEST:
        return "[too deep]"
    kept: dict[str, Any] = {}
    for name, item in value.items():
        if len(kept) == MOST_ITEMS:
            kept["…"] = f"[{len(value) - MOST_ITEMS} more]"
            break
        key = redacted_text(str(name), LONGEST_KEY)
        kept[key] = REMOVED if _names_a_secret(str(name)) else _redacted(item, depth + 1)
    return kept


def _names_a_secret(name: str) -> bool:
    plain = _BETWEEN_WORDS.sub("", name.lower())
    return plain in PERSONAL_NAMES or SECRET_NAMES.search(plain) is not None
