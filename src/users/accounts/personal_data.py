"""Personal data of accounts: the account itself, its sessions, and its entries in the logs."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.audit.queries import AuditQueries
from shared.audit.repository import AuditRepository
from shared.audit.schemas import ActivityEntry, ActivityFilter, ActorKind, AuditEntry, AuditFilter, LogPage
from users.accounts.mail_repository import AccountMailRepository
from users.accounts.queries import AccountQueries
from users.accounts.schemas import Account, PastSession, SentMail

PAGE_SIZE: Final = 1_000
MAX_LOG_ENTRIES: Final = 20_000
"""An export contains this many newest entries of each log; normal use causes fewer."""
E = TypeVar("E", bound="_Entry")


class _Entry(Protocol):
    @property
    def id(self) -> UUID: ...


class PastSessions(Protocol):
    """Reads all stored sessions of a person."""

    async def past_sessions(self, user_id: UUID) -> list[PastSession]: ...


class AccountExport(Struct, frozen=True, kw_only=True):
    """Everything about the account except the password hash, which reveals nothing."""

    account: Account
    mails: list[SentMail]
    """Mails about the e-mail address that are still stored."""
    sessions: list[PastSession]
    requests: list[AuditEntry]
    """Requests of the person."""
    concerning: list[AuditEntry]
    """Requests about the person: logins, and actions of bots and admins without the origin of these."""
    activity: list[ActivityEntry]
    """Events about the person's things, and events that the person caused."""


class AccountPersonalData:
    """Exports account data. Most of it is deleted and handed over with the account's row."""

    name: Final = "account"

    def __init__(
        self,
        *,
        accounts: AccountQueries,
        sessions: PastSessions,
        logs: AuditQueries,
        audit: AuditRepository,
        mails: AccountMailRepository,
        most: int = MAX_LOG_ENTRIES,
    ) -> None:
        self._most = most
        self._mails = mails
        self._accounts = accounts
        self._sessions = sessions
        self._logs = logs
        self._audit = audit

    async def export(self, user_id: UUID) -> AccountExport:
        account = await self._accounts.account(user_id)
        names = {str(user_id), *(identity.external_id for identity in account.identities)}

        async def requests(criteria: AuditFilter) -> list[AuditEntry]:
            return await _newest(lambda page: self._requests(criteria, page), self._most)

        async def activities(criteria: ActivityFilter) -> list[ActivityEntry]:
            return await _newest(lambda page: self._activity_events(criteria, page), self._most)

        concerning = _newest_first(
            [entry for name in sorted(names) for entry in await requests(AuditFilter(mention=name))]
        )
        own_requests = await requests(AuditFilter(actor_id=user_id))
        exported_ids = {entry.id for entry in _newest_first([*own_requests, *concerning])[: self._most]}
        events = [
            *await activities(ActivityFilter(user_id=user_id)),
            *await activities(ActivityFilter(actor_id=user_id)),
        ]
        return AccountExport(
            account=account,
            mails=await self._accounts.mails(user_id),
            sessions=await self._sessions.past_sessions(user_id),
            requests=[entry for entry in own_requests if entry.id in exported_ids],
            concerning=[_of_others(entry, names) for entry in concerning if entry.id in exported_ids],
            activity=_newest_first(events)[: self._most],
        )

    async def _requests(self, criteria: AuditFilter, page: LogPage) -> list[AuditEntry]:
        return (await self._logs.requests(criteria, page)).items

    async def _activity_events(self, criteria: ActivityFilter, page: LogPage) -> list[ActivityEntry]:
        return (await self._logs.activities(criteria, page)).items

    async def erase(self, user_id: UUID) -> None:
        """Delete mails to the person's address, no matter which account entered it.

        The rest goes with the account's row.
        """
        await self._mails.drop_mails_to_address_of(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Rewrite the logs to the other account.

        Identities move with the claim, and an account without login has no sessions.
        """
        await self._audit.hand_over(user_id, to=to)


async def _newest(fetch_page: Callable[[LogPage], Awaitable[list[E]]], most: int) -> list[E]:
    entries: list[E] = []
    while len(entries) < most:
        limit = min(PAGE_SIZE, most - len(entries))
        page = await fetch_page(LogPage(limit=limit, before=entries[-1].id if entries else None))
        entries += page
        if len(page) < limit:
            break
    return entries


def _newest_first(entries: Iterable[E]) -> list[E]:
    """Distinct entries, newest first."""
    return sorted({entry.id: entry for entry in entries}.values(), key=lambda entry: entry.id, reverse=True)


def _of_others(entry: AuditEntry, names: set[str]) -> AuditEntry:
    """Return an entry as the person may read it: without other people, and without the origin of another's request."""
    if entry.actor_kind == ActorKind.ANONYMOUS:  # plain text in rows
        return entry
    alone = names >= set(entry.mentions or ())
    return msgspec.structs.replace(
        entry,
        actor_id=None,
        address=None,
        user_agent=None,
        request_id=None,
        path=entry.path if alone else None,
        resource=entry.resource if alone else None,
        body=entry.body if alone else None,
        mentions=[name for name in entry.mentions or () if name in names],
    )
