"""When an export runs by itself, computed from its schedule: pure, in any time zone.

Every recurrence is a few cron lines, so daylight saving has one rule: a time that does not exist
runs when the clocks have been put forward, a time that occurs twice runs once, and what
happens every hour happens in every hour that passes. Must never read a clock.
"""

import heapq
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from itertools import islice
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from ccexport.messages import Unusable, message, verbatim, word

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
MOST_TIMES = 24
LOOK_BACK = timedelta(days=35)  # a time missed by more than this is not caught up


class Every(StrEnum):
    """How often a recurrence repeats."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    CRON = "cron"


class Weekday(StrEnum):
    """The days of a week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Follows(StrEnum):
    """What starts an export besides a person."""

    REFRESH = "refresh"
    TIMES = "times"
    EXPORT = "export"
    NOTHING = "nothing"


class Missed(StrEnum):
    """What becomes of a time that passed while nothing could run."""

    CATCH_UP = "catch_up"
    DROP = "drop"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recurrence(_Frozen):
    """Repeating times. `at` are wall-clock times; `minute` is for every hour; `cron` has five fields."""

    every: Every
    at: tuple[str, ...] = ()
    minute: int = 0
    days: tuple[Weekday, ...] = ()
    day: int = 1
    cron: str = ""

    @field_validator("at")
    @classmethod
    def _wall_times(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if not _TIME.fullmatch(text):
                raise Unusable("{text} is not a time such as 06:30", text=repr(text))
        if len(value) > MOST_TIMES:
            raise Unusable("more than {most} times a day; use a cron line", most=MOST_TIMES)
        return tuple(sorted(set(value)))

    @field_validator("days")
    @classmethod
    def _in_order(cls, value: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
        return tuple(day for day in Weekday if day in value)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.every in {Every.DAY, Every.WEEK, Every.MONTH} and not self.at:
            raise Unusable("every {every} needs at least one time (at)", every=word(self.every))
        if self.every is Every.WEEK and not self.days:
            raise Unusable("every week needs at least one day (days)")
        if not 0 <= self.minute <= 59:
            raise Unusable("minute must be from 0 to 59")
        if not 1 <= self.day <= 31:
            raise Unusable("day must be from 1 to 31; in a shorter month it is the last day")
        if self.every is Every.CRON:
            _check_cron(self.cron)
        return self


def _check_cron(line: str) -> None:
    if len(line.split()) != 5:
        raise Unusable("a cron line has five fields: minute hour day month weekday")
    try:
        next(CronSim(line, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        problem = verbatim(str(error)) if str(error) else message("it never comes")
        raise Unusable("the cron line cannot be used: {problem}", problem=problem) from error


class Schedule(_Frozen):
    """When one export runs. `after` is the id of the export it follows; times are in `zone`."""

    follows: Follows = Follows.REFRESH
    recurrence: Recurrence | None = None
    after: str | None = None
    zone: str = "UTC"
    missed: Missed = Missed.CATCH_UP
    paused_until: date | None = None

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return checked_zone(value)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.recurrence is not None) != (self.follows is Follows.TIMES):
            raise Unusable("a recurrence is needed for follows: times, and only for that")
        if (self.after is not None) != (self.follows is Follows.EXPORT):
            raise Unusable("after is needed for follows: export, and only for that")
        return self

    def resumes_at(self) -> datetime | None:
        """The moment a pause ends: midnight in the zone, at the start of that day."""
        if self.paused_until is None:
            return None
        return datetime.combine(self.paused_until, time(), ZoneInfo(self.zone)).astimezone(UTC)

    def paused_at(self, moment: datetime) -> bool:
        end = self.resumes_at()
        return end is not None and moment < end


class RefreshSettings(_Frozen):
    """The watched sources and when they are refreshed. Off by default."""

    on: bool = False
    sources: tuple[str, ...] = ()
    id_field: str | None = None
    recurrence: Recurrence | None = None
    zone: str = "UTC"

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return checked_zone(value)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.recurrence is not None:
            if self.recurrence.every not in {Every.DAY, Every.WEEK}:
                raise Unusable("a refresh comes every day or every week")
            if len(self.recurrence.at) > 4:
                raise Unusable("a refresh comes at most four times a day")
        if self.on and self.recurrence is None:
            raise Unusable("a refresh cannot be switched on without a recurrence")
        return self


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def checked_zone(name: str) -> str:
    """Return the name if it is a time zone. Raises `ValueError` with a sentence."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = next((zone for zone in sorted(_zones()) if name and name.casefold() in zone.casefold()), None)
        if near:
            raise Unusable(
                "{name} is not a time zone; did you mean {near}?", name=repr(name), near=near
            ) from error
        raise Unusable(
            "{name} is not a time zone; use a name such as Europe/Oslo", name=repr(name)
        ) from error
    return name


def cron_lines(recurrence: Recurrence) -> tuple[str, ...]:
    """Return the recurrence as cron lines; several when one line cannot express it."""
    if recurrence.every is Every.CRON:
        return (recurrence.cron,)
    if recurrence.every is Every.HOUR:
        return (f"{recurrence.minute} * * * *",)
    lines = []
    for text in recurrence.at:
        hour, minute = text.split(":")
        lines += [f"{int(minute)} {int(hour)} {rest}" for rest in _days(recurrence)]
    return tuple(lines)


def _days(recurrence: Recurrence) -> tuple[str, ...]:
    if recurrence.every is Every.DAY:
        return ("* * *",)
    if recurrence.every is Every.WEEK:
        numbers = [(list(Weekday).index(day) + 1) % 7 for day in recurrence.days]
        return (f"* * {','.join(map(str, numbers))}",)
    if recurrence.day == 31:
        return ("L * *",)
    if recurrence.day > 28:
        return (f"{recurrence.day} 1,3-12 *", "L 2 *")
    return (f"{recurrence.day} * *",)


def times(recurrence: Recurrence, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield every time strictly after that moment, in order, without duplicates, in UTC."""
    start = after.astimezone(ZoneInfo(zone) if zone != "UTC" else UTC)
    last = after
    for found in heapq.merge(*(_one(line, start) for line in cron_lines(recurrence))):
        if found > last:
            last = found
            yield found


def _one(line: str, start: datetime) -> Iterator[datetime]:
    # Around a change of the clocks the library starts from the wall clock, which is ambiguous in an hour
    # that occurs twice. So this begins a little earlier, and `times` drops what is past.
    begin = (start.astimezone(UTC) - timedelta(hours=3)).astimezone(start.tzinfo)
    for found in CronSim(line, begin):
        yield found.astimezone(UTC)


def next_times(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """Return the next scheduled times of an export; none when it follows something else."""
    if schedule.recurrence is None:
        return []
    start = max(after, (schedule.resumes_at() or after) - timedelta(microseconds=1))
    return list(islice(times(schedule.recurrence, schedule.zone, start), count))


def due_times(schedule: Schedule, after: datetime, now: datetime) -> list[datetime]:
    """Return the times in (after, now], no further back than `LOOK_BACK`, and none during a pause."""
    if schedule.recurrence is None:
        return []
    resumes = schedule.resumes_at()
    found: list[datetime] = []
    for moment in times(schedule.recurrence, schedule.zone, max(after, now - LOOK_BACK)):
        if moment > now:
            break
        if resumes is None or moment >= resumes:
            found.append(moment)
    return found


def in_words(schedule: Schedule, after: str | None = None) -> str:
    """Describe the schedule in words; `after` is the name of the export it follows."""
    if schedule.follows is Follows.REFRESH:
        said = "with every refresh"
    elif schedule.follows is Follows.NOTHING:
        said = "by hand only"
    elif schedule.recurrence is None:
        said = f"after {after or schedule.after}"
    else:
        said = recurrence_in_words(schedule.recurrence, schedule.zone)
    return said + (f", paused until {schedule.paused_until}" if schedule.paused_until else "")


def recurrence_in_words(recurrence: Recurrence, zone: str) -> str:
    """Describe a recurrence, such as `every week on monday, friday at 06:00 (Europe/Oslo)`."""
    at = f" at {', '.join(recurrence.at)}" if recurrence.at else ""
    said = {
        Every.HOUR: f"every hour at minute {recurrence.minute}",
        Every.DAY: f"every day{at}",
        Every.WEEK: f"every week on {', '.join(recurrence.days)}{at}",
        Every.MONTH: f"every month on day {recurrence.day}{at}",
        Every.CRON: f"cron {recurrence.cron}",
    }[recurrence.every]
    return f"{said} ({zone})"
