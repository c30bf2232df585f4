"""Rules of digests: settings, preview and unsubscribing."""

from datetime import timedelta
from typing import Final

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Queries
from shared.web.identity import PersonIdentity
from users.notifications.digest_mail import DigestMail
from users.notifications.digest_queries import DigestQueries
from users.notifications.digest_repository import DigestRepository
from users.notifications.digest_run import DigestBuilder
from users.notifications.digest_schedule import Period, Plan, next_due
from users.notifications.digest_schemas import DigestPreview, DigestSettings, SettleDigest
from users.notifications.errors import BadUnsubscribeLink, NoMailbox
from users.notifications.preference_repository import PreferenceRepository
from users.notifications.unsubscribing import Unsubscribing

LOOKBACK: Final = timedelta(days=7)
"""Window of the preview for a person without digests."""


class DigestService(DigestQueries):
    """Sets, previews and switches off digests; DigestQueries reads the settings."""

    def __init__(
        self,
        questions: Queries,
        *,
        digests: DigestRepository,
        preferences: PreferenceRepository,
        builder: DigestBuilder,
        mail: DigestMail,
        unsubscribing: Unsubscribing,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        super().__init__(questions)
        self._digests = digests
        self._preferences = preferences
        self._builder = builder
        self._mail = mail
        self._unsubscribing = unsubscribing
        self._activity = activity
        self._clock = clock

    async def settle(self, asker: PersonIdentity, given: SettleDigest) -> DigestSettings:
        """Store how often digests come. Raises NoMailbox if there is no active e-mail channel to send them to."""
        user_id, now = asker.user_id, self._clock.now()
        await self._preferences.lock_person(user_id)
        if given.period is Period.OFF:
            await self._digests.switch_off(user_id)
            return await self.settings(user_id)
        if await self._digests.own_mailbox(user_id, given.channel_id) is None:
            raise NoMailbox
        plan = Plan(
            period=given.period,
            hour=given.hour,
            weekday=given.weekday,
            time_zone=await self._digests.time_zone(user_id),
        )
        await self._digests.settle(user_id, plan, channel_id=given.channel_id, next_at=next_due(plan, now), now=now)
        return await self.settings(user_id)

    async def preview(self, asker: PersonIdentity) -> DigestPreview:
        """Build the digest as of now; nothing is stored or sent."""
        now = self._clock.now()
        due = await self._digests.one(asker.user_id)
        since, until = (now - LOOKBACK, now) if due is None else (self._builder.window_of(due, now)[0], now)
        zone = await self._digests.time_zone(asker.user_id)
        digest = (await self._builder.build({asker.user_id: (since, until)}, {asker.user_id: zone}))[asker.user_id]
        rendered = self._mail.rendered(digest, asker.user_id)
        return DigestPreview(
            subject=rendered.subject,
            since=digest.since,
            until=digest.until,
            entries=digest.entries,
            sections=list(digest.sections),
            text=rendered.text,
            html=rendered.html,
        )

    async def unsubscribe(self, token: str) -> None:
        """Switch digests off by the token of a link; repeatable. Raises BadUnsubscribeLink if it is not valid."""
        user_id = self._unsubscribing.read(token)
        if user_id is None:
            raise BadUnsubscribeLink
        if await self._digests.switch_off(user_id):
            await self._activity.record("digest.unsubscribed", subject="user", subject_id=user_id, user_id=user_id)

    def check_link(self, token: str) -> None:
        """Raise BadUnsubscribeLink if the token of a link is not valid."""
        if self._unsubscribing.read(token) is None:
            raise BadUnsubscribeLink
