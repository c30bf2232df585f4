"""Structured logs: one event per line, JSON outside a terminal, with the request, job or run that it belongs to.

Each process calls `configure` once; all other code gets a logger from structlog where it needs one. Our own events are
written directly to standard error; events of libraries are rendered in the same way. No line contains a secret: all
its texts go through `redacted_text`.
"""

import io
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any, Final, TextIO
from uuid import UUID

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from shared.redaction import redacted_text

MAX_VALUE_LENGTH: Final = 4_000
MAX_TRACEBACK_LENGTH: Final = 50_000
OURS: Final = frozenset({"timestamp", "level", "logger", "exc_info"})
"""Fields that never contain foreign text (`exc_info` until it is rendered)."""
PLAIN: Final = (bool, int, float, UUID, date, type(None))
QUIET: Final = ("alembic", "arq", "httpx", "httpcore", "aiohttp", "uvicorn")


class LineLogger:
    """Writes rendered events to a stream, one per line; ten times cheaper than records of the standard library."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self._stream = stream

    def msg(self, line: str) -> None:
        with suppress(OSError):  # a full disk must not stop the work that is logged
            self._stream.write(line + "\n")
            self._stream.flush()

    log = debug = info = warning = warn = error = critical = exception = fatal = failure = err = msg


def configure(*, level: str, form: str, stream: TextIO | None = None) -> None:
    """Configure structlog and the standard library's logging. `form` is auto, console or json."""
    out = stream or sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Processor] = (
        [_without_secrets, structlog.dev.ConsoleRenderer(exception_formatter=_plain_traceback)]
        if console
        else [
            # Without local variables: they hold keys, headers and input of people.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            _without_secrets,
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    )
    structlog.configure(
        processors=[*common, _add_name, *render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda name="trackers", *_: LineLogger(name, out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def _without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Redact all text fields: they may contain input of people and other hosts, above all in errors."""
    return {name: value if name in OURS else _redacted(value) for name, value in event.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redacted_text(value, MAX_VALUE_LENGTH)
    if isinstance(value, dict):
        # The frames of a traceback hold only file names and lines of code.
        return {name: item if name == "frames" else _redacted(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    return value if isinstance(value, PLAIN) else redacted_text(str(value), MAX_VALUE_LENGTH)


def _plain_traceback(out: TextIO, exc_info: ExcInfo) -> None:
    written = io.StringIO()
    structlog.dev.plain_traceback(written, exc_info)
    out.write(redacted_text(written.getvalue(), MAX_TRACEBACK_LENGTH))


def _json(event: dict[str, Any], default: Callable[[Any], Any] = str, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=default).decode()
