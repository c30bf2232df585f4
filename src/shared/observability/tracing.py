"""Interface of tracing for the app: spans at the borders between its parts.

By default tracing is off: OpenTelemetry's SDK is not imported, and a span does nothing.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Any, Final, Protocol

Attribute = str | int | float | bool


class SpanKind(StrEnum):
    """Side of an exchange that a span describes (OpenTelemetry's SpanKind)."""

    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"


class Span(Protocol):
    """A piece of work in progress."""

    def named(self, name: str) -> None:
        """Set the name of the span, if it is not known at its start."""

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        """Add attributes. These must not contain names of people, things that people follow, or secrets."""

    def failed(self, why: str) -> None:
        """Mark the span as failed; `why` is the class of an error or a status, but not a message."""


class Tracing(Protocol):
    """Opens spans and continues traces across processes."""

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
        """A span for the duration of the block; it is marked as failed if the block raises.

        `parent` is a W3C traceparent whose trace and sampling decision are continued; `link` is only linked.
        """

    def statement(self, sql: str) -> Span | None:
        """Begin the span of an SQL statement; None outside a trace. The caller must pass it to `ended`."""

    def ended(self, statement: Span, error: BaseException | None = None) -> None:
        """End the span of a statement."""

    def apart(self) -> AbstractContextManager[object]:
        """Detach the block from the current trace. For endless work, whose trace would never end."""

    def carried(self) -> str | None:
        """The W3C traceparent of the current span; None if there is none."""

    def trace_id(self) -> str | None:
        """Trace id of the current span, for the log; None if there is none."""

    async def close(self) -> None:
        """Send the remaining traces, within a few seconds."""


class NoSpan:
    """A span that does nothing."""

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
        name: str,  # noqa: ARG002 -- part of the protocol
        kind: SpanKind,  # noqa: ARG002 -- likewise
        attributes: Mapping[str, Attribute] | None = None,  # noqa: ARG002 -- likewise
        *,
        parent: str | None = None,  # noqa: ARG002 -- likewise
        link: str | None = None,  # noqa: ARG002 -- likewise
    ) -> AbstractContextManager[Span]:
        return self._nothing

    def statement(self, sql: str) -> Span | None:  # noqa: ARG002 -- part of the protocol
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
    """Make each statement that SQLAlchemy sends a span; `PooledQueries` opens its own spans."""
    from sqlalchemy import event  # noqa: PLC0415 -- only needed if traces are on

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
