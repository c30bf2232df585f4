"""All SQL that changes the two logs: new entries, erasure, handover, removal by age."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.audit.schemas import ActivityEntry, AuditEntry
from shared.database import Database, Repository, StandaloneWriter
from shared.database.advisory_locks import AdvisoryLock, take
from shared.ids import first_id_of

_ADD: Final = text("""
INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, method, route, path, resource, status, address,
                       user_agent, request_id, body, mentions)
VALUES (CAST(:id AS uuid), CAST(:at AS timestamptz), CAST(:actor_kind AS text), CAST(:actor_id AS uuid),
        CAST(:actor_name AS text), CAST(:method AS text), CAST(:route AS text), CAST(:path AS text),
        CAST(:resource AS jsonb), CAST(:status AS smallint), CAST(:address AS text), CAST(:user_agent AS text),
        CAST(:request_id AS text), CAST(:body AS jsonb), CAST(:mentions AS text[]))
""")
_CORRECT: Final = text("UPDATE audit_log SET status = CAST(:status AS smallint) WHERE id = CAST(:id AS uuid)")
_TAKE_TURNS: Final = text(f"SELECT {take(AdvisoryLock.LOG_PEOPLE)}")
_FORGET_REQUESTS: Final = text("""
UPDATE audit_log SET actor_id = :pseudonym, address = NULL, user_agent = NULL, request_id = NULL, path = route,
                     resource = NULL, body = NULL, mentions = NULL
WHERE actor_id = :user_id
""")
# A login request is anonymous until it succeeds, so its address and user agent are those of the erased person.
# Addresses and user agents of other callers stay.
_FORGET_MENTIONS: Final = text("""
UPDATE audit_log
SET path = route, resource = NULL, body = NULL, request_id = NULL,
    address = CASE WHEN actor_kind <> 'anonymous' THEN address END,
    user_agent = CASE WHEN actor_kind <> 'anonymous' THEN user_agent END,
    mentions = (SELECT array_agg(DISTINCT CASE WHEN mention = ANY(CAST(:names AS text[])) THEN CAST(:pseudonym AS text)
                                               ELSE mention END) FROM unnest(mentions) AS m (mention))
WHERE mentions IS NOT NULL AND mentions && CAST(:names AS text[])
""")
_RENAME_MENTIONS: Final = text("""
UPDATE audit_log SET mentions = array_replace(mentions, CAST(:name AS text), CAST(:to AS text))
WHERE mentions IS NOT NULL AND mentions && ARRAY[CAST(:name AS text)]
""")
# A tracker that another person took over has the id of the former owner in the details of its entries.
_ABOUT: Final = """
id IN (
    SELECT id FROM activity_log WHERE user_id = CAST(:user_id AS uuid)
    UNION ALL SELECT id FROM activity_log WHERE actor_kind = 'user' AND actor_id = CAST(:user_id AS uuid)
    UNION ALL SELECT id FROM activity_log WHERE subject_id = CAST(:name AS text)
    UNION ALL SELECT a.id FROM activity_log a
    WHERE a.subject_id IN (SELECT subject_id FROM activity_log WHERE user_id = CAST(:user_id AS uuid))
      AND strpos(CAST(a.details AS text), CAST(:name AS text)) > 0
)
"""
_RENAMED: Final = """
user_id = CASE WHEN user_id = CAST(:user_id AS uuid) THEN CAST(:to AS uuid) ELSE user_id END,
actor_id = CASE WHEN actor_id = CAST(:user_id AS uuid) THEN CAST(:to AS uuid) ELSE actor_id END,
subject_id = CASE WHEN subject_id = CAST(:name AS text) THEN CAST(:to_name AS text) ELSE subject_id END
"""
_REPLACED: Final = "CAST(replace(CAST(details AS text), CAST(:name AS text), CAST(:to_name AS text)) AS jsonb)"
_FORGET_ACTIVITIES: Final = text(f"""
UPDATE activity_log SET {_RENAMED}, request_id = NULL,
    details = CASE WHEN user_id = CAST(:user_id AS uuid) OR subject_id = CAST(:name AS text) THEN NULL
                   ELSE {_REPLACED} END
