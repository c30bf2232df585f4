"""What is written to the two logs, and what is taken out of them again."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.audit.schemas import ActivityEntry, AuditEntry
from shared.database import Database, Reader, Repository

_ADD: Final = text("""
INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, method, route, path, resource, status, address,
                       user_agent, request_id, body, mentions)
VALUES (CAST(:id AS uuid), CAST(:at AS timestamptz), CAST(:actor_kind AS text), CAST(:actor_id AS uuid),
        CAST(:actor_name AS text), CAST(:method AS text), CAST(:route AS text), CAST(:path AS text),
        CAST(:resource AS jsonb), CAST(:status AS smallint), CAST(:address AS text), CAST(:user_agent AS text),
        CAST(:request_id AS text), CAST(:body AS jsonb), CAST(:mentions AS text[]))
""")
_CORRECT: Final = text("UPDATE audit_log SET status = CAST(:status AS smallint) WHERE id = CAST(:id AS uuid)")
_FORGET_REQUESTS: Final = text("""
UPDATE audit_log SET address = NULL, user_agent = NULL, path = NULL, resource = NULL, body = NULL,
                     mentions = NULL
WHERE actor_id = :user_id
""")
_FORGET_MENTIONS: Final = text("""
UPDATE audit_log SET path = route, resource = NULL, body = NULL, mentions = NULL
WHERE mentions IS NOT NULL AND mentions && CAST(:names AS text[])
""")
_FORGET_ACTIVITIES: Final = text("UPDATE activity_log SET details = NULL WHERE user_id = :user_id")
_FORGET_SUBJECTS: Final = text(
    "DELETE FROM activity_log WHERE subject_id = ANY(CAST(:ids AS text[])) AND subject = :subject"
)
_HAND_OVER: Final = text("UPDATE activity_log SET user_id = :to WHERE user_id = :user_id")
_ADD_ACTIVITIES: Final = text("""
INSERT INTO activity_log (id, at, event, subject, subject_id, user_id, actor_kind, actor_id, details, request_id)
SELECT id, at, event, subject, subject_id, user_id, actor_kind, actor_id, details, request_id
FROM jsonb_to_recordset(CAST(:happened AS jsonb)) AS x (
    id uuid, at timestamptz, event text, subject text, subject_id text, user_id uuid, actor_kind text, actor_id uuid,
    details jsonb, request_id text
)
""")
_REMOVE_OLD_REQUESTS: Final = text("""
DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < :boundary ORDER BY id LIMIT :limit)
""")
_REMOVE_OLD_ACTIVITIES: Final = text("""
DELETE FROM activity_log WHERE id IN (SELECT id FROM activity_log WHERE id < :boundary ORDER BY id LIMIT :limit)
""")


class AuditRepository(Repository):
    """The audit log, in the transaction of the change that a request made."""

    async def add(self, entry: AuditEntry) -> None:
        await self.session.execute(_ADD, _row(entry))

    async def forget_person(self, user_id: UUID, external_ids: Collection[str]) -> None:
        """Take out of both logs what tells of a person: what they sent, from where, and details of what is theirs;
        and what bots sent in which one of their outside ids stands.

        That there was a request, its route, its outcome and the id stay. Done at the end of the transaction, so that
        the request that asks for it is forgotten, too.
        """

        async def forget() -> None:
            await self.session.execute(_FORGET_REQUESTS, {"user_id": user_id})
            await self.session.execute(_FORGET_MENTIONS, {"names": list(external_ids)})
            await self.session.execute(_FORGET_ACTIVITIES, {"user_id": user_id})

        await self.session.connection()  # so that there is a transaction to end
        Database.before_commit(self.session, forget)

    async def remove_old(self, *, boundary: UUID, limit: int) -> int:
        """Remove requests whose id is older than the boundary, the oldest first; how many went."""
        result = await self.session.execute(_REMOVE_OLD_REQUESTS, {"boundary": boundary, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


class ActivityRepository(Repository):
    """The activity log."""

    async def add_many(self, entries: Sequence[ActivityEntry]) -> None:
        """All of them in one statement."""
        await self.session.execute(_ADD_ACTIVITIES, {"happened": msgspec.json.encode(entries).decode()})

    async def forget_subjects(self, subject: str, ids: Collection[UUID]) -> None:
        """Take out what happened to things that must not be known of any more."""
        await self.session.execute(_FORGET_SUBJECTS, {"subject": subject, "ids": [str(one) for one in ids]})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """What happened to one account's things happened to the other's."""
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to})

    async def remove_old(self, *, boundary: UUID, limit: int) -> int:
        """Remove happenings whose id is older than the boundary, the oldest first; how many went."""
        result = await self.session.execute(_REMOVE_OLD_ACTIVITIES, {"boundary": boundary, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


class AuditWriter:
    """The audit log of requests without a transaction of their own: each write stands for itself."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def add(self, entry: AuditEntry) -> None:
        await self._reader.execute(_ADD, _row(entry))

    async def correct(self, entry_id: UUID, *, status: int) -> None:
        """The request was answered otherwise than it was written."""
        await self._reader.execute(_CORRECT, {"id": entry_id, "status": status})


def _row(entry: AuditEntry) -> dict[str, Any]:
    row = msgspec.structs.asdict(entry)
    row["resource"] = _json(entry.resource)
    row["body"] = _json(entry.body)
    return row


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
