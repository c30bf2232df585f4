"""Redaction of input for logs: JSON and texts without secrets, bounded in depth and size. Pure functions."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

REMOVED: Final = "[removed]"
FORM: Final = "application/x-www-form-urlencoded"
KNOWN_TYPES: Final = frozenset({"application/json", FORM, "multipart/form-data", "text/plain"})
MAX_TEXT_LENGTH: Final = 500
MAX_KEY_LENGTH: Final = 100
MARGIN: Final = 500
"""Additional characters that the patterns see, so that a secret at the cut is still recognised."""
MAX_ITEMS: Final = 100
DEEPEST: Final = 8
MAX_FIELDS: Final = 1_000
MAX_INT: Final = 2**63 - 1

SECRET_NAMES: Final = re.compile(
    r"passw|passphrase|pwd|secret|token|code|authorization|apikey|privatekey|webhook|credential|cookie|signature|otp"
)
"""Searched in names of fields, in lower case and without separators."""
PERSONAL_NAMES: Final = frozenset({"login", "email", "username"})
"""Names to log in with. They are removed because a failed login has no user, so an erasure would not find them."""
PERSON_FIELDS: Final = frozenset({"user_id", "user_ids"})
_OUTSIDE_ID: Final = re.compile(r"[0-9]{17,20}")
_BETWEEN_WORDS: Final = re.compile(r"[^a-z0-9]")

# Every repetition is bounded, because the text can come from anybody.
_SUSPICIOUS: Final = (
    "=", "://", "@", "trk_", "trr_", "eyj", "bearer ", "hook", "services/", "/bot", "detail:", "invalid input",
)  # fmt: skip
"""Every text that one of the patterns below matches contains one of these in lower case."""
_SECRETS: Final = (
    (re.compile(r"tr[kr]_[A-Za-z0-9_-]+"), REMOVED),
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}"), REMOVED),
    (re.compile(r"(?i)(bearer )\s{0,8}\S+"), rf"\1{REMOVED}"),
    # PostgreSQL quotes whole rows and values in error messages.
    (re.compile(r"(?s)(\bDETAIL: {1,3}).+?(?=\n\[SQL: |\n\nThe above exception|\Z)"), rf"\1{REMOVED}"),
    (re.compile(r"(invalid input (?:for query argument|syntax for|value for)[^:\n]{1,100}: )[^\n]+"), rf"\1{REMOVED}"),
    (re.compile(r"(?i)(https?://)[^\s/?#]*@"), r"\1"),
    # For hosts that only receive messages, the whole path is a key, in any form.
    (
        re.compile(r"(?i)(https?://[^\s/?#]{0,255}(?:\bntfy|hook|telegram)[^\s/?#]{0,255}/)[^\s?#]+"),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"(?i)(/[a-z0-9_.-]{0,64}(?:hooks?|services)/)[^\s?#]+"), rf"\1{REMOVED}"),
    (re.compile(r"(?i)(/bot)[0-9]{1,20}:[^\s/?#]+"), rf"\1{REMOVED}"),
    # Addresses with other schemes are notification channels, and their parts are keys (discord://id/token).
    (re.compile(r"(?i)\b(?!https?:)([a-z][a-z0-9+.-]{0,30}://)\S+"), rf"\1{REMOVED}"),
    (
        re.compile(
            r"(?i)((?:^|[?&;\s])[^=&;?\s]{0,40}?(?:passw|pwd|secret|token|code|key|sig|auth)[^=&;?\s]{0,40}=)[^&;#\s]+"
        ),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"), REMOVED),
)
_SEGMENT: Final = re.compile(r"(?<=/)(?<!//)[^\s/?#\"'<>()\[\],;]{16,}")
"""A path segment that is long enough to be a key; `_random_removed` decides."""
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
"""Our own ids in our own paths."""
_WORD: Final = re.compile(r"[A-Za-z]{1,20}|[0-9]{1,20}")
_BETWEEN_PARTS: Final = re.compile(r"[-_.~+:!]|%[0-9A-Fa-f]{2}")


def redacted(value: Any) -> Any:
    """JSON values without secrets, safe for jsonb: long texts are cut, excess items and depth replaced by a note."""
    return _redacted(value, 0)


def redacted_text(text: str, longest: int = MAX_TEXT_LENGTH) -> str:
    """A text without keys, tokens, e-mail addresses, channel addresses and values quoted by PostgreSQL; cut; no NUL.

    Patterns see at most `longest` + MARGIN characters, because the text can come from anybody and be long.
    """
    if len(text) <= longest and text.isalnum() and "eyJ" not in text:  # a single word, like most logged texts
        return text
    shown = text[: longest + MARGIN]
    lower = shown.lower()
    if any(sign in lower for sign in _SUSPICIOUS):
        for pattern, instead in _SECRETS:
            shown = pattern.sub(instead, shown)
    if "/" in shown:
        shown = _SEGMENT.sub(_random_removed, shown)
    if len(shown) > longest or len(text) > longest + MARGIN:
        shown = f"{shown[:longest]}…"
    return shown.replace("\x00", "�")


def decoded_body(body: bytes, content_type: str) -> Any:
    """A request body, decoded as JSON or as a form; None if it is neither."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        return _form(body) if kind == FORM else msgspec.json.decode(body)
    except (ValueError, RecursionError, msgspec.DecodeError):
        return None


