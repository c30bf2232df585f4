"""HTTP protocol of the API server: uvicorn's, with limits that apply before the application reads a request.

A proxy usually has such limits; these also apply without a proxy. uvicorn has them only for h11, which is slower.
"""

from asyncio import TimerHandle, Transport
from typing import Any, Final

import msgspec
import structlog
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_SIZE: Final = 16_384
"""Maximum bytes of the request line and all headers."""
HEAD_TIMEOUT_S: Final = 15.0
"""Seconds from the start of a connection or request to the end of its headers."""
BODY_TIMEOUT_S: Final = 60.0
"""Seconds from the end of the headers to the end of the body."""
WRITE_TIMEOUT_S: Final = 30.0
"""Seconds for a client to read a full buffer of its connection, or the rest when the connection closes."""
OVERHEAD: Final = 4
"""Bytes of a header line besides name and value: `: ` and the line end."""


class HeadTooLargeError(Exception):
    """The request line and headers are larger than MAX_HEAD_SIZE."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Answers 431 to large headers and 408 to slow headers; closes a connection whose body does not arrive.

    A client that does not read its responses loses its connection: `abort()` ends it, but `close()` would wait without
    end.
    """

    head_timeout: float = HEAD_TIMEOUT_S
    body_timeout: float = BODY_TIMEOUT_S
    write_timeout: float = WRITE_TIMEOUT_S

    _head_size = 0
    """Bytes of the head that the parser has passed on, line by line."""
    _received = 0
    """Bytes received for this head, including an incomplete line that the parser still holds."""
    _in_head = False
    _completed = False
    """True if a message ended in the current data, so that not all of the data belongs to the next head."""
    _running: RequestResponseCycle | None = None
    """The request that the application processes; `cycle` is the newest request, which may wait for it."""
    _deadline: TimerHandle | None = None
    _write_deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        self._expect_within(self.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        self._expect_no_reading()
        if self._running is not None and not self._running.response_complete:  # uvicorn checks only `cycle`
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        if not self.transport.is_closing():  # a closing connection keeps its deadline for the rest
            self._expect_no_reading()
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect_reading_of_rest()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._expect_reading_of_rest()

    def data_received(self, data: bytes) -> None:
        self._completed = False
        super().data_received(data)
        if self._in_head and not self._completed:
            self._received += len(data)
        if self._in_head and self._received > MAX_HEAD_SIZE:
            self._refuse(431)
        elif self._is_idle():  # an empty line before a request has stopped uvicorn's own timer
            self._expect_within(self.head_timeout)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_size = self._received = 0
        self._expect_within(self.head_timeout)

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + OVERHEAD)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._expect_within(self.body_timeout)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._completed = True
        self._expect_nothing()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- uvicorn's signature
        """Answer a request that the parser refuses, also because of a HeadTooLargeError in a callback."""
        self._refuse(431 if self._head_size > MAX_HEAD_SIZE else 400)

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEAD_SIZE:
            raise HeadTooLargeError

    def _is_idle(self) -> bool:
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self._in_head and self._deadline is None and self.timeout_keep_alive_task is None

    def _expect_within(self, seconds: float) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(seconds, self._on_deadline)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(408)
        else:
            self.transport.close()
            self._expect_reading_of_rest()

    def _expect_reading(self) -> None:
        if self._write_deadline is None:
            self._write_deadline = self.loop.call_later(self.write_timeout, self.transport.abort)

    def _expect_reading_of_rest(self) -> None:
        """Set a deadline for the client to read the rest of the buffer of a closing connection."""
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._expect_reading()

    def _expect_no_reading(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _refuse(self, status: int) -> None:
        """Answer without the application, and close the connection."""
        self._in_head = False
        self._expect_nothing()
        address = self.client[0] if self.client else None
        structlog.get_logger("request").info("request_refused", status=status, address=address)
        if self.cycle is None or self.cycle.response_complete:  # otherwise an earlier response is still being sent
            self.transport.write(_PROBLEMS[status])
        self.transport.close()
        self._expect_reading_of_rest()


def _problem(status: int, title: str, code: str, detail: str) -> bytes:
    content: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    body = msgspec.json.encode(content)
    headers = b"content-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    return STATUS_LINE[status] + headers + body


_PROBLEMS: Final = {
    400: _problem(400, "Bad Request", "bad_request", "This is not a valid HTTP request."),
    408: _problem(
        408, "Request Timeout", "request_timeout", "The headers did not arrive in time; send them without delay."
    ),
    431: _problem(
        431,
        "Request Header Fields Too Large",
        "headers_too_large",
        f"The request line and headers may have up to {MAX_HEAD_SIZE} bytes; send fewer or shorter headers.",
    ),
}
