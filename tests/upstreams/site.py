"""What a simulated site is: a name, answers to requests, and knobs that a test may turn."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct


class Request(Struct, frozen=True):
    """A request as the site sees it; path and query still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


class Answer(Struct):
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = {}


class Refused(Exception):  # noqa: N818 -- not a failure of the simulator: the test asked for something impossible
    """A control call that makes no sense; becomes a 400 with the message."""


class Site(ABC):
    """A foreign site; one file each. `options` are its modes, `actions` what a test can do to it.

    Both are called by their name over HTTP, with JSON arguments: `POST /_control/sites/{name}/{action}`.
    """

    name: ClassVar[str]

    def __init__(self, *, seed: int, clock: Callable[[], datetime], options: Mapping[str, Any]):
        self.seed = seed
        self.clock = clock
        self._initial = dict(options)
        self.robots = Answer(body=b"User-agent: *\nAllow: /\n", content_type="text/plain; charset=utf-8")
        self.reset()

    def reset(self) -> None:
        """As just started."""
        self.robots = Answer(body=b"User-agent: *\nAllow: /\n", content_type="text/plain; charset=utf-8")
        self.forget()
        self.configure(**self._initial)

    def control(self, action: str, arguments: Mapping[str, Any]) -> Any:
        known = self.actions()
        if action not in known:
            raise Refused(f"{self.name} has no action {action!r}; it has {', '.join(sorted(known))}")
        try:
            return known[action](**arguments)
        except (TypeError, ValueError, KeyError) as error:
            raise Refused(f"{self.name}.{action}: {error!r}") from error

    def actions(self) -> dict[str, Callable[..., Any]]:
        return {"configure": self.configure, "robots": self.set_robots}

    def set_robots(self, text: str = "", status: int = 200) -> None:
        self.robots = Answer(status=status, body=text.encode(), content_type="text/plain; charset=utf-8")

    @abstractmethod
    def forget(self) -> None:
        """Forget everything that happened; options are set again afterwards."""

    @abstractmethod
    def configure(self, **options: Any) -> None:
        """Turn the site's knobs; unknown ones are refused."""

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """The healthy answer."""

    @abstractmethod
    def changed(self, request: Request) -> Answer:
        """The answer after a rebuild of the site: well-formed, and nothing where it was."""

    @abstractmethod
    def missing(self, request: Request) -> Answer:
        """How the site says that it has no such thing."""

    def throttled(self, request: Request) -> Answer:
        return Answer(status=429, body=b"Too Many Requests", content_type="text/plain")
