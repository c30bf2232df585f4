"""What a test changes for the whole process is undone before the next one."""

import logging
import os

import structlog
from structlog.testing import capture_logs
from tests.isolation import process_state_restored

from shared.logging import QUIET, configure


def test_logging_is_as_before() -> None:
    before = structlog.get_config() | {"processors": list(structlog.get_config()["processors"])}
    handlers, level = list(logging.root.handlers), logging.root.level
    logging.getLogger(QUIET[0]).setLevel(logging.ERROR)
    with process_state_restored():
        configure(level="CRITICAL", form="json")
        logging.getLogger("first met here").setLevel(logging.ERROR)
        structlog.contextvars.bind_contextvars(request_id="r-1")
    assert structlog.get_config() == before
    assert (logging.root.handlers, logging.root.level) == (handlers, level)
    assert logging.getLogger(QUIET[0]).level == logging.ERROR
    assert logging.getLogger("first met here").level == logging.NOTSET
    assert structlog.contextvars.get_contextvars() == {}


def test_lines_are_captured_after_a_process_that_logs_less() -> None:
    with process_state_restored():
        configure(level="CRITICAL", form="json")
        structlog.get_logger("somewhere").info("not shown")
    with capture_logs() as logs:
        structlog.get_logger("somewhere").info("shown")
    assert [line["event"] for line in logs] == ["shown"]


def test_the_environment_is_as_before() -> None:
    before = dict(os.environ)
    with process_state_restored():
        os.environ["TRACKERS_ENV"] = "somewhere else"
        del os.environ["PATH"]
    assert dict(os.environ) == before
