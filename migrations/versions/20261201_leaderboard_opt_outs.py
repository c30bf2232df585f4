"""Members who do not want to be on leaderboards."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261201_leaderboard_opt_outs"
down_revision: str | None = "20261201_blocked"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "leaderboard_opt_outs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("guild_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_leaderboard_opt_outs_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["guilds.id"], name=op.f("fk_leaderboard_opt_outs_guild_id_guilds"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaderboard_opt_outs")),
        sa.UniqueConstraint(
            "user_id",
            "guild_id",
            name=op.f("uq_leaderboard_opt_outs_user_id_guild_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_leaderboard_opt_outs_guild_id", "leaderboard_opt_outs", ["guild_id"])


def downgrade() -> None:
    op.drop_table("leaderboard_opt_outs")
