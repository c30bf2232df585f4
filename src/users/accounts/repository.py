"""All SQL about accounts."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.database import Repository
from shared.ids import new_id
from users.accounts.schemas import UserData

_UPSERT: Final = text("""
WITH made AS (
    INSERT INTO users (id, created_at)
    SELECT :new_id, CAST(:now AS timestamptz) WHERE NOT EXISTS (
        SELECT 1 FROM user_identities WHERE provider = :provider AND external_id = :external_id
    )
    RETURNING id
)
INSERT INTO user_identities AS i (provider, external_id, user_id, username, global_name, avatar, updated_at)
VALUES (:provider, :external_id, coalesce((SELECT id FROM made), :new_id), :username, :global_name, :avatar, :now)
ON CONFLICT (provider, external_id) DO UPDATE
SET username = coalesce(excluded.username, i.username),
    global_name = coalesce(excluded.global_name, i.global_name),
    avatar = coalesce(excluded.avatar, i.avatar),
    updated_at = excluded.updated_at
RETURNING user_id
""")


class AccountRepository(Repository):
    """Users and their identities."""

    async def upsert_identity(self, provider: str, external_id: str, data: UserData, *, now: datetime) -> UUID:
        """The id of the user behind an outside identity, made on first sight; what is told of them is kept."""
        made = new_id()
        result = await self.session.execute(
            _UPSERT,
            {
                "new_id": made,
                "now": now,
                "provider": provider,
                "external_id": external_id,
                "username": data.username,
                "global_name": data.global_name,
                "avatar": data.avatar,
            },
        )
        user_id: UUID = result.scalar_one()
        if user_id != made:  # somebody else made the identity at the same moment: no user is left over without one
            await self.session.execute(text("DELETE FROM users WHERE id = :id"), {"id": made})
        return user_id

    async def make_admin(self, user_id: UUID) -> None:
        await self.session.execute(text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": user_id})

    async def lock(self, user_id: UUID) -> None:
        """Hold a user until the transaction ends, so that limits per user can be counted and then used."""
        await self.session.execute(text("SELECT 1 FROM users WHERE id = :id FOR UPDATE"), {"id": user_id})
