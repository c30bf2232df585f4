"""The sample in docs/webhooks.md, as a receiver copies it."""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
SECRET = "whs_a secret of a test"
BODY = b'{"id": "1"}'


@pytest.fixture(scope="module")
def verified() -> Callable[[str, Mapping[str, str], bytes], bool]:
    (sample,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(sample, names)  # noqa: S102 -- our own page
    function: Callable[[str, Mapping[str, str], bytes], bool] = names["verified"]
    return function


def signed(*, ago: int = 0) -> dict[str, str]:
    timestamp = str(int(time.time()) - ago)  # real date: the sample compares with it
    signature = hmac.new(SECRET.encode(), timestamp.encode() + b"." + BODY, sha256).hexdigest()
    return {"Trackers-Timestamp": timestamp, "Trackers-Signature": f"v1={signature}"}


def test_a_signed_message_passes(verified: Callable[..., bool]) -> None:
    headers = signed()
    assert verified(SECRET, headers, BODY)
    assert verified(SECRET, {**headers, "Trackers-Signature": f"v1=00, {headers['Trackers-Signature']}"}, BODY)


@pytest.mark.parametrize(
    "changed",
    [
        {"Trackers-Signature": "v1=\u00e4\u00f6\u00fc"},
        {"Trackers-Signature": ""},
        {"Trackers-Signature": "v1=" + "0" * 64},
        {"Trackers-Timestamp": "yesterday"},
        {"Trackers-Timestamp": ""},
    ],
    ids=["not ASCII", "empty", "another", "no number", "no time"],
)
def test_anything_else_is_refused_without_an_exception(verified: Callable[..., bool], changed: dict[str, str]) -> None:
    assert not verified(SECRET, {**signed(), **changed}, BODY)


def test_an_old_message_is_refused(verified: Callable[..., bool]) -> None:
    assert not verified(SECRET, signed(ago=301), BODY)
