"""What is kept of what people send, and what is not."""

import json
from time import thread_time
from typing import Any

import pytest

from shared.redaction import (
    DEEPEST,
    MAX_ITEMS,
    MAX_TEXT_LENGTH,
    REMOVED,
    decoded_body,
    mentioned,
    only_size,
    redacted,
    redacted_text,
)

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
    assert "sesame" not in json.dumps(redacted(decoded_body(f"{name}=sesame&x=1".encode(), FORM)))


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
        ("https://hooks.slack.com/services/T024BE91L/B03/sesame", f"https://hooks.slack.com/{REMOVED}"),
        ("https://chat.example.org/hooks/sesame", f"https://chat.example.org/hooks/{REMOVED}"),
        ("https://hook.eu1.make.com/sesame", f"https://hook.eu1.make.com/{REMOVED}"),
        ("https://hooks.zapier.com/hooks/catch/1/sesame/", f"https://hooks.zapier.com/{REMOVED}"),
        (
            "https://x.webhook.office.com/webhookb2/a@b/IncomingWebhook/sesame/c",
            f"https://x.webhook.office.com/{REMOVED}",
        ),
        ("https://ntfy.sh/sesame", f"https://ntfy.sh/{REMOVED}"),
        ("https://ntfy.example.org/sesame?a=1", f"https://ntfy.example.org/{REMOVED}?a=1"),
        ("https://api.telegram.org/bot12:sesame/sendMessage", f"https://api.telegram.org/{REMOVED}"),
        ("/bot12:sesame/sendMessage", f"/bot{REMOVED}/sendMessage"),
        ("POST /hooks/sesame", f"POST /hooks/{REMOVED}"),
        ("https://example.org/in/0f9sesame8a7b6c5d4e3f/x", f"https://example.org/in/{REMOVED}/x"),
        ("https://example.org/AbCdEfGhIjKlMnOpQrStUvWxYz", f"https://example.org/{REMOVED}"),
        ("550 <sesame@example.org>: no such user", f"550 <{REMOVED}>: no such user"),
        ("DETAIL:  Key (email)=(sesame) already exists.", f"DETAIL:  {REMOVED}"),
        ("DETAIL:  row (sesame,\nsesame).\n[SQL: INSERT]", f"DETAIL:  {REMOVED}\n[SQL: INSERT]"),
        ("invalid input for query argument $1: 'sesame'", f"invalid input for query argument $1: {REMOVED}"),
        ('invalid input syntax for type uuid: "sesame"', f"invalid input syntax for type uuid: {REMOVED}"),
        ("/internal/trackers/018f0000-0000-7000-8000-0000000000ad/refresh",) * 2,
        ("https://a-site.example/rocket-league/profile/steam/76561198000000001/overview",) * 2,
        ("https://a-host-with-a-long-name-1.example.org/x",) * 2,
        ("Cannot connect to host ntfy.sh:443",) * 2,
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
    assert "sss" not in redacted_text("x" * (MAX_TEXT_LENGTH - 20) + KEY)


def test_long_texts_lists_and_objects_are_cut_with_a_note() -> None:
    assert redacted({"a": "x" * 600})["a"] == "x" * MAX_TEXT_LENGTH + "…"
    assert redacted(list(range(150)))[-2:] == [MAX_ITEMS - 1, "[50 more]"]
    many = redacted({str(number): number for number in range(150)})
    assert (len(many), many["…"]) == (MAX_ITEMS + 1, "[50 more]")


def test_what_is_nested_too_deep_is_left_out() -> None:
    value: Any = "bottom"
    for _ in range(DEEPEST + 5):
        value = {"a": [value]}
    assert "bottom" not in json.dumps(redacted(value))
    assert "[too deep]" in json.dumps(redacted(value))


@pytest.mark.parametrize("value", [None, True, 0, 1.5, -(2**62), "text", {}, []])
def test_harmless_values_are_kept_as_they_are(value: Any) -> None:
    assert redacted({"a": value}) == {"a": value}


def test_bodies_are_read_as_json_or_as_forms() -> None:
    assert decoded_body(b'{"url": "u"}', JSON) == {"url": "u"}
    assert decoded_body(b'{"a": 1}', "") == {"a": 1}
    form = b"grant_type=password&username=me&scope=a&scope=b"
    assert decoded_body(form, f"{FORM}; charset=utf-8") == {
        "grant_type": "password",
        "username": "me",
        "scope": ["a", "b"],
    }
    for body in (b"{", b"\xff\xfe", b"sesame", b"[" * 10_000, b'{"a": 1}x'):
        assert decoded_body(body, JSON) is None
    assert decoded_body(b"sesame", FORM) is None


def test_of_what_is_not_kept_only_size_and_a_known_type_are_noted() -> None:
    assert only_size(6, "Application/JSON; charset=utf-8") == {"bytes": 6, "type": JSON}
    assert only_size(6, "sesame/open") == {"bytes": 6, "type": "other"}
    assert only_size(6, "") == {"bytes": 6, "type": ""}


def test_people_are_found_by_snowflakes_and_in_fields_named_after_them() -> None:
    ours, other = "018f0000-0000-7000-8000-0000000000ad", "018f0000-0000-7000-8000-0000000000ae"
    assert mentioned({"user_id": ours, "tracker_id": other, "deep": [{"user_ids": ["281474976710656001"]}]}) == {
        ours,
        "281474976710656001",
    }


@pytest.mark.parametrize("number", ["9" * 30, "-" + "9" * 30, "9" * 5000, "1e400", "1e308", "18446744073709551615"])
def test_numbers_that_no_column_takes_do_no_harm(number: str) -> None:
    assert len(json.dumps(redacted(decoded_body(f'{{"a": {number}}}'.encode(), JSON)), allow_nan=False)) < 100


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "=",
        "a=",
        " code=",
        "://",
        "a.",
        "?a",
        "?",
        "&code",
        "https://",
        "eyJ",
        "Bearer ",
        "@",
        "a://",
        "a@",
        "/",
        "/a",
        "hook",
        "/hooks/",
        "https://hook",
        "/bot1:",
        "DETAIL: ",
        "\n[SQL: ",
        "a1-",
        "%",
    ],
)
def test_nobody_can_make_it_slow(part: str) -> None:
    text = part * (16_384 // len(part))
    started = thread_time()
    redacted_text(text)
    assert thread_time() - started < 0.5  # seconds of the processor, whatever else runs on it
