"""Scores by the guilds' formulas, and the ratings behind leaderboards; the first look at the boards fills them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261122_ratings"
down_revision: str | None = "20261122_schedules"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "game_guild_scores",
        sa.Column("guild_id", sa.Text(), nullable=False),
        sa.Column("tracker_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("salary", sa.BigInteger(), nullable=False),
        sa.Column("games", sa.Integer(), nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("season", sa.Integer(), nullable=False),
        sa.Column("best", sa.Boolean(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "tracker_id", name=op.f("pk_game_guild_scores")),
    )
    op.create_index("ix_game_guild_scores_user_id", "game_guild_scores", ["user_id"], unique=False)
    op.create_index(
        "ix_game_guild_scores_board",
        "game_guild_scores",
        ["guild_id", sa.text("score DESC"), "user_id"],
        unique=False,
        postgresql_where=sa.text("best"),
    )
    op.create_table(
        "game_guild_ratings",
        sa.Column("guild_id", sa.Text(), nullable=False),
        sa.Column("tracker_id", sa.Uuid(), nullable=False),
        sa.Column("playlist_key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("season", sa.Integer(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("best", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "tracker_id", "playlist_key", name=op.f("pk_game_guild_ratings")),
    )
    op.create_index(
        "ix_game_guild_ratings_board",
        "game_guild_ratings",
        ["guild_id", "season", "playlist_key", sa.text("rating DESC"), "user_id"],
        unique=False,
        postgresql_where=sa.text("best"),
    )


def downgrade() -> None:
    op.drop_table("game_guild_ratings")
    op.drop_table("game_guild_scores")
