"""`schedules list`, `show`, `set`, `pause`, `resume`, `history`, `run`: when exports run by themselves."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.output import emit, table
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput
from ccexport.model.firings import Firing
from ccexport.model.runs import Run
from ccexport.model.schedules import Every, Follows, Missed

if TYPE_CHECKING:
    from ccexport.services.schedules import ScheduleState

app = typer.Typer(help="When exports run by themselves.")

At = Annotated[
    list[str] | None, typer.Option(help="A wall-clock time such as 06:30; may be repeated.", metavar="HH:MM")
]
Zone = Annotated[str, typer.Option(help="The time zone, such as Europe/Oslo.")]
Daily = Annotated[bool, typer.Option("--daily", help="Every day at --at.")]
Weekly = Annotated[
    list[str] | None, typer.Option(help="Every week on this day at --at; may be repeated.", metavar="DAY")
]


def recurrence(
    *,
    hourly: int | None = None,
    daily: bool = False,
    weekly: list[str] | None = None,
    monthly: int | None = None,
    cron: str | None = None,
    at: list[str] | None = None,
) -> dict[str, Any] | None:
    """Return the recurrence that the options describe. Raises `BadInput` when they describe two."""
    asked: list[dict[str, Any]] = []
    if hourly is not None:
        asked.append({"every": Every.HOUR, "minute": hourly})
    if daily:
        asked.append({"every": Every.DAY})
    if weekly:
        asked.append({"every": Every.WEEK, "days": [day.lower() for day in weekly]})
    if monthly is not None:
        asked.append({"every": Every.MONTH, "day": monthly})
    if cron is not None:
        asked.append({"every": Every.CRON, "cron": cron})
    if len(asked) > 1:
        raise BadInput("Choose one of --hourly, --daily, --weekly, --monthly and --cron.")
    if at and not asked:
        raise BadInput("--at needs --daily, --weekly or --monthly.")
    return asked[0] | {"at": at or []} if asked else None


def schedule_document(state: "ScheduleState") -> dict[str, Any]:
    """Return a schedule as JSON."""
    return {
        "export": state.export,
        "schedule": state.schedule.model_dump(mode="json", exclude_defaults=True),
        "in_words": state.words,
        "own": state.own,
        "paused": state.paused,
        "next": list(state.next),
        "last": firing_document(state.last) if state.last else None,
        "why": str(state.why),
    }


def firing_document(firing: Firing) -> dict[str, Any]:
    """Return a firing as JSON."""
    return {
        "due_at": firing.due_at,
        "state": firing.state,
        "cause": firing.cause,
        "run_id": firing.run_id if firing.state == "started" else None,
        "note": str(firing.note),
    }


def _lines(state: "ScheduleState") -> list[str]:
    lines = [f"{state.export}: {state.words}."]
    lines += [f"  next {moment:%Y-%m-%d %H:%M} UTC" for moment in state.next]
    return lines + ([f"  {state.why}"] if state.why else [])


@app.command("list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Every export: when it runs, the next time, and what holds it up.

    Example: ccexport schedules list
    """
    with opened(data_dir) as (services, actor):
        rows = [schedule_document(state) for state in services.schedules.list(actor)]
    shown = [row | {"next": row["next"][0] if row["next"] else None} for row in rows]
    emit(as_json, rows, table(shown, ["export", "in_words", "next", "why"]))