def mentioned(value: Any, *, of_person: bool = False) -> set[str]:
    """Ids of people in the stored part of a request: snowflakes anywhere, user ids in the fields PERSON_FIELDS."""
    if isinstance(value, str):
        return {value} if _OUTSIDE_ID.fullmatch(value) or (of_person and _UUID.fullmatch(value)) else set()
    if isinstance(value, dict):
        return {
            person_id for name, part in value.items() for person_id in mentioned(part, of_person=name in PERSON_FIELDS)
        }
    parts = value if isinstance(value, list) else ()
    return {person_id for part in parts for person_id in mentioned(part, of_person=of_person)}


def only_size(size: int, content_type: str) -> dict[str, Any]:
    """Size and media type of a body that is not stored."""
    kind = content_type.partition(";")[0].strip().lower()
    return {"bytes": size, "type": kind if kind in KNOWN_TYPES else "other" if kind else ""}


def _form(body: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, strict_parsing=True)
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _random_removed(segment: re.Match[str]) -> str:
    """The path segment, or REMOVED if it looks like a key: not a UUID, and not words and numbers with separators."""
    text = segment[0]
    if _UUID.fullmatch(text) or all(_WORD.fullmatch(part) for part in _BETWEEN_PARTS.split(text) if part):
        return text
    return REMOVED


def _redacted(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return _redacted_object(value, depth)
    if isinstance(value, list | tuple):
        if depth >= DEEPEST:
            return "[too deep]"
        kept = [_redacted(item, depth + 1) for item in value[:MAX_ITEMS]]
        return kept if len(value) <= MAX_ITEMS else [*kept, f"[{len(value) - MAX_ITEMS} more]"]
    if isinstance(value, int) and not -MAX_INT <= value <= MAX_INT:
        return "[number too large]"
    return value


def _redacted_object(value: Mapping[Any, Any], depth: int) -> Any:
    if depth >= DEEPEST:
        return "[too deep]"
    kept: dict[str, Any] = {}
    for name, item in value.items():
        if len(kept) == MAX_ITEMS:
            kept["…"] = f"[{len(value) - MAX_ITEMS} more]"
            break
        key = redacted_text(str(name), MAX_KEY_LENGTH)
        kept[key] = REMOVED if _names_a_secret(str(name)) else _redacted(item, depth + 1)
    return kept


def _names_a_secret(name: str) -> bool:
    plain = _BETWEEN_WORDS.sub("", name.lower())
    return plain in PERSONAL_NAMES or SECRET_NAMES.search(plain) is not None
