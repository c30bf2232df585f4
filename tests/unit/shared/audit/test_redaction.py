"""What is kept of what people send, and what is not."""

import json
from time import perf_counter
from typing import Any

import pytest

from shared.audit.redaction import DEEPEST, LONGEST_TEXT, MOST_ITEMS, REMOVED, redacted, redacted_body, redacted_text

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
KEY = "trk_abcdefghij_" + "s" * 43
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "old_password",
        "passwd",
        "pass-word",
        "client_secret",
        "refresh_token",
        "accessToken",
        "TOKEN",
        "claim_code",
        "Authorization",
        "api_key",
        "apiKey",
        "X-API-Key",
        "webhook",
        "webhook_url",
        "credentials",
        "set-cookie",
        "otp",
    ],
)
def test_a_field_named_after_a_secret_loses_its_value(name: str) -> None:
    assert redacted({name: "sesame"}) == {name: REMOVED}
    assert redacted({"a": [{"b": {name: {"deep": ["sesame"]}}}]}) == {"a": [{"b": {name: REMOVED}}]}
    assert "sesame" not in json.dumps(redacted_body(f"{name}=sesame&x=1".encode(), FORM))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (KEY, REMOVED),
        (f"the key is {KEY}, keep it", f"the key is {REMOVED}, keep it"),
        ("trr_" + "x" * 43, REMOVED),
        (f"token: {JWT}!", f"token: {REMOVED}!"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", REMOVED),
        ("Bearer abcdef", f"Bearer {REMOVED}"),
        ("https://me:sesame@example.org/x", "https://example.org/x"),
        ("https://me:ses@me@example.org/x", "https://example.org/x"),
        ("https://sesame@example.org", "https://example.org"),
        ("https://example.org/@someone", "https://example.org/@someone"),
        ("https://discord.com/api/webhooks/12/sesame", f"https://discord.com/api/webhooks/{REMOVED}"),
        ("discord://12/sesame", f"discord://{REMOVED}"),
        ("postgresql://me:sesame@db/trackers", f"postgresql://{REMOVED}"),
        ("https://example.org/?a=1&api_key=sesame&b=2", f"https://example.org/?a=1&api_key={REMOVED}&b=2"),
        ("password=sesame", f"password={REMOVED}"),
        ("a=1 Token=sesame; b", f"a=1 Token={REMOVED}; b"),
        ("1 + 1 = 2 & co", "1 + 1 = 2 & co"),
        ("https://tracker.gg/rocket-league/profile/epic/a", "https://tracker.gg/rocket-league/profile/epic/a"),
        ("a\0b", "a�b"),
        ("", ""),
    ],
)
def test_secrets_are_found_wherever_they_stand(text: str, kept: str) -> None:
    assert redacted_text(text) == kept
    assert redacted({"a": [{"b": text}]}) == {"a": [{"b": kept}]}
    assert "sesame" not in str(redacted({text: 1}))


def test_a_secret_across_the_cut_leaves_nothing_behind() -> None:
    assert "sss" not in redacted_text("x" * (LONGEST_TEXT - 20) + KEY)


def test_long_texts_lists_and_objects_are_cut_with_a_note() -> None:
    assert redacted({"a": "x" * 600})["a"] == "x" * LONGEST_TEXT + "…"
    assert redacted(list(range(150)))[-2:] == [MOST_ITEMS - 1, "[50 more]"]
    many = redacted({str(number): number for number in range(150)})
    assert (len(many), many["…"]) == (MOST_ITEMS + 1, "[50 more]")


def test_what_is_nested_too_deep_is_left_out() -> None:
    value: Any = "bottom"
    for _ in range(DEEPEST + 5):
        value = {"a": [value]}
    assert "bottom" not in json.dumps(redacted(value))
    assert "[too deep]" in json.dumps(redacted(value))


@pytest.mark.parametrize("value", [None, True, 0, 1.5, -(2**62), "text", {}, []])
def test_harmless_values_are_kept_as_they_are(value: Any) -> None:
    assert redacted({"a": value}) == {"a": value}


def test_an_object_or_a_list_is_kept_and_all_else_only_measured() -> None:
    assert redacted_body(b'{"url": "u", "password": "sesame"}', JSON) == {"url": "u", "password": REMOVED}
    assert redacted_body(b'[{"secret": 1}]', JSON) == [{"secret": REMOVED}]
    assert redacted_body(b'{"a": 1}', "") == {"a": 1}
    for body in (b"{", b"\xff\xfe", b'"sesame"', b"17", b"sesame", b"[" * 10_000, b'{"a": 1}x'):
        assert redacted_body(body, "Application/JSON; charset=utf-8") == {"bytes": len(body), "type": JSON}


def test_forms_are_read_as_objects() -> None:
    body = b"grant_type=password&username=me&password=sesame&scope=a&scope=b"
    assert redacted_body(body, f"{FORM}; charset=utf-8") == {
        "grant_type": "password",
        "username": "[removed]",
        "password": REMOVED,
        "scope": ["a", "b"],
    }
    assert redacted_body(b"sesame", FORM) == {"bytes": 6, "type": FORM}
    assert redacted_body(b"a=%00", FORM) == {"a": "�"}


@pytest.mark.parametrize("number", ["9" * 30, "-" + "9" * 30, "9" * 5000, "1e400", "1e308", "18446744073709551615"])
def test_numbers_that_no_column_takes_do_no_harm(number: str) -> None:
    assert len(json.dumps(redacted_body(f'{{"a": {number}}}'.encode(), JSON), allow_nan=False)) < 100


@pytest.mark.parametrize(
    "part", ["a", "=", "a=", " code=", "://", "a.", "?a", "?", "&code", "https://", "eyJ", "Bearer ", "@", "a://"]
)
def test_nobody_can_make_it_slow(part: str) -> None:
    text = part * (16_384 // len(part))
    started = perf_counter()
    redacted_text(text)
    assert perf_counter() - started < 0.5
