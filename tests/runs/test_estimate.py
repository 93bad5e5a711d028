"""How long a run will take, from runs whose times are known."""

import pytest

from ccexport.runs.estimate import expect


@pytest.mark.parametrize(
    ("history", "requests", "seconds"),
    [
        ([], 100, 26.5),  # nothing known: the pace
        ([(10, 62.65)], 20, 65.3),  # 60 s that do not depend on the size, the rest at the pace
        ([(10, 20.0), (30, 40.0)], 50, 60.0),  # a line through two
        ([(10, 20.0), (20, 30.0), (30, 40.0), (20, 900.0)], 40, 50.0),  # one bad night
        ([(10, 50.0), (30, 40.0)], 10, 42.35),  # never quicker than the pace
        ([(4, 1.0)], 4, 1.06),  # nor less than nothing fixed
    ],
)
def test_the_line_through_what_was(history: list[tuple[int, float]], requests: int, seconds: float) -> None:
    found = expect(requests, history)
    assert (round(found.seconds, 2), found.runs) == (seconds, len(history))
