"""What accounts hold about a person: the account itself, its sessions, and the logs of what they asked for."""

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
"""Entries of each log that an export holds, the newest; more than anybody brings about in earnest."""
E = TypeVar("E", bound="_Entry")


class _Entry(Protocol):
    @property
    def id(self) -> UUID: ...


class PastSessions(Protocol):
    """Who knows where somebody was logged in."""

    async def past_sessions(self, user_id: UUID) -> list[PastSession]: ...


class AccountExport(Struct, frozen=True, kw_only=True):
    """Everything but the password's hash, which tells nothing."""

    account: Account
    mails: list[SentMail]
    """About the e-mail address, as long as they are stored."""
    sessions: list[PastSession]
    requests: list[AuditEntry]
    """What the person asked for."""
    concerning: list[AuditEntry]
    """What was asked about the person: logins, and what bots and admins did, without from where these asked."""
    activity: list[ActivityEntry]
    """What happened to the person's things, and what the person did."""


class AccountPersonalData:
    """Deleted, and handed over, with the account's row."""

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

        async def requests(wanted: AuditFilter) -> list[AuditEntry]:
            return await _newest(lambda page: self._requests(wanted, page), self._most)

        async def activities(wanted: ActivityFilter) -> list[ActivityEntry]:
            return await _newest(lambda page: self._activity_events(wanted, page), self._most)

        concerning = _newest_first(
            [entry for name in sorted(names) for entry in await requests(AuditFilter(mention=name))]
        )
        asked = await requests(AuditFilter(actor_id=user_id))
        kept = {entry.id for entry in _newest_first([*asked, *concerning])[: self._most]}
        happened = [
            *await activities(ActivityFilter(user_id=user_id)),
            *await activities(ActivityFilter(actor_id=user_id)),
        ]
        return AccountExport(
            account=account,
            mails=await self._accounts.mails(user_id),
            sessions=await self._sessions.past_sessions(user_id),
            requests=[entry for entry in asked if entry.id in kept],
            concerning=[_of_others(entry, names) for entry in concerning if entry.id in kept],
            activity=_newest_first(happened)[: self._most],
        )

    async def _requests(self, wanted: AuditFilter, page: LogPage) -> list[AuditEntry]:
        return (await self._logs.requests(wanted, page)).items

    async def _activity_events(self, wanted: ActivityFilter, page: LogPage) -> list[ActivityEntry]:
        return (await self._logs.activities(wanted, page)).items

    async def erase(self, user_id: UUID) -> None:
        """Mails to the person's address, whoever typed it in; the rest goes with the account's row."""
        await self._mails.drop_mails_to_address_of(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """What the logs say of them. Identities move with the claim; who cannot log in has no sessions."""
        await self._audit.hand_over(user_id, to=to)


async def _newest(ask: Callable[[LogPage], Awaitable[list[E]]], most: int) -> list[E]:
    found: list[E] = []
    while len(found) < most:
        wanted = min(PAGE_SIZE, most - len(found))
        more = await ask(LogPage(limit=wanted, before=found[-1].id if found else None))
        found += more
        if len(more) < wanted:
            break
    return found


def _newest_first(entries: Iterable[E]) -> list[E]:
    """Each once."""
    return sorted({entry.id: entry for entry in entries}.values(), key=lambda entry: entry.id, reverse=True)


def _of_others(entry: AuditEntry, names: set[str]) -> AuditEntry:
    """An entry about somebody as they may read it: not who else is in it, nor from where another person asked."""
    if entry.actor_kind == ActorKind.ANONYMOUS:  # a plain text, as rows have it
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
