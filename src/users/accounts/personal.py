"""Export and erasure of everything that is stored about a person, module by module."""

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
    """Exports and erases a person's data."""

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
        """Return everything that is stored about a person, one part per module."""
        data: dict[str, Any] = {
            provider.name: await provider.export(user_id) for provider in self._personal_data_providers
        }
        return Export(exported_at=self._clock.now(), user_id=user_id, data=data)

    async def erase(self, user_id: UUID, *, asker: PersonIdentity, confirm: Confirm | None = None) -> None:
        """Delete a person and everything that is stored about them.

        The logs still show that something was done, under a random pseudonym. `confirm` runs once the account is
        locked. Raises AccountNotFound or LastAdmin.
        """
        await self._people.keep_an_admin(user_id)
        if user_id not in await self._accounts.lock(user_id):
            raise AccountNotFound
        if confirm is not None:
            await confirm()
        account = await self._accounts.account(user_id)
        await self._sessions.end_all(user_id, because="erased")
        external_ids = [identity.external_id for identity in account.identities]
        subject_ids = await self._activities.subjects_of(user_id, since=self._clock.now() - KEPT_FOR)
        await self._answers.forget([str(user_id), *external_ids, *subject_ids])
        for provider in self._personal_data_providers:
            await provider.erase(user_id)
        await self._accounts.delete(user_id)
        await self._audit.forget_person(user_id, external_ids, pseudonym=uuid4())
        await self._activity.record("user.erased", subject="user", subject_id=user_id, actor=asker)
        structlog.get_logger(__name__).info("person_erased", user_id=str(user_id))
