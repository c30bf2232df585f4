"""Members of a house, by SQL: each logged in, each with a tracker of their own that has been looked at."""

from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from benchmarks.followed import follow

_MEMBERS: Final = """
WITH numbers AS (
    SELECT uuidv7() AS user_id, uuidv7() AS session_id, uuidv7() AS tracker_id, id AS account_id, display,
           row_number() OVER (ORDER BY display) AS number
    FROM game_accounts
), people AS (
    INSERT INTO users (id, username, password_hash, created_at)
    SELECT user_id, 'member' || number, $1, now() FROM numbers
), sessions AS (
    INSERT INTO auth_sessions (id, user_id, token_digest, created_at, refreshed_at, expires_at)
    SELECT session_id, user_id, sha256(session_id::text::bytea), now(), now(), now() + interval '1 day' FROM numbers
), trackers AS (
    INSERT INTO game_trackers (id, user_id, account_id, url, created_at, updated_at)
    SELECT tracker_id, user_id, account_id,
           'https://rocketleague.tracker.network/rocket-league/profile/steam/' || display, now(), now()
    FROM numbers
), fetched_at AS (
    UPDATE scrape_targets SET last_status = 'completed', last_attempt_at = now(), last_success_at = now(),
           last_changed_at = now(), attempts = 1, successes = 1
), told AS (
    UPDATE game_accounts SET handle = display, avatar_url = 'https://avatars.invalid/1.png', current_season = '34'
)
SELECT 'member' || number AS username, user_id, session_id, tracker_id FROM numbers ORDER BY number
"""


class Member(Struct, frozen=True, kw_only=True):
    """Somebody who is logged in and follows one account."""

    username: str
    user_id: UUID
    session_id: UUID
    tracker_id: UUID


async def settle(connection: Any, count: int, *, password_hash: str | None = None) -> list[Member]:
    """So many members; they share a password where there is one."""
    await follow(connection, count)
    members = [Member(**row) for row in await connection.fetch(_MEMBERS, password_hash)]
    await connection.execute("VACUUM ANALYZE")
    return members
