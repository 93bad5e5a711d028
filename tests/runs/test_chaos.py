"""A minute of `python -m benchmarks chaos`: two workers and the dashboard, killed at random; docs/reliability.md."""

from pathlib import Path

import pytest

from benchmarks.chaos import chaos


@pytest.mark.slow
def test_whoever_is_killed_and_whenever_every_promise_holds(tmp_path: Path) -> None:
    seen = chaos(tmp_path, seconds=60, seed=1)

    assert seen.broken == [], dict(seen.lines())
    assert set(seen.kills) == {"worker 1", "worker 2", "the dashboard"}
    assert set(seen.hands) == set(seen.kills)
    assert seen.taken_over > 0
