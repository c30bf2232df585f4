"""Answers kept to be asked for again with `If-None-Match`: 304 costs the service no body, and us none to read."""

from collections import OrderedDict

import httpx


class EtagCache:
    """The newest answers to GETs, by address; for one client, since what is answered depends on who asks."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()

    def headers_for(self, url: httpx.URL) -> dict[str, str]:
        kept = self._kept.get(str(url))
        return {} if kept is None else {"If-None-Match": kept[0]}

    def whole(self, url: httpx.URL, answer: httpx.Response) -> bytes:
        """The body: the kept one where the service says that it is the same still."""
        key = str(url)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            self._kept.move_to_end(key)
            return self._kept[key][1]
        if (tag := answer.headers.get("etag")) is not None:
            self._kept[key] = (tag, answer.content)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return answer.content
