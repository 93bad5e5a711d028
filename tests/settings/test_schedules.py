"""Each setting of a schedule is changed by itself; what is not named stays."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ccexport.model.exports import Export
from ccexport.model.schedules import Schedule
from tests.cli.conftest import Said
from tests.world import ADA, CARL, World

WEEKLY = {"every": "week", "days": ["monday"], "at": ["06:30"]}
TIMES = {"follows": "times", "recurrence": WEEKLY, "after": None}
CHANGES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "follows": ({"follows": "nothing", "recurrence": None, "after": None}, ("--by-hand",)),
    "recurrence": (
        {"follows": "times", "recurrence": {"every": "day", "at": ["07:00"]}, "after": None},
        ("--daily", "--at", "07:00"),
    ),
    "after": ({"follows": "export", "recurrence": None, "after": "News"}, ("--after", "News")),
    "zone": ({"zone": "Europe/Oslo"}, ("--zone", "Europe/Oslo")),
    "missed": ({"missed": "drop"}, ("--missed", "drop")),
    "paused_until": ({"paused_until": date(2030, 1, 7)}, ()),
}


def test_every_setting_has_a_row() -> None:
    assert set(CHANGES) == set(Schedule.model_fields)


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_changed_by_itself(
    installation: World, export: Export, ccexport: Callable[..., Said], name: str
) -> None:
    """By the use case and, from the same start, on the command line."""
    services, (changes, options) = installation.services, CHANGES[name]

    def saved() -> Schedule:
        return services.schedules.get(ADA, export.id).schedule

    start = services.schedules.change(CARL, [export.id], **TIMES, zone="Asia/Tokyo")[0].schedule
    services.schedules.change(CARL, [export.id], **changes)
    news = services.exports.get(ADA, "News").id
    by_id = {k: news if k == "after" and v else v for k, v in changes.items()}
    assert saved() == Schedule.model_validate(start.model_dump() | by_id)
    if options:
        services.schedules.set(CARL, [export.id], start)
        assert ccexport("schedules", "set", export.id, *options).code == 0
        assert saved() == Schedule.model_validate(start.model_dump() | by_id)


def test_a_schedule_without_a_change_is_refused(export: Export, ccexport: Callable[..., Said]) -> None:
    assert ccexport("schedules", "set", export.id).code == 2
    assert ccexport("schedules", "set", export.id, "--by-hand", "--daily", "--at", "07:00").code == 2
