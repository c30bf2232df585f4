"""Whose word about a caller's address is taken."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.features.service import running_api

OPEN = f"/api/tasks/{uuid4()}"
Serve = Callable[..., httpx.Client]


@pytest.fixture
def serve(environ: dict[str, str], tmp_path: Path) -> Iterator[Serve]:
    """A real `trackers api` in which an address has two requests a minute, asked from 127.0.0.1."""
    with ExitStack() as stack:

        def served(**settings: str) -> httpx.Client:
            limited = {**environ, "TRACKERS_PORT": "0", "TRACKERS_RATE_LIMIT_ADDRESS": "2", **settings}
            address = stack.enter_context(running_api(limited, tmp_path))
            return stack.enter_context(httpx.Client(base_url=address, trust_env=False))

        yield served


def ask(http: httpx.Client, forwarded_for: str, **headers: str) -> httpx.Response:
    return http.get(OPEN, headers={"X-Forwarded-For": forwarded_for, **headers})


def test_a_caller_cannot_lie_about_its_address(serve: Serve) -> None:
    http = serve()
    answers = [ask(http, f"192.0.2.{number}", **{"X-Forwarded-Proto": "https"}) for number in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert "strict-transport-security" not in answers[0].headers


def test_a_trusted_proxy_tells_who_asks_and_how(serve: Serve) -> None:
    http = serve(TRACKERS_TRUSTED_PROXIES="127.0.0.0/8")
    assert [ask(http, f"192.0.2.{number}").status_code for number in range(3)] == [404, 404, 404]
    assert [ask(http, "203.0.113.9, 192.0.2.7").status_code for _ in range(3)] == [404, 404, 429]
    assert ask(http, "192.0.2.7, 203.0.113.10").status_code == 404  # the nearest that is not trusted counts
    assert "strict-transport-security" in ask(http, "192.0.2.50", **{"X-Forwarded-Proto": "https"}).headers
