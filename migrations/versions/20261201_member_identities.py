"""Memberships remember which Discord ids the bots put; of those from before, the id that the lists showed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261201_member_identities"
down_revision: str | None = "20261201_leaderboard_opt_outs"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "guild_member_identities",
        sa.Column("guild_id", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["guild_id", "user_id"],
            ["guild_members.guild_id", "guild_members.user_id"],
            name=op.f("fk_guild_member_identities_guild_id_guild_members"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("guild_id", "external_id", name=op.f("pk_guild_member_identities")),
    )
    op.create_index("ix_guild_member_identities_guild_id_user_id", "guild_member_identities", ["guild_id", "user_id"])
    op.create_index("ix_guild_member_identities_user_id", "guild_member_identities", ["user_id"])
    op.execute("""
    INSERT INTO guild_member_identities (guild_id, external_id, user_id, admin, joined_at)
    SELECT m.guild_id, i.external_id, m.user_id, m.admin, m.joined_at
    FROM guild_members m CROSS JOIN LATERAL (
        SELECT external_id FROM user_identities
        WHERE user_id = m.user_id AND provider = 'discord' ORDER BY updated_at DESC, external_id LIMIT 1
    ) i
    """)


def downgrade() -> None:
    op.drop_table("guild_member_identities")