WHERE {_ABOUT}
""")  # noqa: S608 -- only constant fragments
_HAND_OVER: Final = text(f"UPDATE activity_log SET {_RENAMED}, details = {_REPLACED} WHERE {_ABOUT}")  # noqa: S608 -- likewise
_SUBJECTS_OF: Final = text("""
SELECT DISTINCT subject_id FROM activity_log WHERE user_id = :user_id AND id >= CAST(:oldest AS uuid)
""")
_FORGET_SPELLINGS: Final = text("""
UPDATE audit_log SET path = route, resource = NULL, body = NULL, mentions = NULL
WHERE EXISTS (
    SELECT FROM unnest(CAST(:spellings AS text[])) AS s (spelling)
    WHERE strpos(lower(concat(path, '/', CAST(resource AS text), CAST(body AS text))), lower(spelling)) > 0
)
""")
_FORGET_DETAILS: Final = text("""
UPDATE activity_log SET details = NULL
WHERE details IS NOT NULL AND EXISTS (
    SELECT FROM unnest(CAST(:spellings AS text[])) AS s (spelling)
    WHERE strpos(lower(CAST(details AS text)), lower(spelling)) > 0
)
""")
_FORGET_SUBJECTS: Final = text(
    "DELETE FROM activity_log WHERE subject_id = ANY(CAST(:ids AS text[])) AND subject = :subject"
)
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
    """The audit log, in the transaction of the request."""

    async def add(self, entry: AuditEntry) -> None:
        await self.session.execute(_ADD, _row(entry))

    async def forget_person(self, user_id: UUID, external_ids: Collection[str], *, pseudonym: UUID) -> None:
        """Erase a person from both logs: the bodies and addresses of their requests, the details of their subjects, and
        the bodies of other people's requests about them. A pseudonym replaces their ids.

        Time, route and status of each request stay. Runs at the end of the transaction, so that the entry of the
        erasing request is covered, too.
        """

        async def forget() -> None:
            names = [str(user_id), *external_ids]
            await self.session.execute(_FORGET_REQUESTS, {"user_id": user_id, "pseudonym": pseudonym})
            await self.session.execute(_FORGET_MENTIONS, {"names": names, "pseudonym": str(pseudonym)})
            await self.session.execute(_FORGET_ACTIVITIES, _instead(user_id, pseudonym))

        await self._at_the_end(forget)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Replace one user id by another in both logs; runs at the end of the transaction."""

        async def hand_over() -> None:
            await self.session.execute(_RENAME_MENTIONS, {"name": str(user_id), "to": str(to)})
            await self.session.execute(_HAND_OVER, _instead(user_id, to))

        await self._at_the_end(hand_over)

    async def _at_the_end(self, rewrite: Callable[[], Awaitable[None]]) -> None:
        """Rewrite entries at the end of the transaction, under a lock: an entry can concern several people."""

        async def rewrite_alone() -> None:
            await self.session.execute(_TAKE_TURNS)
            await rewrite()

        await self.session.connection()  # opens the transaction, if it is not open yet
        Database.before_commit(self.session, rewrite_alone)

    async def forget_spellings(self, spellings: Collection[str]) -> None:
        """Erase path, body and mentions of all requests that contain one of these texts; case does not matter.

        Runs at the end of the transaction.
        """

        async def forget() -> None:
            await self.session.execute(_FORGET_SPELLINGS, {"spellings": list(spellings)})

        await self._at_the_end(forget)

    async def remove_old(self, *, boundary: UUID, limit: int) -> int:
        """Remove up to `limit` requests with ids below the boundary, oldest first; return how many."""
        result = await self.session.execute(_REMOVE_OLD_REQUESTS, {"boundary": boundary, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it


class ActivityRepository(Repository):
    """The activity log."""

    async def add_many(self, entries: Sequence[ActivityEntry]) -> None:
        """Insert all entries with one statement."""
        await self.session.execute(_ADD_ACTIVITIES, {"happened": msgspec.json.encode(entries).decode()})

    async def forget_subjects(self, subject: str, ids: Collection[UUID]) -> None:
        """Delete the entries of subjects that are blocked."""
        await self.session.execute(
            _FORGET_SUBJECTS, {"subject": subject, "ids": [str(subject_id) for subject_id in ids]}
        )

    async def subjects_of(self, user_id: UUID, *, since: datetime) -> list[str]:
        """Ids of a person's subjects with entries since a time."""
        rows = await self.session.execute(_SUBJECTS_OF, {"user_id": user_id, "oldest": first_id_of(since)})
        return list(rows.scalars())

    async def forget_details(self, spellings: Collection[str]) -> None:
        """Erase the details of entries that contain one of these texts; case does not matter."""
        await self.session.execute(_FORGET_DETAILS, {"spellings": list(spellings)})

    async def remove_old(self, *, boundary: UUID, limit: int) -> int:
        """Remove up to `limit` entries with ids below the boundary, oldest first; return how many."""
        result = await self.session.execute(_REMOVE_OLD_ACTIVITIES, {"boundary": boundary, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it


class AuditWriter:
    """Writes audit entries outside the request's transaction; each write is a transaction of its own."""

    def __init__(self, writer: StandaloneWriter) -> None:
        self._writer = writer

    async def add(self, entry: AuditEntry) -> None:
        await self._writer.execute(_ADD, _row(entry))

    async def correct(self, entry_id: UUID, *, status: int) -> None:
        """Correct the status of an entry whose request was answered with another status than expected."""
        await self._writer.execute(_CORRECT, {"id": entry_id, "status": status})


def _instead(user_id: UUID, to: UUID) -> dict[str, Any]:
    return {"user_id": user_id, "name": str(user_id), "to": to, "to_name": str(to)}


def _row(entry: AuditEntry) -> dict[str, Any]:
    row = msgspec.structs.asdict(entry)
    row["resource"] = _json(entry.resource)
    row["body"] = _json(entry.body)
    return row


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
