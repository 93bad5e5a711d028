"""`segments members`, `sizes`, `moves`, `breakdown`, `overlap`, `unmatched`: what is in a segment."""

from typing import Annotated, Any

import typer

from ccexport.cli.output import emit, say, table
from ccexport.cli.session import DataDir, Json, opened


def register(app: typer.Typer) -> None:
    """Add these commands to the others of `segments`."""
    for command in (members, sizes, moves, breakdown, overlap, unmatched):
        app.command()(command)


def members(
    name: str,
    search: Annotated[str, typer.Option(help="Words that must occur in the profile.")] = "",
    sort: Annotated[str | None, typer.Option(help="The field to sort by.")] = None,
    descending: bool = False,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Who is in a segment, a page at a time.

    Example: ccexport segments members Norway --sort "Last Name" --limit 20
    """
    with opened(data_dir) as (services, actor):
        how: dict[str, Any] = {"search": search, "offset": offset, "limit": limit}
        rows = services.segments.members_page(actor, name, sort=sort, descending=descending, **how)
        count = services.segments.count_members(actor, name, search=search)
    columns = [key for key in rows[0] if key != "_id"][:6] if rows else []
    emit(as_json, {"members": count, "rows": rows}, table(rows, columns))
    say(f"{offset + len(rows)} of {count}." if rows else f"{count} in all.")


def sizes(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """How many were in it in each snapshot, oldest first.

    Example: ccexport segments sizes Norway
    """
    with opened(data_dir) as (services, actor):
        rows = [vars(size) for size in services.segments.sizes(actor, name)]
    emit(as_json, rows, table(rows, ["created_at", "members", "profiles", "snapshot_id"]))


def moves(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Who joined and who left since the snapshot before the current one.

    Example: ccexport segments moves Norway --json
    """
    with opened(data_dir) as (services, actor):
        found = services.segments.moves(actor, name)
    if found is None:
        emit(as_json, {"joined": None, "left": None}, ["There is no earlier snapshot to compare with."])
        return
    lines = [f"{found.joined} joined, {found.left} left since the snapshot before."]
    lines += [f"  + {i}" for i in found.joined_ids] + [f"  - {i}" for i in found.left_ids]
    emit(as_json, vars(found), lines)


def breakdown(name: str, field: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """The values of a field in a segment, beside those of everybody.

    Example: ccexport segments breakdown Norway Tier
    """
    with opened(data_dir) as (services, actor):
        found = services.segments.breakdown(actor, name, field)
    rows = [{"value": _value(v), "members": n, "everybody": everybody} for v, n, everybody in found]
    emit(as_json, rows, table(rows, ["value", "members", "everybody"]))


def _value(value: Any) -> Any:
    return f"{value[0]} – {value[1]}" if isinstance(value, tuple) else value


def overlap(names: list[str], as_json: Json = False, data_dir: DataDir = None) -> None:
    """How many are in exactly which of two to five segments.

    Example: ccexport segments overlap Norway Customers
    """
    with opened(data_dir) as (services, actor):
        called = {s.id: s.name for s in services.segments.list(actor)}
        found = services.segments.overlap(actor, names)
    rows = [{"segments": [called[i] for i in o.segment_ids], "profiles": o.profiles} for o in found]
    shown = [{"in exactly": ", ".join(o["segments"]), "profiles": o["profiles"]} for o in rows]  # type: ignore[arg-type]
    emit(as_json, rows, table(shown, ["in exactly", "profiles"]))


def unmatched(
    name: str,
    limit: Annotated[int, typer.Option(min=1)] = 1_000,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """The entries of a member list that match no profile.

    Example: ccexport segments unmatched Staff
    """
    with opened(data_dir) as (services, actor):
        found = list(services.segments.unmatched(actor, name, limit=limit))
    emit(as_json, found, found or ["Every entry matches a profile."])
