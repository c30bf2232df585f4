"""The places of embedded servers are their own user's alone."""

from pathlib import Path

from app.embedded.data_directories import _one_at_a_time


def test_no_other_user_can_open_the_lock_of_a_home(tmp_path: Path) -> None:
    lock = tmp_path / "places.lock"
    lock.touch(0o644)
    with _one_at_a_time(lock):
        assert lock.stat().st_mode & 0o077 == 0
    lock.unlink()
    with _one_at_a_time(lock):
        assert lock.stat().st_mode & 0o077 == 0
