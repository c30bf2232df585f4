"""Retry-After, as seconds and as a date."""

from datetime import UTC, datetime

import pytest

from shared.scraping.fetch_context import retry_after

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("", None),
        (None, None),
    ],
)
def test_the_header_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds
