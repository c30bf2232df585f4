"""Structured logs: one event a line, JSON outside a terminal, with the request, job or run they belong to.

Every process calls `configure` once; everything else asks structlog for a logger where it needs one.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

QUIET = ("alembic", "arq", "httpx", "httpcore", "aiohttp", "uvicorn")


def configure(*, level: str, form: str) -> None:
    """Set up structlog and the standard library's logging behind it. `form`: auto, console or json."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(serializer=_json)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _json(event: dict[str, Any], default: Callable[[Any], Any] = str, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=default).decode()
