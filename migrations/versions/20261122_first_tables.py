"""First tables: people and bot keys, the scraping engine, game trackers."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261122_first_tables"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "bot_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bot_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_bot_keys_prefix")),
    )
    op.create_table(
        "scrape_targets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("interval_seconds", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=True),
        sa.Column("parser_version", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_status", sa.Text(), nullable=True),
        sa.Column("last_reason", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("successes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scrape_targets")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_scrape_targets_source_key")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), server_default=sa.text("'user'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('user', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "game_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("game", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("upstream_player_id", sa.BigInteger(), nullable=True),
        sa.Column("current_season", sa.Text(), nullable=True),
        sa.Column("upstream_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifetime", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("peaks", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("seasons_known", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"], ["scrape_targets.id"], name=op.f("fk_game_accounts_target_id_scrape_targets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_game_accounts")),
        sa.UniqueConstraint("game", "platform", "identifier", name=op.f("uq_game_accounts_game_platform_identifier")),
        sa.UniqueConstraint("target_id", name=op.f("uq_game_accounts_target_id")),
    )
    op.create_table(
        "scrape_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("http_status", sa.SmallInteger(), nullable=True),
        sa.Column("requests", sa.SmallInteger(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("changed", sa.Boolean(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'in_progress', 'completed', 'failed')", name=op.f("ck_scrape_runs_status")
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["scrape_targets.id"],
            name=op.f("fk_scrape_runs_target_id_scrape_targets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scrape_runs")),
    )
    op.create_index("ix_scrape_runs_target_id_id", "scrape_runs", ["target_id", "id"], unique=False)
    op.create_table(
        "scrape_schedule",
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["scrape_targets.id"],
            name=op.f("fk_scrape_schedule_target_id_scrape_targets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_scrape_schedule")),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_analyze_scale_factor": "0.05",
        },
    )
    op.create_index(
        "ix_scrape_schedule_due",
        "scrape_schedule",
        ["source", "priority", "due_at"],
        unique=False,
        postgresql_where=sa.text("lease_until IS NULL"),
    )
    op.create_index(
        "ix_scrape_schedule_leased",
        "scrape_schedule",
        ["source", "lease_until"],
        unique=False,
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_table(
        "user_identities",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("global_name", sa.Text(), nullable=True),
        sa.Column("avatar", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_identities_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("provider", "external_id", name=op.f("pk_user_identities")),
    )
    op.create_index("ix_user_identities_user_id", "user_identities", ["user_id"], unique=False)
    op.create_table(
        "game_seasons",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["game_accounts.id"],
            name=op.f("fk_game_seasons_account_id_game_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "key", name=op.f("pk_game_seasons")),
    )
    op.create_table(
        "game_snapshots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("season_key", sa.Text(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["game_accounts.id"],
            name=op.f("fk_game_snapshots_account_id_game_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_game_snapshots")),
    )
    op.create_index(
        "ix_game_snapshots_account_id_captured_at", "game_snapshots", ["account_id", "captured_at"], unique=False
    )
    op.create_table(
        "game_playlist_states",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("season_key", sa.Text(), nullable=False),
        sa.Column("playlist_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tier_name", sa.Text(), nullable=True),
        sa.Column("division_name", sa.Text(), nullable=True),
        sa.Column("peak_rating", sa.Integer(), nullable=True),
        sa.Column("peak_tier", sa.SmallInteger(), nullable=True),
        sa.Column("peak_division", sa.SmallInteger(), nullable=True),
        sa.Column("delta_up", sa.Integer(), nullable=True),
        sa.Column("delta_down", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=True),
        sa.Column("division", sa.SmallInteger(), nullable=True),
        sa.Column("matches_played", sa.Integer(), nullable=False),
        sa.Column("win_streak", sa.Integer(), nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["game_accounts.id"],
            name=op.f("fk_game_playlist_states_account_id_game_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "season_key", "playlist_key", name=op.f("pk_game_playlist_states")),
    )
    op.create_table(
        "game_trackers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["game_accounts.id"], name=op.f("fk_game_trackers_account_id_game_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_game_trackers_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_game_trackers")),
    )
    op.create_index(
        "ix_game_trackers_account_id",
        "game_trackers",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL AND active"),
    )
    op.create_index(
        "uq_game_trackers_user_id_account_id",
        "game_trackers",
        ["user_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "game_ratings",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("playlist_key", sa.Text(), nullable=False),
        sa.Column("rating_before", sa.Integer(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=True),
        sa.Column("division", sa.SmallInteger(), nullable=True),
        sa.Column("matches_played", sa.Integer(), nullable=False),
        sa.Column("win_streak", sa.Integer(), nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["game_snapshots.id"],
            name=op.f("fk_game_ratings_snapshot_id_game_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "playlist_key", name=op.f("pk_game_ratings")),
    )


def downgrade() -> None:
    op.drop_table("game_ratings")
    op.drop_index(
        "uq_game_trackers_user_id_account_id",
        table_name="game_trackers",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(
        "ix_game_trackers_account_id",
        table_name="game_trackers",
        postgresql_where=sa.text("deleted_at IS NULL AND active"),
    )
    op.drop_table("game_trackers")
    op.drop_table("game_playlist_states")
    op.drop_index("ix_game_snapshots_account_id_captured_at", table_name="game_snapshots")
    op.drop_table("game_snapshots")
    op.drop_table("game_seasons")
    op.drop_index("ix_user_identities_user_id", table_name="user_identities")
    op.drop_table("user_identities")
    op.drop_index(
        "ix_scrape_schedule_leased", table_name="scrape_schedule", postgresql_where=sa.text("lease_until IS NOT NULL")
    )
    op.drop_index(
        "ix_scrape_schedule_due", table_name="scrape_schedule", postgresql_where=sa.text("lease_until IS NULL")
    )
    op.drop_table("scrape_schedule")
    op.drop_index("ix_scrape_runs_target_id_id", table_name="scrape_runs")
    op.drop_table("scrape_runs")
    op.drop_table("game_accounts")
    op.drop_table("users")
    op.drop_table("scrape_targets")
    op.drop_table("bot_keys")
