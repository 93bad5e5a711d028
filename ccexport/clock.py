"""The clock of production; everything below the use cases takes a clock as an argument."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The moment, aware and in UTC."""
    return datetime.now(UTC)


def seconds() -> float:
    """Seconds since some moment, never set back; they also pass while the machine or this process sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
