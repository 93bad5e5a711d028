"""How long a run will take, from how long the last ones of its connection took.

Owns the estimate. Must never be taken for more: the line is drawn through what was, and says how much
that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from ccexport.constant_contact.pacing import PaceRules


@dataclass(frozen=True)
class Expected:
    """Seconds from the first request to the end, and from how many runs that is known.

    With 0 runs, `seconds` is what the pace alone takes: it will be more.
    """

    seconds: float
    runs: int


def expect(requests: int, history: Sequence[tuple[int, float]]) -> Expected:
    """A fixed part and a part per request: the line in the middle of `history` (requests, seconds).

    The slope is the median of the slopes between any two runs (Theil and Sen), so that one slow night
    does not move it; it is never less than the pace, and the fixed part never less than nothing.
    """
    pace = PaceRules().spacing
    if not history:
        return Expected(requests * pace, 0)
    slopes = [(b - d) / (a - c) for (a, b), (c, d) in combinations(history, 2) if a != c]
    slope = max(median(slopes), pace) if slopes else pace
    fixed = max(median(seconds - slope * count for count, seconds in history), 0.0)
    return Expected(fixed + slope * requests, len(history))
