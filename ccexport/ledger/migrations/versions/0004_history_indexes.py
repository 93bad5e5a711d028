"""Add indexes for the history as pages read it: newest first, with any filter."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_runs_export_id", "runs")
    op.drop_index("ix_runs_state", "runs")
    for column in ("export_id", "list_id", "actor", "state"):
        op.create_index(f"ix_runs_{column}_created_at", "runs", [column, "created_at", "id"])
    op.create_index("ix_runs_connection_id_ended_at", "runs", ["connection_id", "ended_at"])
    op.create_index("ix_runs_ended_at", "runs", ["ended_at"])
    op.create_index(
        "ix_runs_live",
        "runs",
        ["created_at"],
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live"),
    )
    op.create_index("ix_firings_export_id_due_at", "firings", ["export_id", "due_at", "id"])
    op.create_index("ix_notices_created_at", "notices", ["created_at", "id"])
