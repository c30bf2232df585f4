"""A webhook is checked by the client and by the snippet of the docs alike, and as the service signs it."""

import time
from collections.abc import Callable

import pytest
from tests.features.receiver import documented_check

from trackers_client import InvalidWebhook, verify_webhook
from users.notifications.transports.webhook import signature

SECRET = "whsec_test"
Made = Callable[[], dict[str, str]]
"""Headers, made when they are sent: on a slow machine those made with the file would be too old."""
BODY = b'{"id":"1","event":"game_account.changed","title":"Lintwurm","lines":[],"url":null,"payload":{"a":1}}'


def machine_time() -> int:
    return int(time.time())  # real date: the page's snippet compares with it; only the distance matters here


def headers(*, ago: int = 0, secret: str = SECRET, body: bytes = BODY, beside: str = "") -> dict[str, str]:
    at = machine_time() - ago
    signed = f"v1={signature(secret, at, body)}"
    return {"Trackers-Id": "1", "Trackers-Timestamp": str(at), "Trackers-Signature": f"{beside}{signed}"}


GOOD: dict[str, Made] = {
    "as it was sent": headers,
    "beside the signature under the new secret": lambda: headers(beside="v1=0123,"),
    "almost five minutes old": lambda: headers(ago=240),
}
BAD: dict[str, Made] = {
    "under another secret": lambda: headers(secret="another"),
    "of another body": lambda: headers(body=b"{}"),
    "too old": lambda: headers(ago=400),
    "from the future": lambda: headers(ago=-400),
    "with a time of its own": lambda: {**headers(ago=60), "Trackers-Timestamp": str(machine_time())},
    "of nothing": lambda: {**headers(), "Trackers-Signature": ""},
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_what_is_right_is_taken_by_both(make: Made) -> None:
    given = make()
    message = verify_webhook(SECRET, given, BODY)
    assert (message.event, message.title, message.payload) == ("game_account.changed", "Lintwurm", {"a": 1})
    assert documented_check()(SECRET, given, BODY) is True


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_what_is_wrong_is_refused_by_both(make: Made) -> None:
    given = make()
    with pytest.raises(InvalidWebhook):
        verify_webhook(SECRET, given, BODY)
    assert documented_check()(SECRET, given, BODY) is False


def test_headers_may_come_in_any_case() -> None:
    assert verify_webhook(SECRET, {name.lower(): value for name, value in headers().items()}, BODY).id == "1"


@pytest.mark.parametrize("missing", ["Trackers-Timestamp", "Trackers-Signature"])
def test_without_its_headers_nothing_is_believed(missing: str) -> None:
    given = {name: value for name, value in headers().items() if name != missing}
    with pytest.raises(InvalidWebhook):
        verify_webhook(SECRET, given, BODY)


@pytest.mark.parametrize(("name", "odd"), [("Trackers-Timestamp", "1" * 5000), ("Trackers-Signature", "v1=\udcff")])
def test_headers_that_cannot_be_read_are_refused_like_wrong_ones(name: str, odd: str) -> None:
    with pytest.raises(InvalidWebhook):
        verify_webhook(SECRET, {**headers(), name: odd}, BODY)


def test_a_challenge_is_told_apart_from_news() -> None:
    body = b'{"type":"verification","challenge":"say this"}'
    message = verify_webhook(SECRET, headers(body=body), body)
    assert (message.type, message.challenge) == ("verification", "say this")


def test_a_signed_body_that_is_no_message_is_refused() -> None:
    body = b"[1, 2]"
    with pytest.raises(InvalidWebhook, match="not a message"):
        verify_webhook(SECRET, headers(body=body), body)
