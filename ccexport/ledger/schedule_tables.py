"""The tables of schedules, refreshes and notices. Every change here needs a new migration.

Must never hold queries; those are in the modules named after what they answer.
"""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text
from sqlalchemy import UniqueConstraint as Unique

from ccexport.ledger.tables import Said, Utc, metadata

schedules = Table(
    "schedules",
    metadata,
    Column("export_id", ForeignKey("exports.id"), primary_key=True),
    Column("config", JSON, nullable=False),
    Column("role", String(20), nullable=False),
    Column("since", Utc, nullable=False),
    Column("updated_by", String(120), nullable=False),
    Column("updated_at", Utc, nullable=False),
)

# The unique key prevents two processes from both firing.
firings = Table(
    "firings",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("export_id", ForeignKey("exports.id"), nullable=False),
    Column("cause", String(120), nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("trigger", String(20), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("run_id", String(64), nullable=False),
    Column("at", Utc, nullable=False),
    Column("note", Said, nullable=False),
    Unique("export_id", "cause"),
    Index("ix_firings_export_id_due_at", "export_id", "due_at", "id"),
)

refresh_settings = Table(
    "refresh_settings",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("config", JSON, nullable=False),
    Column("since", Utc, nullable=False),
    Column("updated_by", String(120), nullable=False),
    Column("updated_at", Utc, nullable=False),
)

refreshes = Table(
    "refreshes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("cause", String(120), nullable=False, unique=True),
    Column("state", String(20), nullable=False, index=True),
    Column("actor", String(120), nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("ended_at", Utc),
    Column("snapshot_id", String(64)),
    Column("profiles", Integer),
    Column("note", Said, nullable=False),
    Column("followed", Boolean, nullable=False, default=False),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("label", String(300), nullable=False),
    Column("export_id", ForeignKey("exports.id")),
    Column("connection_id", ForeignKey("connections.id")),
    Column("events", JSON, nullable=False),
    Column("created_by", String(120), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

notice_states = Table(
    "notice_states",
    metadata,
    Column("subject", String(120), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("seen", Integer, nullable=False),
    Column("at", Utc, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("recipient", String(140), nullable=False),
    Column("label", String(300), nullable=False),
    Column("event", String(20), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("title", String(300), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Utc),
    Column("delivered_at", Utc),
    Column("error", Said, nullable=False),
    Index("ix_notices_created_at", "created_at", "id"),
)
