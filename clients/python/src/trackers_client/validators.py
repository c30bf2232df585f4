"""Answers kept to be asked for again with `If-None-Match`: 304 costs the service no body, and us none to read."""

from collections import OrderedDict
from dataclasses import dataclass

import httpx


@dataclass(frozen=True, kw_only=True)
class StoredResponse:
    """An answer, and the validator that asks whether it is the same still."""

    tag: str
    body: bytes


class EtagCache:
    """The newest answers to GETs, by address; for one client, since what is answered depends on who asks."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._kept: OrderedDict[str, StoredResponse] = OrderedDict()

    def of(self, url: httpx.URL) -> StoredResponse | None:
        """What is kept of an address; who asks holds on to it until the answer comes, since others may push it out."""
        return self._kept.get(str(url))

    def keep(self, url: httpx.URL, answer: httpx.Response) -> None:
        """Keep an answer, if it has a validator."""
        if (tag := answer.headers.get("etag")) is not None:
            self._put(url, StoredResponse(tag=tag, body=answer.content))

    def confirm(self, url: httpx.URL, kept: StoredResponse) -> None:
        """It is the same still, and so among the newest; one that was pushed out comes back."""
        self._put(url, kept)

    def _put(self, url: httpx.URL, kept: StoredResponse) -> None:
        self._kept[str(url)] = kept
        self._kept.move_to_end(str(url))
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
