"""Store sentences of firings, refreshes, notices and connections as JSON too; old texts stay unchanged."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = (("firings", "note"), ("refreshes", "note"), ("notices", "error"), ("connections", "state_reason"))


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, column in COLUMNS:
        made = (
            f"json_object('template', '{{text}}', 'values', json_object('text', {column}))"
            if sqlite
            else f"json_build_object('template', '{{text}}', 'values', json_build_object('text', {column}))::text"
        )
        op.execute(sa.text(f"UPDATE {table} SET {column} = {made} WHERE {column} <> ''"))
