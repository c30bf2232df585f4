"""Jobs: send deliveries every second, account mails every three, digests every minute; remove old rows every hour."""

from typing import Final

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from shared.retention import Ageing, Retention
from users.notifications.account_mailer import AccountMailer
from users.notifications.challenger import Challenger
from users.notifications.delivery_repository import DeliveryRepository
from users.notifications.digest_repository import DigestRepository
from users.notifications.digest_run import DigestRun
from users.notifications.job_enqueuer import SEND, VERIFY
from users.notifications.sender import DeliverySender

REMOVED_AT_ONCE: Final = 1_000


def delivery_retention(*, database: Database, clock: Clock, keep_days: int, digests_keep_days: int) -> Retention:
    """Remove old events with their deliveries, and old digests except each person's last."""
    events = Ageing(
        what="notified_events",
        keep_days=keep_days,
        remove=lambda session, before, limit: DeliveryRepository(session).remove_old(before=before, limit=limit),
        batch_size=REMOVED_AT_ONCE,
    )
    digests = Ageing(
        what="digests",
        keep_days=digests_keep_days,
        remove=lambda session, before, limit: DigestRepository(session).remove_old(before=before, limit=limit),
        batch_size=REMOVED_AT_ONCE,
    )
    return Retention(database=database, clock=clock, kinds=[events, digests])


def notification_jobs(
    sender: DeliverySender,
    challenger: Challenger,
    account_mailer: AccountMailer,
    retention: Retention,
    digests: DigestRun,
) -> list[Job]:
    """Return the jobs; the time limit of the sender lets a run finish all work that it has claimed."""
    return [
        Job(name=SEND, run=sender.send_due, timeout=65, seconds=frozenset(range(60))),
        Job(
            name="notifications.account_mails",
            run=account_mailer.send_due,
            timeout=90,
            seconds=frozenset(range(1, 60, 3)),
        ),
        Job(name=VERIFY, run=challenger.challenge, timeout=30),
        Job(name="notifications.digests", run=digests.run, timeout=60, seconds=frozenset({5})),
        retention.job("notifications.remove_old", minutes={37}, second=50),
    ]
