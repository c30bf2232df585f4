"""What every group of calls stands on."""

from collections.abc import Mapping
from typing import Any, TypeVar

from trackers_client.errors import UnreadableAnswer, read
from trackers_client.transport import JSON, Transport

T = TypeVar("T")


class Calls:
    """Calls about one kind of things."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def _ask(
        self,
        into: type[T] | None,
        method: str,
        template: str,
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
        reads: str = JSON,
    ) -> T:
        """Send one request and read its answer: a Struct, a text, or nothing."""
        answer = await self._transport.send(
            method, template, path=path, query=query, body=body, idempotency_key=idempotency_key, reads=reads
        )
        if into is None:
            return None  # type: ignore[return-value]  # T is None then
        if into is str:
            try:
                return answer.decode()  # type: ignore[return-value]  # T is str then
            except UnicodeDecodeError as error:
                raise UnreadableAnswer(f"The answer is not what it should be: {error}") from error
        return read(answer, into)
