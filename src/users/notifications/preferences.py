"""Rules of preferences: the events that a person receives, how, and their quiet hours."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from shared.errors import Invalid
from shared.web.identity import PersonIdentity
from users.notifications.errors import UnknownEvent
from users.notifications.preference_repository import PreferenceRepository
from users.notifications.schemas import ANY, EVERYTHING, ChangePreferences, Mode, QuietHoursView, SubjectPreferences

MAX_PREFERENCES: Final = 2_000
"""Limit per person."""


class PreferenceService:
    """Stores preferences; concurrent changes by one person wait for each other."""

    def __init__(self, *, preferences: PreferenceRepository, known_events: Sequence[str]) -> None:
        self._preferences = preferences
        self._known_events = sorted(known_events)

    async def settle(self, asker: PersonIdentity, change: ChangePreferences) -> ChangePreferences:
        """Store a person's default preferences and quiet hours. Raises UnknownEvent or Invalid."""
        await self._preferences.lock_person(asker.user_id)
        await self._prefer(asker.user_id, EVERYTHING, change.defaults)
        await self._preferences.be_quiet(
            asker.user_id, None if change.quiet_hours is None else _times(change.quiet_hours)
        )
        return change

    async def settle_subject(
        self, asker: PersonIdentity, subject_id: UUID, preferences: SubjectPreferences
    ) -> SubjectPreferences:
        """Store preferences for one subject; without events, the defaults apply. Raises UnknownEvent or Invalid."""
        if subject_id == EVERYTHING:
            raise Invalid("No subject has this id.", extra={"field": "subject_id"})
        await self._preferences.lock_person(asker.user_id)
        await self._prefer(asker.user_id, subject_id, preferences.events)
        return preferences

    async def _prefer(self, user_id: UUID, subject_id: UUID, modes: Mapping[str, Mode]) -> None:
        for event in modes:
            if event != ANY and event not in self._known_events:
                raise UnknownEvent(event, self._known_events)
        stored = {"" if event == ANY else event: mode for event, mode in modes.items()}
        if await self._preferences.prefer(user_id, subject_id, stored) > MAX_PREFERENCES:
            raise Invalid(f"You have more than {MAX_PREFERENCES} preferences; remove some.", extra={"field": "events"})


def _times(hours: QuietHoursView) -> tuple[dt.time, dt.time]:
    return dt.time.fromisoformat(hours.from_), dt.time.fromisoformat(hours.to)
