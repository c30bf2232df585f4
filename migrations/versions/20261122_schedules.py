"""Scheduled processing, and the priority that a target goes back to."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261122_schedules"
down_revision: str | None = "20261122_notifications"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "scrape_schedule", sa.Column("usual_priority", sa.SmallInteger(), server_default=sa.text("2"), nullable=False)
    )
    op.create_table(
        "game_schedules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("guild_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("under_way", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("planned_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "status IN ('PENDING', 'COMPLETED', 'CANCELLED', 'FAILED')", name=op.f("ck_game_schedules_status")
        ),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["guilds.id"], name=op.f("fk_game_schedules_guild_id_guilds"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_game_schedules")),
    )
    op.create_index("ix_game_schedules_guild_id", "game_schedules", ["guild_id", "id"], unique=False)
    op.create_index(
        "ix_game_schedules_due",
        "game_schedules",
        ["scheduled_at"],
        unique=False,
        postgresql_where=sa.text("status = 'PENDING' AND NOT under_way"),
    )
    op.create_index(
        "ix_game_schedules_under_way",
        "game_schedules",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("under_way"),
    )
    op.create_table(
        "game_schedule_runs",
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["game_schedules.id"],
            name=op.f("fk_game_schedule_runs_schedule_id_game_schedules"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_id", "run_id", name=op.f("pk_game_schedule_runs")),
    )


def downgrade() -> None:
    op.drop_table("game_schedule_runs")
    op.drop_index("ix_game_schedules_under_way", table_name="game_schedules", postgresql_where=sa.text("under_way"))
    op.drop_index(
        "ix_game_schedules_due",
        table_name="game_schedules",
        postgresql_where=sa.text("status = 'PENDING' AND NOT under_way"),
    )
    op.drop_index("ix_game_schedules_guild_id", table_name="game_schedules")
    op.drop_table("game_schedules")
    op.drop_column("scrape_schedule", "usual_priority")
