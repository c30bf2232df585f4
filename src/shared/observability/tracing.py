"""Traces as the rest of the house knows them: spans that are opened where one part hands over to another.

Off, which is the default, nothing of OpenTelemetry's SDK is loaded, and a span is a block without effect.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Any, Final, Protocol

Attribute = str | int | float | bool


class SpanKind(StrEnum):
    """Which side of a conversation a span is (OpenTelemetry's SpanKind)."""

    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"


class Span(Protocol):
    """A piece of work under way."""

    def named(self, name: str) -> None:
        """What it is called, where that is known only later."""

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        """Say more of it. Never what people are called, what they look at, or anything secret."""

    def failed(self, why: str) -> None:
        """It went wrong; `why` is the name of an error or a status, not a message."""


class Tracing(Protocol):
    """Opens spans, and carries them from process to process."""

    on: bool

    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Attribute] | None = None,
        *,
        parent: str | None = None,
        link: str | None = None,
    ) -> AbstractContextManager[Span]:
        """A span for as long as the block runs; what raises out of it failed.

        `parent`: a W3C traceparent whose trace goes on, kept or not as it says. `link`: one that is pointed to.
        """

    def statement(self, sql: str) -> Span | None:
        """Begin a statement's span; None outside any trace. Whoever begins one gives it to `ended`."""

    def ended(self, statement: Span, error: BaseException | None = None) -> None:
        """The statement came to its end."""

    def apart(self) -> AbstractContextManager[object]:
        """What is begun within belongs to no trace: for what goes on and on, which would be one without end."""

    def carried(self) -> str | None:
        """The W3C traceparent of the span that is open; None where there is none."""

    def trace_id(self) -> str | None:
        """Of the span that is open, for the log."""

    async def close(self) -> None:
        """Send what is left, for a few seconds at most."""


class NoSpan:
    """A piece of work that nobody follows."""

    def named(self, name: str) -> None:
        pass

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        pass

    def failed(self, why: str) -> None:
        pass


class NoTracing:
    """Tracing that is off."""

    on = False

    def __init__(self) -> None:
        self._nothing: Final = nullcontext(NoSpan())

    def span(
        self,
        name: str,  # noqa: ARG002 -- the protocol's
        kind: SpanKind,  # noqa: ARG002 -- likewise
        attributes: Mapping[str, Attribute] | None = None,  # noqa: ARG002 -- likewise
        *,
        parent: str | None = None,  # noqa: ARG002 -- likewise
        link: str | None = None,  # noqa: ARG002 -- likewise
    ) -> AbstractContextManager[Span]:
        return self._nothing

    def statement(self, sql: str) -> Span | None:  # noqa: ARG002 -- the protocol's
        return None

    def ended(self, statement: Span, error: BaseException | None = None) -> None:
        pass

    def apart(self) -> AbstractContextManager[object]:
        return self._nothing

    def carried(self) -> str | None:
        return None

    def trace_id(self) -> str | None:
        return None

    async def close(self) -> None:
        pass


def trace_statements(engine: Any, tracing: Tracing) -> None:
    """Have every statement that SQLAlchemy sends be a span; `PooledQueries` opens its own."""
    from sqlalchemy import event  # noqa: PLC0415 -- only where traces are wanted

    def begun(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        connection.info["span"] = tracing.statement(statement)

    def done(connection: Any, *_: Any) -> None:
        if (span := connection.info.pop("span", None)) is not None:
            tracing.ended(span)

    def failed(context: Any) -> None:
        if context.connection is not None and (span := context.connection.info.pop("span", None)) is not None:
            tracing.ended(span, context.original_exception)

    event.listen(engine.sync_engine, "before_cursor_execute", begun)
    event.listen(engine.sync_engine, "after_cursor_execute", done)
    event.listen(engine.sync_engine, "handle_error", failed)
