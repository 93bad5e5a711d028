"""Forty seconds of `python -m benchmarks chaos`: two workers and the dashboard, killed at random (reliability.md)."""

from pathlib import Path

import pytest

from benchmarks.chaos import chaos


@pytest.mark.slow
def test_whoever_is_killed_and_whenever_every_promise_holds(tmp_path: Path) -> None:
    seen = chaos(tmp_path, seconds=40, seed=1)

    assert seen.broken == [], dict(seen.lines())
    assert sum(seen.kills.values()) >= 5, dict(seen.lines())
    assert seen.taken_over > 0, dict(seen.lines())