@app.command()
def show(export: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """One export: when it runs, its next three times, and what holds it up.

    Example: ccexport schedules show Newsletter --json
    """
    with opened(data_dir) as (services, actor):
        state = services.schedules.get(actor, export)
    emit(as_json, schedule_document(state), _lines(state))


@app.command("set")
def set_(
    exports: Annotated[list[str], typer.Argument(help="One export or several, by name.")],
    with_refresh: Annotated[bool, typer.Option("--with-refresh", help="After every refresh.")] = False,
    by_hand: Annotated[bool, typer.Option("--by-hand", help="Only when a person runs it.")] = False,
    after: Annotated[str | None, typer.Option(help="After this export ended well.", metavar="EXPORT")] = None,
    hourly: Annotated[int | None, typer.Option(help="Every hour at this minute.", metavar="MINUTE")] = None,
    daily: Daily = False,
    weekly: Weekly = None,
    monthly: Annotated[
        int | None,
        typer.Option(help="Every month on this day (its last when it is shorter).", metavar="DAY"),
    ] = None,
    cron: Annotated[str | None, typer.Option(help="A cron line of five fields.")] = None,
    at: At = None,
    zone: Annotated[
        str | None, typer.Option(help="The time zone, such as Europe/Oslo; UTC at first.")
    ] = None,
    missed: Annotated[
        Missed | None,
        typer.Option(
            help="A time that passed while nothing could run: caught up once (at first), or dropped."
        ),
    ] = None,
    keep_own: Annotated[
        bool, typer.Option("--keep-own", help="Leave exports that have a schedule of their own.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Set when exports run; what is not named stays. Saving runs nothing.

    Example: ccexport schedules set Newsletter --weekly monday --weekly friday --at 06:30 --zone Europe/Oslo
    """
    found = recurrence(hourly=hourly, daily=daily, weekly=weekly, monthly=monthly, cron=cron, at=at)
    ways = [with_refresh, by_hand, after is not None, found is not None]
    changes: dict[str, Any] = {"zone": zone, "missed": missed}
    changes = {name: value for name, value in changes.items() if value is not None}
    if sum(ways) > 1 or not (any(ways) or changes):
        raise BadInput(
            "Choose one of --with-refresh, --by-hand, --after, --hourly, --daily, --weekly, --monthly and --cron."
        )
    if any(ways):
        follows = [Follows.REFRESH, Follows.NOTHING, Follows.EXPORT, Follows.TIMES][ways.index(True)]
        changes |= {"follows": follows, "after": after, "recurrence": found}
    with opened(data_dir) as (services, actor):
        states = services.schedules.change(actor, exports, keep_own=keep_own, **changes)
    lines = [line for state in states for line in _lines(state)]
    emit(as_json, [schedule_document(s) for s in states], lines or ["Nothing was changed."])


@app.command()
def pause(
    export: str,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day it goes on by itself.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Fire nothing before that day, in the schedule's own time zone.

    Example: ccexport schedules pause Newsletter --until 2027-01-07
    """
    with opened(data_dir) as (services, actor):
        state = services.schedules.pause(actor, export, until=until.date())
    emit(as_json, schedule_document(state), _lines(state))


@app.command()
def resume(export: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """End a pause now.

    Example: ccexport schedules resume Newsletter
    """
    with opened(data_dir) as (services, actor):
        state = services.schedules.pause(actor, export, until=None)
    emit(as_json, schedule_document(state), _lines(state))


@app.command()
def history(
    export: Annotated[str | None, typer.Argument(help="Only of this export.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """What became of the times: started, dropped, or waiting; newest first.

    Example: ccexport schedules history Newsletter
    """
    with opened(data_dir) as (services, actor):
        names = {e.id: e.name for e in services.exports.list(actor)}
        found = services.schedules.history(actor, export, limit=limit)
    rows = [{"export": names.get(f.export_id, f.export_id)} | firing_document(f) for f in found]
    emit(as_json, rows, table(rows, ["export", "due_at", "state", "run_id", "note"]))


@app.command()
def run(
    exports: Annotated[list[str] | None, typer.Argument(help="These; without names, all.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Queue every export that does not run by hand only, or those named, and show the order.

    A worker drives them; exports to one list take turns. Example: ccexport schedules run
    """
    with opened(data_dir) as (services, actor):
        names = {e.id: e.name for e in services.exports.list(actor)}
        queued = services.schedules.run_all(actor, exports or ())
    rows = [_queued(number, names[found.export_id], found) for number, found in enumerate(queued, start=1)]
    emit(as_json, rows, table(rows, ["order", "export", "run_id", "state", "note"]))


def _queued(number: int, name: str, found: Run | Firing) -> dict[str, Any]:
    run_id = found.id if isinstance(found, Run) else None
    return {"order": number, "export": name, "run_id": run_id, "state": found.state, "note": str(found.note)}
