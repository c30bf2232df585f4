"""Lists of any length, a page at a time."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
P = ParamSpec("P")


class Page(Protocol[T_co]):
    """Some entries of a list, and how to go on: by `page`, by `next_before` or by `next_after`."""

    @property
    def items(self) -> Sequence[T_co]: ...


async def every(
    ask: Callable[P, Awaitable[Page[T]]], *arguments: P.args, **parameters: P.kwargs
) -> AsyncGenerator[T, None]:
    """Every entry of a list: `every(bot.trackers.list_trackers, per_page=100)`.

    The next page is asked for when the one before was read. Raises a TypeError for a list that has no pages.
    """
    asked: dict[str, Any] = dict(parameters)
    while True:
        page: Any = await ask(*arguments, **asked)
        for one in page.items:
            yield one
        following = _following(page, asked)
        if following is None:
            return
        asked |= following


def _following(page: Any, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What the next page is asked with; None after the last one."""
    if hasattr(page, "next_before"):
        return None if page.next_before is None else {"before": page.next_before}
    if hasattr(page, "next_after"):
        # A page of a filtered list may hold nothing and still have come further.
        return None if page.next_after == asked.get("after", 0) else {"after": page.next_after}
    if hasattr(page, "per_page"):
        more = bool(page.items) and page.page * page.per_page < page.total
        return {"page": page.page + 1} if more else None
    raise TypeError(f"{type(page).__name__} has no pages; ask for it as it is, with {asked or 'nothing'}.")
