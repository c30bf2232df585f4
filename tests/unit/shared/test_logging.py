"""Log lines: JSON outside a terminal, with what they belong to bound to them."""

import io
import json
import logging

import pytest
import structlog

from shared.logging import configure


@pytest.fixture
def stream() -> io.StringIO:
    """Where lines go."""
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_context(stream: io.StringIO) -> None:
    configure(level="INFO", form="auto", stream=stream)
    with structlog.contextvars.bound_contextvars(request_id="r-1", run_id="u-2"):
        structlog.get_logger("somewhere").info("scraped", targets=3)
    (line,) = lines(stream)
    assert line | {"timestamp": None} == {
        "event": "scraped",
        "targets": 3,
        "request_id": "r-1",
        "run_id": "u-2",
        "level": "info",
        "logger": "somewhere",
        "timestamp": None,
    }


def test_what_libraries_log_looks_alike(stream: io.StringIO) -> None:
    configure(level="INFO", form="json", stream=stream)
    with structlog.contextvars.bound_contextvars(job_id="j-1"):
        logging.getLogger("library").warning("odd: %s", 5)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"], line["job_id"]) == ("odd: 5", "warning", "library", "j-1")


def test_an_exception_keeps_its_trace_on_one_line(stream: io.StringIO) -> None:
    configure(level="INFO", form="json", stream=stream)
    try:
        int("no\nluck")
    except ValueError:
        structlog.get_logger("somewhere").exception("failed")
    (line,) = lines(stream)
    assert "ValueError" in json.dumps(line["exception"])


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_trace_shows_no_variables_because_they_hold_secrets(stream: io.StringIO, form: str) -> None:
    configure(level="INFO", form=form, stream=stream)

    def fail(key: str) -> None:
        raise LookupError(len(key))

    secret = "trk_" + "sesame"
    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            fail(secret)
        except LookupError:
            logger.exception("failed")
    assert "LookupError" in stream.getvalue()
    assert secret not in stream.getvalue()


def test_the_level_is_kept(stream: io.StringIO) -> None:
    configure(level="WARNING", form="json", stream=stream)
    structlog.get_logger("somewhere").info("quiet")
    structlog.get_logger("somewhere").warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_a_terminal_gets_lines_for_people(stream: io.StringIO) -> None:
    configure(level="INFO", form="console", stream=stream)
    structlog.get_logger("somewhere").info("scraped", targets=3)
    assert "scraped" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_line_holds_a_secret_wherever_it_stands(stream: io.StringIO, form: str) -> None:
    configure(level="INFO", form=form, stream=stream)
    address = "https://hooks.slack.com/services/T024BE91L/B03/sesame"

    said = f"no answer from {address}\nDETAIL:  Failing row contains (1, sesame)."

    def fail() -> None:
        raise LookupError(said)

    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        logger.warning("not sent to %s", address)
        try:
            fail()
        except LookupError:
            logger.exception("failed")
    ours = structlog.get_logger("ours")
    ours.info(
        address, path="/hooks/sesame", entry={"deep": [{"to": "sesame@example.org"}]}, raised=LookupError(address)
    )
    shown = stream.getvalue()
    assert "LookupError" in shown
    assert "fail()" in shown or '"name":"fail"' in shown
    assert "sesame" not in shown
