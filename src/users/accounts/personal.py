"""Everything held about a person: handed out, or deleted, module by module."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import structlog

from shared.audit.activity import ActivityLog
from shared.audit.repository import ActivityRepository, AuditRepository
from shared.clock import Clock
from shared.web.identity import PersonIdentity
from shared.web.stored_responses import KEPT_FOR, StoredResponses
from users.accounts.errors import AccountNotFound
from users.accounts.repository import AccountRepository
from users.accounts.schemas import Export
from users.accounts.service import AccountService, Confirm, SessionEnder
from users.personal_data import PersonalData


class PersonalDataService:
    """Export and erasure."""

    def __init__(
        self,
        *,
        personal_data_providers: Sequence[PersonalData],
        accounts: AccountRepository,
        people: AccountService,
        sessions: SessionEnder,
        activity: ActivityLog,
        audit: AuditRepository,
        activities: ActivityRepository,
        answers: StoredResponses,
        clock: Clock,
    ) -> None:
        self._personal_data_providers = personal_data_providers
        self._accounts = accounts
        self._people = people
        self._sessions = sessions
        self._activity = activity
        self._audit = audit
        self._activities = activities
        self._answers = answers
        self._clock = clock

    async def export(self, user_id: UUID) -> Export:
        """All of it, a part for each module."""
        data: dict[str, Any] = {holder.name: await holder.export(user_id) for holder in self._personal_data_providers}
        return Export(exported_at=self._clock.now(), user_id=user_id, data=data)

    async def erase(self, user_id: UUID, *, asker: PersonIdentity, confirm: Confirm | None = None) -> None:
        """Delete a person and what is held about them. The logs keep that something was done, by a random pseudonym.

        Raises AccountNotFound or LastAdmin.
        """
        await self._people.keep_an_admin(user_id)
        if user_id not in await self._accounts.lock(user_id):
            raise AccountNotFound
        if confirm is not None:
            await confirm()
        account = await self._accounts.account(user_id)
        await self._sessions.end_all(user_id, because="erased")
        outside = [identity.external_id for identity in account.identities]
        things = await self._activities.subjects_of(user_id, since=self._clock.now() - KEPT_FOR)
        await self._answers.forget([str(user_id), *outside, *things])
        for holder in self._personal_data_providers:
            await holder.erase(user_id)
        await self._accounts.delete(user_id)
        await self._audit.forget_person(user_id, outside, pseudonym=uuid4())
        await self._activity.record("user.erased", subject="user", subject_id=user_id, actor=asker)
        structlog.get_logger(__name__).info("person_erased", user_id=str(user_id))
