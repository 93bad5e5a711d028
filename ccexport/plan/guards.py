"""The limits that block a plan until a person with the right releases them once.

Owns when a guard trips and the sentence shown for it. Must never read rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ccexport.messages import Message, counted, message
from ccexport.model.exports import Guards
from ccexport.model.plans import TrippedGuard
from ccexport.model.words import BY_CHOICE, Mode, Reason, Verdict

REMOVALS_PERCENT = "removals_percent"
REMOVALS_COUNT = "removals_count"
EMPTY = "empty"
SHRUNKEN = "shrunk_percent"
REJECTED = "rejected_percent"
TOO_MANY = "contacts_maximum"
HEAD_ROOM = "head_room"
GONE = "gone_percent"
GUARDS = (EMPTY, SHRUNKEN, GONE, REMOVALS_PERCENT, REMOVALS_COUNT, REJECTED, TOO_MANY, HEAD_ROOM)
PUT_BACK = "put_back"
"""The other answer to `gone_percent`: people missing since the last run are put back."""
UNSUBSCRIBED_BEFORE = "unsubscribed_before"
"""Released like a guard: who unsubscribed with an old address is added with the new one, once."""
REFUSED_BEFORE = "refused_before"
"""Released like a guard: who was refused three times is sent once more."""
GONE_FLOOR = 20


@dataclass(frozen=True)
class Figures:
    """The numbers of a plan that the guards check; `held` is what this export has on the list now."""

    candidates: int
    verdicts: Mapping[Verdict, int]
    reasons: Mapping[Reason, int]
    held: int
    mode: Mode
    last_candidates: int | None = None
    last_sent: int | None = None
    head_room: int | None = None
    gone: int = 0


def tripped(limits: Guards, figures: Figures, released: frozenset[str]) -> tuple[TrippedGuard, ...]:
    """Return every guard that blocks this plan, in the order of `GUARDS`."""
    return tuple(
        TrippedGuard(name, sentence)
        for name, sentence in _sentences(limits, figures)
        if name not in released and not (name == GONE and PUT_BACK in released)
    )


def _sentences(limits: Guards, f: Figures) -> Iterator[tuple[str, Message]]:
    yield from _too_few(limits, f)
    yield from _missing(limits, f)
    yield from _removals(limits, f)
    rejected = sum(n for reason, n in f.reasons.items() if reason not in BY_CHOICE)
    if limits.rejected_percent is not None and _percent(rejected, f.candidates) > limits.rejected_percent:
        yield (
            REJECTED,
            counted(
                "{left_out} of {n} candidate ({percent} %) would be left out; the limit is {limit} %.",
                "{left_out} of {n} candidates ({percent} %) would be left out; the limit is {limit} %.",
                n=f.candidates,
                left_out=rejected,
                percent=round(_percent(rejected, f.candidates), 1),
                limit=limits.rejected_percent,
            ),
        )
    over = f.reasons.get(Reason.OVER_LIMIT, 0)
    if over:
        yield (
            TOO_MANY,
            message(
                "There are {contacts} contacts, {over} more than the {limit} an export takes; those would be "
                "left out.",
                contacts=limits.contacts_maximum + over,
                over=over,
                limit=limits.contacts_maximum,
            ),
        )
    adds = f.verdicts.get(Verdict.ADD, 0)
    if f.head_room is not None and adds > f.head_room:
        yield (
            HEAD_ROOM,
            counted(
                "{n} contact would be added, but the contract has room for {room}; more may move the account to a "
                "higher price.",
                "{n} contacts would be added, but the contract has room for {room}; more may move the account to a "
                "higher price.",
                n=adds,
                room=max(f.head_room, 0),
            ),
        )


def _too_few(limits: Guards, f: Figures) -> Iterator[tuple[str, Message]]:
    before = f.last_candidates
    if f.candidates == 0:
        if f.mode is Mode.MIRROR or before or f.last_sent or f.held:
            yield EMPTY, message("The segments have no members at all.")
    elif before and limits.shrunk_percent is not None:
        shrunk = _percent(before - f.candidates, before)
        if shrunk > limits.shrunk_percent:
            yield (
                SHRUNKEN,
                counted(
                    "The segments have {n} member; at the last run there were {before} ({percent} % fewer; the limit "
                    "is {limit} %).",
                    "The segments have {n} members; at the last run there were {before} ({percent} % fewer; the limit "
                    "is {limit} %).",
                    n=f.candidates,
                    before=before,
                    percent=round(shrunk, 1),
                    limit=limits.shrunk_percent,
                ),
            )


def _missing(limits: Guards, f: Figures) -> Iterator[tuple[str, Message]]:
    there = f.held + f.gone
    share = _percent(f.gone, there)
    if limits.gone_percent is not None and share > limits.gone_percent and f.gone >= GONE_FLOOR:
        yield (
            GONE,
            message(
                "{gone} of the {there} contacts this export put on the list ({percent} %) are not there any more, and "
                "we did not take them off; the limit is {limit} %. Either they left, and stay off for ever, or the "
                "list was cleared by mistake, and they are put back.",
                gone=f.gone,
                there=there,
                percent=round(share, 1),
                limit=limits.gone_percent,
            ),
        )


def _removals(limits: Guards, f: Figures) -> Iterator[tuple[str, Message]]:
    removals = f.verdicts.get(Verdict.REMOVE, 0)
    share = 0.0 if f.mode is Mode.REMOVE else _percent(removals, f.held)  # those may be nobody's
    if (
        limits.removals_percent is not None
        and share > limits.removals_percent
        and removals > limits.removals_floor
    ):
        yield (
            REMOVALS_PERCENT,
            message(
                "{removals} of the {held} contacts this export holds on the list ({percent} %) would be removed; the "
                "limit is {limit} %.",
                removals=removals,
                held=f.held,
                percent=round(share, 1),
                limit=limits.removals_percent,
            ),
        )
    if limits.removals_count is not None and removals > limits.removals_count:
        yield (
            REMOVALS_COUNT,
            counted(
                "{n} contact would be removed from the list; the limit is {limit}.",
                "{n} contacts would be removed from the list; the limit is {limit}.",
                n=removals,
                limit=limits.removals_count,
            ),
        )


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
