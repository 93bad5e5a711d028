"""The operations that only read. Each calls a use case, which masks what a viewer may not see."""

from datetime import datetime, timedelta

from pydantic import Field

from ccexport import __version__
from ccexport.api.answers import (
    batch_answer,
    connection_answer,
    contact_answer,
    export_answer,
    kept_answer,
    preview_answer,
    profiles_answer,
    run_answer,
    run_values,
    segment_answer,
)
from ccexport.api.calls import Asked, Call, Moment, Operation, Page, Reply, Sent
from ccexport.api.cursors import next_cursor, read_cursor
from ccexport.api.following import Follow, follow_run
from ccexport.api.models import (
    ConnectionAnswer,
    ContactAnswer,
    EventAnswer,
    ExportAnswer,
    Health,
    HistoryAnswer,
    HistoryDay,
    KeptAnswer,
    ListAnswer,
    Me,
    Paged,
    PreviewAnswer,
    ProfileRow,
    ProfilesAnswer,
    RunAnswer,
    RunDetail,
    SegmentAnswer,
)
from ccexport.errors import BadInput
from ccexport.model.words import Outcome, Role, RunState

JUST_AFTER = timedelta(microseconds=1)


class Search(Page):
    search: str = Field("", max_length=200, description="Only for contributors.")


class Rows(Page):
    what: str | None = Field(
        None, max_length=200, description="A verdict, a reason, a warning, `left_out` or `sent`."
    )
    segment: str | None = Field(None, max_length=200)
    search: str | None = Field(None, max_length=200, description="Only for contributors.")


class RunRows(Page):
    what: str | None = Field(None, max_length=200, description="A verdict, a reason, an outcome or `sent`.")
    email: str | None = Field(
        None, max_length=320, description="One person, by address or profile id; only for contributors."
    )


class Runs(Page):
    export: str | None = Field(None, max_length=200)
    list: str | None = Field(None, max_length=200)
    state: RunState | None = None
    person: str | None = Field(None, max_length=200)
    since: Moment | None = None
    until: Moment | None = None


class Days(Asked):
    days: int = Field(30, ge=1, le=366)


def health(call: Call) -> Health:
    call.services.exports.count(call.actor)  # the ledger answers
    return Health(status="ok", version=__version__)


def me(call: Call) -> Me:
    return Me(name=call.actor.name, role=call.actor.role)


def profiles(call: Call) -> ProfilesAnswer:
    return profiles_answer(call.services.profiles.current(call.actor))


def profile_rows(call: Call) -> Paged[ProfileRow]:
    offset, _ = read_cursor(call.query.cursor)
    found = call.services.profiles.page(
        call.actor, search=call.query.search, offset=offset, limit=call.query.limit + 1
    )
    page, following = next_cursor(offset, found, call.query.limit)
    rows = [
        ProfileRow(profile_id=str(row["_id"]), values={k: v for k, v in row.items() if k != "_id"})
        for row in page
    ]
    return Paged[ProfileRow](items=rows, next=following)


def segments(call: Call) -> Paged[SegmentAnswer]:
    return Paged[SegmentAnswer](
        items=[segment_answer(call, s) for s in call.services.segments.list(call.actor)]
    )


def segment(call: Call) -> Reply:
    found = segment_answer(call, call.services.segments.get(call.actor, call.path["name"]))
    return Reply(found, {"ETag": f'"{found.segment_id}.{found.version}"'})


def exports(call: Call) -> Paged[ExportAnswer]:
    return Paged[ExportAnswer](items=[export_answer(call, e) for e in call.services.exports.list(call.actor)])


def export(call: Call) -> Reply:
    found = export_answer(call, call.services.exports.get(call.actor, call.path["name"]))
    return Reply(found, {"ETag": f'"{found.export_id}.{found.version}"'})


def export_previews(call: Call) -> Paged[KeptAnswer]:
    plans = call.services.previews.plans(call.actor, call.path["name"])
    return Paged[KeptAnswer](items=[kept_answer(plan) for plan in plans])


def preview(call: Call) -> PreviewAnswer:
    return preview_answer(call, call.services.previews.by_id(call.actor, call.path["plan_id"]))


def preview_rows(call: Call) -> Paged[ContactAnswer]:
    asked, (offset, _) = call.query, read_cursor(call.query.cursor)
    plan = call.services.previews.by_id(call.actor, call.path["plan_id"])
    found = call.services.previews.rows(
        call.actor,
        plan,
        what=asked.what,
        segment=asked.segment,
        search=asked.search,
        offset=offset,
        limit=asked.limit + 1,
    )
    page, following = next_cursor(offset, found, asked.limit)
    return Paged[ContactAnswer](items=[contact_answer(row) for row in page], next=following)


def preview_parquet(call: Call) -> Sent:
    plan_id = call.path["plan_id"]
    return Sent(call.services.previews.parquet(call.actor, plan_id), f"preview-{plan_id}.parquet")


def runs(call: Call) -> Paged[RunAnswer]:
    """New runs do not move the pages: a cursor holds up to when its first page saw them."""
    asked, (offset, seen) = call.query, read_cursor(call.query.cursor)
    until = _moment(seen) or asked.until
    found = call.services.runs.list(
        call.actor,
        export=asked.export,
        contact_list=asked.list,
        state=asked.state,
        person=asked.person,
        since=asked.since,
        until=until,
        offset=offset,
        limit=asked.limit + 1,
    )
    until = until or (found[0].created_at + JUST_AFTER if found else None)
    page, following = next_cursor(offset, found, asked.limit, until.isoformat() if until else "")
    return Paged[RunAnswer](items=[run_answer(run) for run in page], next=following)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput("The cursor is not one of ours: take `next` of the page before.") from error
    if found is not None and (found.tzinfo is None or not 1970 <= found.year <= 9000):
        raise BadInput("The cursor is not one of ours: take `next` of the page before.")
    return found


