"""Estimates how long a run will take, from the durations of earlier runs of its connection.

Must never be presented without the number of runs it is based on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from ccexport.constant_contact.pacing import PaceRules


@dataclass(frozen=True)
class Expected:
    """Seconds from the first request to the end, and how many runs the estimate is based on.

    With 0 runs, `seconds` is the minimum that the pace alone takes.
    """

    seconds: float
    runs: int


def expect(requests: int, history: Sequence[tuple[int, float]]) -> Expected:
    """Estimate a fixed part and a part per request, from `history` (requests, seconds).

    The slope is the median of the slopes between any two runs (Theil and Sen), so that one slow night
    does not move it. It is never below the pace, and the fixed part never below zero.
    """
    pace = PaceRules().spacing
    if not history:
        return Expected(requests * pace, 0)
    slopes = [(b - d) / (a - c) for (a, b), (c, d) in combinations(history, 2) if a != c]
    slope = max(median(slopes), pace) if slopes else pace
    fixed = max(median(seconds - slope * count for count, seconds in history), 0.0)
    return Expected(fixed + slope * requests, len(history))
