"""A caller that leaves in the middle of its body: no fault of the service, and counted as none."""

from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.conftest import Bench

from app.api import asgi, create_app


@pytest.mark.parametrize("key", [None, b"one-key"], ids=["plain", "with an idempotency key"])
async def test_a_body_that_is_cut_off_is_no_failure_of_ours(api: Bench, key: bytes | None) -> None:
    authorization = api.http.headers["authorization"].encode()
    headers = [(b"authorization", authorization), (b"content-type", b"application/json"), (b"content-length", b"100")]
    if key:
        headers.append((b"idempotency-key", key))
    arriving = [{"type": "http.request", "body": b'{"user_id": "2814', "more_body": True}, {"type": "http.disconnect"}]
    answered: list[Any] = []

    async def receive() -> Any:
        return arriving.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/internal/trackers/add", "raw_path": b"/internal/trackers/add",
        "query_string": b"", "headers": headers, "client": ("127.0.0.1", 1), "server": ("test", 80), "scheme": "http",
        "http_version": "1.1", "asgi": {"version": "3.0"}, "root_path": "", "state": {},
    }  # fmt: skip
    with capture_logs() as logged:
        await asgi(create_app(api.container), api.container)(scope, receive, send)  # type: ignore[arg-type]  # a scope by hand
    assert [line for line in logged if line["log_level"] in {"error", "warning"}] == []
    assert {message["status"] for message in answered if "status" in message} <= {400}
    (line,) = (line for line in logged if line["event"] == "request")
    assert line["status"] < 500
