"""SQL that adds, changes, renames and removes players."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.database import Repository, sqlstate_of
from trackers.hiscores.errors import PlayerAlreadyTracked

UNIQUE_VIOLATION: Final = "23505"
_PLAYER: Final = """
SELECT p.id, p.no, p.target_id, p.username, p.display_name, p.mode, p.active, p.added_by, p.verified_at, p.flagged_at,
       t.interval_seconds, t.steady, t.last_attempt_at,
       EXISTS (SELECT FROM scrape_schedule s JOIN scrape_runs r ON r.id = s.run_id WHERE s.target_id = p.target_id)
           AS awaited
FROM hiscore_players p JOIN scrape_targets t ON t.id = p.target_id
"""
LISTED: Final = "p.removed_at IS NULL AND NOT p.provisional"
"""Condition for players that are tracked and visible to everybody."""
_BY_NAME: Final = text(f"{_PLAYER} WHERE p.username = :username AND {LISTED}")
_BY_ID: Final = text(f"{_PLAYER} WHERE p.id = :id AND {LISTED}")
_EVER_CALLED: Final = text(f"""
{_PLAYER} WHERE p.username = ANY(CAST(:names AS text[]))
   OR p.no IN (SELECT n.player FROM hiscore_names n WHERE n.username = ANY(CAST(:names AS text[])))
ORDER BY p.no
""")  # noqa: S608 -- a fragment of our own
_FORMER_NAMES: Final = text("""
SELECT DISTINCT n.username FROM hiscore_names n
WHERE n.player = ANY(CAST(:players AS bigint[])) AND NOT EXISTS (
    SELECT FROM hiscore_players p WHERE p.username = n.username AND p.no <> ALL(CAST(:players AS bigint[]))
)
""")
_PROVISIONAL: Final = text(f"{_PLAYER} WHERE p.id = :id AND p.removed_at IS NULL")
_TAKEN: Final = text("""
SELECT display_name, mode, provisional FROM hiscore_players WHERE username = :username AND removed_at IS NULL
""")
_ACCEPT: Final = text("UPDATE hiscore_players SET provisional = false WHERE id = :id")
_LOCK: Final = text("""
SELECT 1 FROM hiscore_players WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY no FOR NO KEY UPDATE
""")
_ADDED_BY: Final = text("""
SELECT count(*) FROM hiscore_players WHERE added_by = :user_id AND removed_at IS NULL
""")
FORMER: Final = text("""
SELECT p.display_name FROM hiscore_names n JOIN hiscore_players p ON p.no = n.player
WHERE n.username = :username AND p.removed_at IS NULL ORDER BY n.until DESC LIMIT 1
""")
_ADD: Final = text("""
INSERT INTO hiscore_players (id, target_id, username, display_name, mode, added_by, created_at, provisional)
VALUES (:id, :target_id, :username, :display_name, :mode, CAST(:added_by AS uuid), :now, true)
ON CONFLICT DO NOTHING
RETURNING id
""")
# A removed player comes back with its history if it is added in the same table.
_REVIVE: Final = text("""
UPDATE hiscore_players p
SET removed_at = NULL, active = true, display_name = :display_name, added_by = CAST(:added_by AS uuid),
    provisional = true
WHERE p.id = (
    SELECT r.id FROM hiscore_players r WHERE r.target_id = :target_id AND r.removed_at IS NOT NULL
    ORDER BY r.verified_at IS NULL, r.removed_at DESC LIMIT 1
) AND NOT EXISTS (SELECT FROM hiscore_players o WHERE o.username = p.username AND o.removed_at IS NULL)
RETURNING id
""")
_CHANGE: Final = text("""
UPDATE hiscore_players SET target_id = :target_id, mode = :mode, active = :active WHERE id = :id
""")
_RENAME: Final = text("""
UPDATE hiscore_players
SET target_id = :target_id, username = :username, display_name = :display_name, mode = :mode, active = :active,
    verified_at = coalesce(verified_at, :verified_at), flagged_at = :flagged_at
