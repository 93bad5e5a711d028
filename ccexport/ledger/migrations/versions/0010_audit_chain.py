"""Chain the audit: give each entry a hash over itself and the entry before it."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from ccexport.ledger.audit_chain import FIRST, entry_hash

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit", sa.Column("hash", sa.String(64), nullable=False, server_default=""))
    connection, before, last = op.get_bind(), FIRST, 0
    page = sa.text(
        "SELECT id, at, actor, action, subject, detail FROM audit WHERE id > :last ORDER BY id LIMIT 1000"
    )
    while rows := connection.execute(page, {"last": last}).mappings().all():
        for row in rows:
            before, last = entry_hash(before, _plain(row)), row["id"]
            connection.execute(
                sa.text("UPDATE audit SET hash = :hash WHERE id = :id"), {"hash": before, "id": last}
            )


def _plain(row: Any) -> dict[str, Any]:
    """SQLite gives moments and JSON as texts here."""
    at, detail = row["at"], row["detail"]
    return dict(row) | {
        "at": datetime.fromisoformat(at) if isinstance(at, str) else at,
        "detail": json.loads(detail) if isinstance(detail, str) else detail,
    }
