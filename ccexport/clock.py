"""The clock of production; everything below the use cases takes a clock as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The moment, aware and in UTC."""
    return datetime.now(UTC)
