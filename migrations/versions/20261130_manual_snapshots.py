"""Manual snapshots in tables of their own, per person and account, with what each guild's staff says of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261130_manual_snapshots"
down_revision: str | None = "20261130_confirmed_memberships"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What people entered belongs to them. Entries by bots name no person, so they go.
_MOVE_SNAPSHOTS = """
INSERT INTO game_manual_snapshots (id, user_id, account_id, season, captured_at, entered_at, note, evidence_url)
SELECT p.id, u.id, p.account_id, CAST(p.season_key AS smallint), p.captured_at, p.captured_at, p.note, p.evidence_url
FROM game_snapshots p JOIN users u ON u.id = p.entered_by
WHERE p.season_key ~ '^[1-9][0-9]{0,2}$'
"""
_MOVE_RATINGS = """
INSERT INTO game_manual_ratings (snapshot_id, playlist_key, rating, tier, division, matches_played, win_streak)
SELECT r.snapshot_id, r.playlist_key, r.rating, r.tier, r.division, r.matches_played, r.win_streak
FROM game_ratings r JOIN game_manual_snapshots m ON m.id = r.snapshot_id
"""
# A standing that was entered is not the site's; the next fetch stores what the site says, even where it repeats itself.
_FORGET_VALIDATORS = """
UPDATE scrape_targets t SET etag = NULL, last_modified = NULL, content_hash = NULL
FROM game_accounts a
WHERE a.target_id = t.id
  AND EXISTS (SELECT FROM game_snapshots p WHERE p.account_id = a.id AND p.entered_by IS NOT NULL)
"""
_REMOVE_STANDINGS = """
DELETE FROM game_playlist_states s USING game_snapshots p, game_ratings r
WHERE p.entered_by IS NOT NULL AND r.snapshot_id = p.id AND s.account_id = p.account_id
  AND s.season_key = p.season_key AND s.playlist_key = r.playlist_key AND s.changed_at = p.captured_at
"""


def upgrade() -> None:
    op.create_table(
        "game_manual_snapshots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("season", sa.SmallInteger(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("evidence_url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_game_manual_snapshots_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["game_accounts.id"],
            name=op.f("fk_game_manual_snapshots_account_id_game_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_game_manual_snapshots")),
    )
    op.create_index(
        "ix_game_manual_snapshots_user_id_account_id",
        "game_manual_snapshots",
        ["user_id", "account_id", "captured_at"],
    )
    op.create_index("ix_game_manual_snapshots_account_id", "game_manual_snapshots", ["account_id"])
    op.create_table(
        "game_manual_ratings",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("playlist_key", sa.Text(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=True),
        sa.Column("division", sa.SmallInteger(), nullable=True),
        sa.Column("matches_played", sa.Integer(), nullable=False),
        sa.Column("win_streak", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["game_manual_snapshots.id"],
            name=op.f("fk_game_manual_ratings_snapshot_id_game_manual_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "playlist_key", name=op.f("pk_game_manual_ratings")),
    )
    op.create_table(
        "game_manual_reviews",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("guild_id", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["game_manual_snapshots.id"],
            name=op.f("fk_game_manual_reviews_snapshot_id_game_manual_snapshots"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["guilds.id"], name=op.f("fk_game_manual_reviews_guild_id_guilds"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "guild_id", name=op.f("pk_game_manual_reviews")),
    )
    op.create_index("ix_game_manual_reviews_guild_id", "game_manual_reviews", ["guild_id"])
    op.add_column(
        "game_guild_scores", sa.Column("manual", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("game_guild_scores", sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("game_guild_ratings", sa.Column("manual_id", sa.Uuid(), nullable=True))
    op.add_column(
        "game_guild_ratings", sa.Column("vouched", sa.Boolean(), nullable=False, server_default=sa.text("true"))
    )
    for statement in (_MOVE_SNAPSHOTS, _MOVE_RATINGS, _FORGET_VALIDATORS, _REMOVE_STANDINGS):
        op.execute(statement)
    op.execute("DELETE FROM game_snapshots WHERE entered_by IS NOT NULL")


def downgrade() -> None:
    op.drop_column("game_guild_ratings", "vouched")
    op.drop_column("game_guild_ratings", "manual_id")
    op.drop_column("game_guild_scores", "fetched_at")
    op.drop_column("game_guild_scores", "manual")
    op.drop_table("game_manual_reviews")
    op.drop_table("game_manual_ratings")
    op.drop_table("game_manual_snapshots")
