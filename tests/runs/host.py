"""A worker as on another host, for test_hosts.py: its leases are short, and its clock may be wrong.

`python -m tests.runs.host SECONDS_AHEAD`. What differs is put around the real functions from outside.
"""

import sys
from datetime import UTC, datetime, timedelta

import ccexport.clock

AHEAD = timedelta(seconds=float(sys.argv[1]))
ccexport.clock.utc_now = lambda: datetime.now(UTC) + AHEAD  # before anybody imports it

from ccexport.cli.main import main  # noqa: E402
from ccexport.worker import claims  # noqa: E402

claims.LEASE_SECONDS, claims.BEAT_SECONDS, claims.MARGIN_SECONDS = 4.0, 0.5, 2.0
sys.argv = ["ccexport", "worker"]
main()
