"""The endpoint of a webhook, written as docs/webhooks.md tells; some of its paths can be out of order."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import msgspec

DOCS: Final = Path(__file__).parents[2] / "docs/webhooks.md"
SNIPPET: Final = re.compile(r"```python\n(.+?)```", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Received:
    """One message."""

    path: str
    headers: dict[str, str]
    body: bytes
    json: dict[str, Any]


@dataclass
class Receiver:
    """Proves itself where it is challenged, and keeps what it is told."""

    url: str
    received: list[Received] = field(default_factory=list)
    out_of_order: set[str] = field(default_factory=set)
    """Paths that answer 500."""
    mute: set[str] = field(default_factory=set)
    """Paths that do not answer challenges."""

    def at(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]

    def answer(self, one: Received) -> tuple[int, bytes]:
        challenge = one.json.get("challenge")
        if challenge is None:
            self.received.append(one)
        if one.path in self.out_of_order:
            return 500, b""
        proof = {} if challenge is None or one.path in self.mute else {"challenge": challenge}
        return 200, msgspec.json.encode(proof)


def documented_check() -> Callable[[str, dict[str, str], bytes], bool]:
    """`verified(secret, headers, body)`, as the docs give it to whoever writes an endpoint."""
    found = SNIPPET.search(DOCS.read_text(encoding="utf-8"))
    assert found, "docs/webhooks.md shows no Python"
    names: dict[str, Any] = {}
    exec(found[1], names)  # noqa: S102 -- our own page, held to what it says
    check: Callable[[str, dict[str, str], bytes], bool] = names["verified"]
    return check


@contextmanager
def receiving(*, address: str = "", port: int = 0) -> Iterator[Receiver]:
    """A receiver on this machine; `address`: what the service knows it by, where that is another one."""
    receiver = Receiver(address)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            one = Received(path=self.path, headers=dict(self.headers), body=body, json=msgspec.json.decode(body))
            status, answered = receiver.answer(one)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answered)))
            self.end_headers()
            self.wfile.write(answered)

        def log_message(self, *_args: object) -> None:
            """Nothing: the tests' output is theirs."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        receiver.url = address or f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
