"""What accounts hold about a person: the account itself, its sessions, and the logs of what they asked for."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.audit.queries import AuditQueries
from shared.audit.repository import ActivityRepository
from shared.audit.schemas import ActivityEntry, ActivityFilter, AuditEntry, AuditFilter, Page
from users.accounts.queries import AccountQueries
from users.accounts.schemas import Account, PastSession

AT_ONCE: Final = 1_000
MOST: Final = 20_000
"""Entries of each log that an export holds, the newest; more than anybody brings about in earnest."""
E = TypeVar("E", bound="_Entry")


class _Entry(Protocol):
    @property
    def id(self) -> UUID: ...


class PastSessions(Protocol):
    """Who knows where somebody was logged in."""

    async def past_sessions(self, user_id: UUID) -> list[PastSession]: ...


class AccountExport(Struct, frozen=True, kw_only=True):
    """Everything but the password's hash, which tells nothing, and what requests sent, which the other parts hold."""

    account: Account
    sessions: list[PastSession]
    requests: list[AuditEntry]
    activity: list[ActivityEntry]


class AccountPersonalData:
    """Deleted, and handed over, with the account's row."""

    name: Final = "account"

    def __init__(
        self, *, accounts: AccountQueries, sessions: PastSessions, logs: AuditQueries, activities: ActivityRepository
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._logs = logs
        self._activities = activities

    async def export(self, user_id: UUID) -> AccountExport:
        async def requests(page: Page) -> list[AuditEntry]:
            found = await self._logs.requests(AuditFilter(actor_id=user_id), page)
            return [msgspec.structs.replace(request, body=None) for request in found.items]

        async def activities(page: Page) -> list[ActivityEntry]:
            return (await self._logs.activities(ActivityFilter(user_id=user_id), page)).items

        return AccountExport(
            account=await self._accounts.account(user_id),
            sessions=await self._sessions.past_sessions(user_id),
            requests=await _every_page(requests),
            activity=await _every_page(activities),
        )

    async def erase(self, user_id: UUID) -> None:
        """The account's row goes last, and these with it."""

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """What happened to their things. Identities move with the claim; who cannot log in has no sessions."""
        await self._activities.hand_over(user_id, to=to)


async def _every_page(ask: Callable[[Page], Awaitable[list[E]]]) -> list[E]:
    found: list[E] = []
    while True:
        more = await ask(Page(limit=AT_ONCE, before=found[-1].id if found else None))
        found += more
        if len(more) < AT_ONCE or len(found) >= MOST:
            return found