def run(call: Call) -> RunDetail:
    return run_detail(call, call.path["run_id"])


def run_detail(call: Call, run_id: str) -> RunDetail:
    """Return a run with its requests and its story."""
    use, actor = call.services.runs, call.actor
    found = use.get(actor, run_id)
    return RunDetail(
        **run_values(found),
        batches=[batch_answer(batch) for batch in use.batches(actor, run_id)],
        events=[
            EventAnswer(at=e.at, actor=e.actor, state=e.state, text=str(e.text))
            for e in use.story(actor, run_id)
        ],
        stuck=str(use.stuck(actor, run_id)) or None,
        seconds=use.seconds(actor, [found]).get(found.id),
    )


def run_contacts(call: Call) -> Paged[ContactAnswer]:
    asked, (offset, _) = call.query, read_cursor(call.query.cursor)
    found = call.services.runs.contacts(
        call.actor,
        call.path["run_id"],
        what=asked.what,
        email=asked.email,
        offset=offset,
        limit=asked.limit + 1,
    )
    page, following = next_cursor(offset, found, asked.limit)
    # What is about one person comes whole.
    page, following = (found, None) if asked.email else (page, following)
    return Paged[ContactAnswer](items=[contact_answer(row) for row in page], next=following)


def run_parquet(call: Call) -> Sent:
    run_id = call.path["run_id"]
    return Sent(call.services.runs.contacts_parquet(call.actor, run_id), f"contacts-{run_id}.parquet")


def history(call: Call) -> HistoryAnswer:
    now = call.services.ledger.clock()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    edges = [today - timedelta(days=n) for n in range(call.query.days - 1, -2, -1)]
    began, counts = call.services.runs.totals(call.actor, edges[0])
    outcomes = call.services.runs.outcomes(call.actor, edges)
    days = [
        HistoryDay(day=edge.date().isoformat(), outcomes={o: found.get(o, 0) for o in Outcome})
        for edge, found in zip(edges, outcomes, strict=False)
    ]
    return HistoryAnswer(
        since=edges[0], runs=began, sent=counts["sent"], verified=counts["verified"], days=days
    )


def connections(call: Call) -> Paged[ConnectionAnswer]:
    found = call.services.connections.list(call.actor)
    return Paged[ConnectionAnswer](items=[connection_answer(c) for c in found])


def connection_lists(call: Call) -> Paged[ListAnswer]:
    found = call.services.connections.lists(call.actor, call.path["name"])
    return Paged[ListAnswer](items=[ListAnswer(list_id=one.id, name=one.name) for one in found])


CONTRIBUTOR = Role.CONTRIBUTOR
READING = (
    Operation("GET", "/health", "Whether it answers, and which version it is", health, Health),
    Operation("GET", "/me", "Whom the token stands for", me, Me),
    Operation("GET", "/profiles", "The current snapshot of the profiles", profiles, ProfilesAnswer),
    Operation("GET", "/profiles/rows", "Profiles, a page at a time", profile_rows, Paged[ProfileRow], Search),
    Operation("GET", "/segments", "All segments with their sizes", segments, Paged[SegmentAnswer]),
    Operation("GET", "/segments/{name}", "One segment, by name or id", segment, SegmentAnswer),
    Operation("GET", "/exports", "All exports", exports, Paged[ExportAnswer]),
    Operation("GET", "/exports/{name}", "One export, by name or id", export, ExportAnswer),
    Operation(
        "GET", "/exports/{name}/previews", "The plans that are kept", export_previews, Paged[KeptAnswer]
    ),
    Operation("GET", "/previews/{plan_id}", "One plan", preview, PreviewAnswer),
    Operation(
        "GET",
        "/previews/{plan_id}/rows",
        "Who is in a plan, and why",
        preview_rows,
        Paged[ContactAnswer],
        Rows,
    ),
    Operation(
        "GET", "/previews/{plan_id}/rows.parquet", "All rows as Parquet", preview_parquet, role=CONTRIBUTOR
    ),
    Operation("GET", "/runs", "Runs, newest first", runs, Paged[RunAnswer], Runs),
    Operation(
        "GET",
        "/runs/{run_id}",
        "One run; with `wait`, once it has ended or waits for somebody",
        follow_run(run),
        RunDetail,
        Follow,
    ),
    Operation(
        "GET", "/runs/{run_id}/contacts", "What became of whom", run_contacts, Paged[ContactAnswer], RunRows
    ),
    Operation("GET", "/runs/{run_id}/contacts.parquet", "The same as Parquet", run_parquet, role=CONTRIBUTOR),
    Operation("GET", "/history", "The history in numbers", history, HistoryAnswer, Days),
    Operation("GET", "/connections", "The connections", connections, Paged[ConnectionAnswer]),
    Operation(
        "GET",
        "/connections/{name}/lists",
        "The contact lists of an account",
        connection_lists,
        Paged[ListAnswer],
        role=CONTRIBUTOR,
    ),
)
