"""State of the whole process that a test may change: it is as before once the test is over."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def process_state_restored() -> Iterator[None]:
    """Restore the configuration of both logging libraries, structlog's context variables and the environment."""
    configuration, context, environ = structlog.get_config(), structlog.contextvars.get_contextvars(), dict(os.environ)
    processors = list(configuration["processors"])
    handlers, levels = list(logging.root.handlers), _levels()
    try:
        yield
    finally:
        structlog.configure(**configuration | {"processors": processors})
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**context)
        logging.root.handlers[:] = handlers
        for logger, level in _levels().items():
            if level != (before := levels.get(logger, logging.NOTSET)):
                logger.setLevel(before)
        if environ != os.environ:
            os.environ.clear()
            os.environ.update(environ)


def _levels() -> dict[logging.Logger, int]:
    known = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    return {logger: logger.level for logger in (logging.root, *known)}
