"""The limits that block a plan until a person with the right releases them once.

Owns when a guard trips and the sentence a person then reads. Must never look at a row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
"""The other answer to `gone_percent`: whoever went missing since the last run is put back."""
GONE_FLOOR = 20


@dataclass(frozen=True)
class Figures:
    """The numbers of a plan that the guards look at; `held` is what this export has on the list now."""

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
    """Every guard that blocks this plan, in the order of `GUARDS`."""
    return tuple(
        TrippedGuard(name, sentence)
        for name, sentence in _sentences(limits, figures)
        if name not in released and not (name == GONE and PUT_BACK in released)
    )


def _sentences(limits: Guards, f: Figures) -> Iterator[tuple[str, str]]:
    yield from _too_few(limits, f)
    yield from _missing(limits, f)
    yield from _removals(limits, f)
    rejected = sum(n for reason, n in f.reasons.items() if reason not in BY_CHOICE)
    if limits.rejected_percent is not None and _percent(rejected, f.candidates) > limits.rejected_percent:
        yield (
            REJECTED,
            f"{rejected:,} of {f.candidates:,} candidates ({_percent(rejected, f.candidates):.1f} %) "
            f"would be left out; the limit is {limits.rejected_percent:g} %.",
        )
    over = f.reasons.get(Reason.OVER_LIMIT, 0)
    if over:
        yield (
            TOO_MANY,
            f"There are {limits.contacts_maximum + over:,} contacts, {over:,} more than the "
            f"{limits.contacts_maximum:,} an export takes; those would be left out.",
        )
    adds = f.verdicts.get(Verdict.ADD, 0)
    if f.head_room is not None and adds > f.head_room:
        yield (
            HEAD_ROOM,
            f"{adds:,} contacts would be added, but the contract has room for {max(f.head_room, 0):,}; "
            "more may move the account to a higher price.",
        )


def _too_few(limits: Guards, f: Figures) -> Iterator[tuple[str, str]]:
    before = f.last_candidates
    if f.candidates == 0:
        if f.mode is Mode.MIRROR or before or f.last_sent or f.held:
            yield EMPTY, "The segments have no members at all."
    elif before and limits.shrunk_percent is not None:
        shrunk = _percent(before - f.candidates, before)
        if shrunk > limits.shrunk_percent:
            yield (
                SHRUNKEN,
                f"The segments have {f.candidates:,} members; at the last run there were {before:,} "
                f"({shrunk:.1f} % fewer; the limit is {limits.shrunk_percent:g} %).",
            )


def _missing(limits: Guards, f: Figures) -> Iterator[tuple[str, str]]:
    there = f.held + f.gone
    share = _percent(f.gone, there)
    if limits.gone_percent is not None and share > limits.gone_percent and f.gone >= GONE_FLOOR:
        yield (
            GONE,
            f"{f.gone:,} of the {there:,} contacts this export put on the list ({share:.1f} %) are not there any "
            f"more, and we did not take them off; the limit is {limits.gone_percent:g} %. Either they left, and "
            "stay off for ever, or the list was cleared by mistake, and they are put back.",
        )


def _removals(limits: Guards, f: Figures) -> Iterator[tuple[str, str]]:
    removals = f.verdicts.get(Verdict.REMOVE, 0)
    share = 0.0 if f.mode is Mode.REMOVE else _percent(removals, f.held)  # those may be nobody's
    if (
        limits.removals_percent is not None
        and share > limits.removals_percent
        and removals > limits.removals_floor
    ):
        yield (
            REMOVALS_PERCENT,
            f"{removals:,} of the {f.held:,} contacts this export holds on the list ({share:.1f} %) would be "
            f"removed; the limit is {limits.removals_percent:g} %.",
        )
    if limits.removals_count is not None and removals > limits.removals_count:
        yield (
            REMOVALS_COUNT,
            f"{removals:,} contacts would be removed from the list; the limit is {limits.removals_count:,}.",
        )


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
