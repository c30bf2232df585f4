"""Players of the hiscores and what is recorded of them; and targets that are looked at steadily."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261122_hiscores"
down_revision: str | None = "20261122_source_pauses"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

EAGER_AUTOVACUUM = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_analyze_scale_factor": "0.05",
}


def upgrade() -> None:
    op.create_table(
        "hiscore_metrics",
        sa.Column("id", sa.SmallInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hiscore_metrics")),
        sa.UniqueConstraint("slug", name=op.f("uq_hiscore_metrics_slug")),
    )
    op.create_table(
        "hiscore_tables",
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("activities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mode", name=op.f("pk_hiscore_tables")),
    )
    op.create_table(
        "hiscore_players",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provisional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overall_xp", sa.BigInteger(), nullable=True),
        sa.Column("total_level", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["added_by"], ["users.id"], name=op.f("fk_hiscore_players_added_by_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["scrape_targets.id"], name=op.f("fk_hiscore_players_target_id_scrape_targets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hiscore_players")),
        sa.UniqueConstraint("no", name=op.f("uq_hiscore_players_no")),
    )
    op.create_index("ix_hiscore_players_target_id", "hiscore_players", ["target_id"], unique=False)
    for column in ("recorded_at", "overall_xp", "total_level"):
        op.create_index(
            f"ix_hiscore_players_by_{column}",
            "hiscore_players",
            [sa.text(f"{column} DESC NULLS LAST"), sa.text("id DESC")],
            unique=False,
            postgresql_where=sa.text("removed_at IS NULL"),
        )
    op.create_index("ix_hiscore_players_added_by", "hiscore_players", ["added_by"], unique=False)
    op.create_index(
        "uq_hiscore_players_username",
        "hiscore_players",
        ["username"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "hiscore_achievements",
        sa.Column("player", sa.Integer(), nullable=False),
        sa.Column("metric", sa.SmallInteger(), nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["player"],
            ["hiscore_players.no"],
            name=op.f("fk_hiscore_achievements_player_hiscore_players"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("player", "metric", "threshold", name=op.f("pk_hiscore_achievements")),
    )
    op.create_table(
        "hiscore_bests",
        sa.Column("player", sa.Integer(), nullable=False),
        sa.Column("metric", sa.SmallInteger(), nullable=False),
        sa.Column("period", sa.SmallInteger(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("gain", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("player", "metric", "period", name=op.f("pk_hiscore_bests")),
    )
    op.create_table(
        "hiscore_follows",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("player_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["player_id"],
            ["hiscore_players.id"],
            name=op.f("fk_hiscore_follows_player_id_hiscore_players"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_hiscore_follows_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "player_id", name=op.f("pk_hiscore_follows")),
    )
    op.create_index("ix_hiscore_follows_player_id", "hiscore_follows", ["player_id"], unique=False)
    op.create_table(
        "hiscore_gains",
        sa.Column("player", sa.Integer(), nullable=False),
        sa.Column("metric", sa.SmallInteger(), nullable=False),
        sa.Column("period", sa.SmallInteger(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("gain", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("player", "metric", "period", "starts", name=op.f("pk_hiscore_gains")),
        postgresql_with=EAGER_AUTOVACUUM,
    )
    op.create_index(
        "ix_hiscore_gains_board",
        "hiscore_gains",
        ["metric", "period", "starts", sa.text("gain DESC"), "player"],
        unique=False,
    )
    op.create_index("ix_hiscore_gains_period", "hiscore_gains", ["period", "starts"], unique=False)
    op.create_table(
        "hiscore_names",
        sa.Column("player", sa.Integer(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["player"], ["hiscore_players.no"], name=op.f("fk_hiscore_names_player_hiscore_players"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("player", "until", name=op.f("pk_hiscore_names")),
    )
    op.create_index("ix_hiscore_names_username", "hiscore_names", ["username"], unique=False)
    op.create_table(
        "hiscore_records",
        sa.Column("player", sa.Integer(), nullable=False),
        sa.Column("era", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("metrics", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("vals", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("ranks", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.ForeignKeyConstraint(
            ["player"],
            ["hiscore_players.no"],
            name=op.f("fk_hiscore_records_player_hiscore_players"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("player", "at", name=op.f("pk_hiscore_records")),
    )
    op.create_index(
        "ix_hiscore_records_keyframes",
        "hiscore_records",
        ["player", "at"],
        unique=False,
        postgresql_where=sa.text("kind = 1"),
    )
    op.create_table(
        "hiscore_states",
        sa.Column("player", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("metrics", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("vals", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("ranks", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("era", sa.SmallInteger(), nullable=False),
        sa.Column("since_keyframe", sa.SmallInteger(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetches", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["player"],
            ["hiscore_players.no"],
            name=op.f("fk_hiscore_states_player_hiscore_players"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("player", name=op.f("pk_hiscore_states")),
        postgresql_with={"fillfactor": "60", **EAGER_AUTOVACUUM},
    )
    op.add_column("scrape_targets", sa.Column("steady", sa.Boolean(), server_default=sa.text("false"), nullable=False))


def downgrade() -> None:
    op.drop_column("scrape_targets", "steady")
    op.drop_table("hiscore_states")
    op.drop_table("hiscore_records")
    op.drop_table("hiscore_names")
    op.drop_table("hiscore_gains")
    op.drop_table("hiscore_follows")
    op.drop_table("hiscore_bests")
    op.drop_table("hiscore_achievements")
    op.drop_table("hiscore_players")
    op.drop_table("hiscore_tables")
    op.drop_table("hiscore_metrics")
