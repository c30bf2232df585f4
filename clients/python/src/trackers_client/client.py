"""The two clients: a bot's and a person's."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, Self, TypedDict, TypeVar, Unpack
from uuid import UUID

import httpx

from trackers_client.credentials import ApiKey, Credentials, Login, NoLogin
from trackers_client.deprecation import Deprecated, DeprecationWatch, log_deprecated
from trackers_client.errors import TaskNotDone
from trackers_client.events import EventReader
from trackers_client.generated.admin import AdminCalls
from trackers_client.generated.bot import BotCalls
from trackers_client.generated.health import HealthCalls
from trackers_client.generated.member import MemberCalls
from trackers_client.generated.models import Status, Task, TaskState
from trackers_client.retries import Retries
from trackers_client.transport import Transport, checked_address, user_agent
from trackers_client.validators import EtagCache

TIMEOUT: Final = 30.0
DONE: Final = frozenset({Status.COMPLETED, Status.FAILED})
FIRST_LOOK: Final = 0.1
LONGEST_LOOK: Final = 2.0


class Standing(Protocol):
    """A task, whoever asks for it."""

    @property
    def status(self) -> Status: ...


S = TypeVar("S", bound=Standing)


class Options(TypedDict, total=False):
    """How a service is asked."""

    user_agent: str
    """The program that asks, as `my-bot/1.4`; the operator finds it in the log."""
    timeout: float
    """Seconds that connecting, sending, and each part of an answer may take."""
    retries: Retries
    """How often, and after how long, requests are sent again."""
    etags: EtagCache
    """Keeps answers, to be asked for again with `If-None-Match`; without it nothing is kept."""
    on_deprecated: Callable[[Deprecated], None]
    """Told once of each endpoint that is going to go; without it, that is logged."""
    allow_http: bool
    """Plain http to other machines too: within a network of one's own."""
    transport: httpx.AsyncBaseTransport
    """Another one of httpx's, such as a proxy's."""
    sleep: Callable[[float], Awaitable[None]]
    """What waits; for tests."""


class Client:
    """What both have: an address, connections, and how it is asked. Used with `async with`."""

    def __init__(self, base_url: str, credentials: Credentials, options: Options) -> None:
        self.http = httpx.AsyncClient(
            base_url=checked_address(base_url, allow_http=options.get("allow_http", False)),
            headers={"User-Agent": user_agent(options.get("user_agent", "")), "Accept": "application/json"},
            timeout=options.get("timeout", TIMEOUT),
            transport=options.get("transport"),
        )
        self.transport = Transport(
            self.http,
            credentials,
            retries=options.get("retries", Retries()),
            deprecations=DeprecationWatch(options.get("on_deprecated", log_deprecated)),
            cache=options.get("etags"),
            sleep=options.get("sleep", asyncio.sleep),
        )
        self.health = HealthCalls(self.transport).health

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self.transport.aclose()

    async def _until_done(self, look: Callable[[], Awaitable[S]], within: float, what: str) -> S:
        """Look at a task until it is over, less and less often: once at least, and no look goes on after the end."""
        until, pause = asyncio.get_running_loop().time() + within, FIRST_LOOK
        task = await look()
        limit = asyncio.timeout_at(until)
        try:
            async with limit:
                while task.status not in DONE:
                    await asyncio.sleep(0)  # where the end is reached, it ends here
                    await self.transport.sleep(pause)
                    pause = min(LONGEST_LOOK, pause * 1.5)
                    task = await look()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TaskNotDone(f"{what} is {task.status} after {within:g} s") from error
        return task


class BotClient(Client, BotCalls):
    """A bot, with its key: `bot.trackers.register_trackers(...)`, `bot.players.get_player_card("lynx titan")`.

    Every POST carries an `Idempotency-Key` and is carried out at most once, however often it is sent. Where that should
    hold over the end of this process, give one of your own: `idempotency_key=`.
    """

    def __init__(self, base_url: str, key: str, **options: Unpack[Options]) -> None:
        Client.__init__(self, base_url, ApiKey(key), options)
        BotCalls.__init__(self, self.transport)
        self.feed = EventReader(self.transport, self.events.list_events)

    async def wait_for_task(self, task_id: UUID, *, within: float = 60.0) -> Task:
        """The task once it is completed or failed; raises TaskNotDone after `within` seconds."""
        return await self._until_done(lambda: self.tasks.get_task(task_id), within, f"task {task_id}")


class MemberClient(Client, MemberCalls):
    """A person, with a login; without one only what asks for none, such as `auth.register`.

    `admin` is what admins may do besides.
    """

    def __init__(self, base_url: str, login: Login | None = None, **options: Unpack[Options]) -> None:
        Client.__init__(self, base_url, login or NoLogin(), options)
        MemberCalls.__init__(self, self.transport)
        self.admin = AdminCalls(self.transport)

    async def wait_for_task(self, task_id: UUID, *, within: float = 60.0) -> TaskState:
        """The task once it is completed or failed; raises TaskNotDone after `within` seconds."""
        return await self._until_done(lambda: self.tasks.get_task(task_id), within, f"task {task_id}")