WHERE id = :id
""")
_REMOVE: Final = text("UPDATE hiscore_players SET removed_at = :now, active = false WHERE id = :id")
_PURGE: Final = (
    text("DELETE FROM hiscore_gains WHERE player = :no"),
    text("DELETE FROM hiscore_bests WHERE player = :no"),
    text("DELETE FROM hiscore_players WHERE no = :no"),
)
_USED: Final = text("SELECT 1 FROM hiscore_players WHERE target_id = :target_id LIMIT 1")
_HOLDERS: Final = text("""
SELECT 1 FROM hiscore_players WHERE target_id = :target_id AND removed_at IS NULL AND active LIMIT 1
""")
_NOTE_NAME: Final = text("""
INSERT INTO hiscore_names (player, username, until) VALUES (:no, :username, :now) ON CONFLICT DO NOTHING
""")


class Player(Struct, frozen=True, kw_only=True):
    """A player with the schedule of its target."""

    id: UUID
    no: int
    target_id: UUID
    username: str
    display_name: str
    mode: str
    active: bool
    added_by: UUID | None
    verified_at: datetime | None
    flagged_at: datetime | None
    interval_seconds: int
    steady: bool
    last_attempt_at: datetime | None
    awaited: bool
    """True while a requested fetch is pending or running."""


class PlayerRepository(Repository):
    """Players and their names."""

    async def by_name(self, username: str) -> Player | None:
        """Return the tracked player with a canonical name."""
        row = (await self.session.execute(_BY_NAME, {"username": username})).mappings().one_or_none()
        return None if row is None else Player(**row)

    async def ever_called(self, names: Sequence[str]) -> list[Player]:
        """Return players that have or had any of these canonical names, including removed players."""
        rows = await self.session.execute(_EVER_CALLED, {"names": list(names)})
        return [Player(**row) for row in rows.mappings()]

    async def former_names(self, players: Sequence[int]) -> list[str]:
        """Return former names of these players, without names that another player has now."""
        return list((await self.session.execute(_FORMER_NAMES, {"players": list(players)})).scalars())

    async def provisional(self, player_id: UUID) -> Player | None:
        """Return a player that is not removed, even if it is still provisional."""
        row = (await self.session.execute(_PROVISIONAL, {"id": player_id})).mappings().one_or_none()
        return None if row is None else Player(**row)

    async def taken(self, username: str) -> tuple[str, str, bool] | None:
        """Return display name, mode and provisional flag of the player that has this name; None if it is free."""
        row = (await self.session.execute(_TAKEN, {"username": username})).one_or_none()
        return None if row is None else (row.display_name, row.mode, row.provisional)

    async def accept(self, player_id: UUID) -> None:
        """Make a provisional player visible to everybody, though it was not fetched yet."""
        await self.session.execute(_ACCEPT, {"id": player_id})

    async def by_id(self, player_id: UUID) -> Player | None:
        row = (await self.session.execute(_BY_ID, {"id": player_id})).mappings().one_or_none()
        return None if row is None else Player(**row)

    async def lock(self, *players: UUID) -> None:
        """Lock players until the transaction ends; lock their targets first."""
        await self.session.execute(_LOCK, {"ids": list(players)})

    async def renamed(self, username: str) -> str | None:
        """Return the present display name of the player that had this name before."""
        name: str | None = (await self.session.execute(FORMER, {"username": username})).scalar_one_or_none()
        return name

    async def added_by(self, user_id: UUID) -> int:
        """Return the number of tracked players that a person has added."""
        return int((await self.session.execute(_ADDED_BY, {"user_id": user_id})).scalar_one())

    async def add(
        self,
        player_id: UUID,
        *,
        target_id: UUID,
        username: str,
        display_name: str,
        mode: str,
        added_by: UUID | None,
        now: datetime,
    ) -> UUID | None:
        """Add a player, or restore a removed player with its history, and return its id.

        None if the name is tracked already. Raises PlayerAlreadyTracked if the name was taken in between.
        """
        values = {"target_id": target_id, "display_name": display_name, "added_by": added_by}
        async with name_taken(display_name, mode):
            revived: UUID | None = (await self.session.execute(_REVIVE, values)).scalar_one_or_none()
        if revived is not None:
            return revived
        added: UUID | None = (
            await self.session.execute(
                _ADD, {**values, "id": player_id, "username": username, "mode": mode, "now": now}
            )
        ).scalar_one_or_none()
        return added

    async def change(self, player_id: UUID, *, target_id: UUID, mode: str, active: bool) -> None:
        values = {"id": player_id, "target_id": target_id, "mode": mode, "active": active}
        await self.session.execute(_CHANGE, values)

    async def rename(
        self,
        player_id: UUID,
        *,
        target_id: UUID,
        username: str,
        display_name: str,
        mode: str,
        active: bool,
        verified_at: datetime | None,
        flagged_at: datetime | None,
    ) -> None:
        """Give a player another name and target. Raises PlayerAlreadyTracked if the name was taken in between."""
        async with name_taken(display_name, mode):
            await self.session.execute(
                _RENAME,
                {
                    "id": player_id,
                    "target_id": target_id,
                    "username": username,
                    "display_name": display_name,
                    "mode": mode,
                    "active": active,
                    "verified_at": verified_at,
                    "flagged_at": flagged_at,
                },
            )

    async def is_used(self, target_id: UUID) -> bool:
        """True if a target has a player, removed or not."""
        return (await self.session.execute(_USED, {"target_id": target_id})).scalar_one_or_none() is not None

    async def remove(self, player_id: UUID, *, now: datetime) -> None:
        """Mark a player as removed."""
        await self.session.execute(_REMOVE, {"id": player_id, "now": now})

    async def purge(self, no: int) -> None:
        """Delete a player with everything that was recorded."""
        for statement in _PURGE:
            await self.session.execute(statement, {"no": no})

    async def is_fetched(self, target_id: UUID) -> bool:
        """True if a target has an active player."""
        return (await self.session.execute(_HOLDERS, {"target_id": target_id})).scalar_one_or_none() is not None

    # ---- former names ----

    async def note_name(self, no: int, username: str, *, now: datetime) -> None:
        """Store the name that a player had until now."""
        await self.session.execute(_NOTE_NAME, {"no": no, "username": username, "now": now})


@asynccontextmanager
async def name_taken(display_name: str, mode: str) -> AsyncIterator[None]:
    """Turn a unique violation into PlayerAlreadyTracked; the transaction is then aborted."""
    try:
        yield
    except IntegrityError as error:
        if sqlstate_of(error) != UNIQUE_VIOLATION:
            raise
        raise PlayerAlreadyTracked(display_name, mode) from error
