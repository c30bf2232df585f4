"""How long an event rests after a failure, and when it is given up."""

from datetime import UTC, datetime, timedelta

from shared.outbox.relay import TRIES, failure_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_rests_double_up_to_a_bound_and_then_it_is_dead() -> None:
    failures = [failure_of(ValueError("no"), attempts=n, now=NOW) for n in range(1, TRIES + 1)]
    rests = [None if failure.due_at is None else failure.due_at - NOW for failure in failures]
    assert rests == [*(timedelta(seconds=s) for s in (5, 10, 20, 40, 80, 160, 300)), None]
    assert [failure.dead_at for failure in failures] == [None] * (TRIES - 1) + [NOW]


def test_what_is_noted_of_an_error_fits_into_the_table() -> None:
    said = failure_of(
        ValueError("a\0b \ud800 https://x.example/api/webhooks/1/secret " + "x" * 9000), attempts=1, now=NOW
    )
    assert said.error.startswith("ValueError: a\ufffdb ? https://")
    assert "secret" not in said.error
    assert len(said.error) < 600
    said.error.encode()
