"""The production clock; everything below the use cases takes a clock as an argument."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def seconds() -> float:
    """Return seconds since some moment; they are never set back and go on while the machine or process sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
