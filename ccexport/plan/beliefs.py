"""What we believe of an address on a list, and who holds it: one table of transitions, as data.

Each cell maps (what we believed, what we did and how certainly, what the reading shows) to
(what we believe now, what becomes of the holds). docs/plan.md shows the same table, and a test compares
them. Must never hold SQL or read a file: `standing` and `deliveries` execute the table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import pyarrow as pa


class Belief(StrEnum):
    """What we believe of one address on one list."""

    NEVER = "never"  # nothing is known
    ON_LIST = "on_list"  # on the list because we put it there
    OWN = "own"  # on the list, but not because of us
    UNSEEN = "unseen"  # counted as applied by Constant Contact, but never seen on the list
    MISSING = "missing"  # sent but not seen, for an unknown reason
    UNKNOWN = "unknown"  # sent, with an unknown outcome
    REJECTED = "rejected"  # refused by Constant Contact
    REMOVING = "removing"  # removed by us, but still seen on the list
    REMOVED = "removed"  # removed by us, and seen to be gone
    LEFT = "left"  # left or unsubscribed without us


class Deed(StrEnum):
    """What a run did with one address."""

    NOTHING = "nothing"
    ADD = "add"
    UPDATE = "update"
    KEEP = "keep"  # unchanged: wanted, but not sent again
    REMOVE = "remove"
    REFUSE = "refuse"  # excluded by our own rule, but not removed
    HAND_OVER = "hand_over"  # wanted only by another export


class Certainty(StrEnum):
    """How certain it is that Constant Contact did what was asked."""

    APPLIED = "applied"  # it ended well, and the counters show all contacts as applied
    REFUSED = "refused"  # Constant Contact refused this row
    PARTIAL = "partial"  # it failed, or was applied only in part
    UNKNOWN = "unknown"  # its end is not known


class Shown(StrEnum):
    """What the next reading shows of the address."""

    THERE = "there"
    ABSENT = "absent"
    UNSUBSCRIBED = "unsubscribed"
    UNREAD = "unread"


class Holds(StrEnum):
    """What becomes of the holds on an address."""

    STAY = "stay"
    BEGIN = "begin"  # ours begins or continues; requested holds of other exports end
    ASK = "ask"  # ours begins as soon as a reading shows the address
    CONFIRM = "confirm"  # requested holds begin
    END = "end"  # all of them end
    END_OURS = "end_ours"


@dataclass(frozen=True)
class Rule:
    """One row of the table. An empty set matches everything; the first row that matches counts."""

    before: frozenset[Belief]
    deeds: frozenset[Deed]
    certainty: frozenset[Certainty]
    shown: frozenset[Shown]
    now: Belief | None
    """None: unchanged."""
    holds: Holds
    because: str

    def fits(self, before: Belief, deed: Deed, certainty: Certainty, shown: Shown) -> bool:
        return (
            (not self.before or before in self.before)
            and (not self.deeds or deed in self.deeds)
            and (not self.certainty or certainty in self.certainty)
            and (not self.shown or shown in self.shown)
        )


def _rules() -> Iterator[Rule]:

    def rule(
        before: str, deeds: str, certainty: str, shown: str, now: Belief | None, holds: Holds, because: str
    ) -> Rule:
        return Rule(
            frozenset(map(Belief, before.split())),
            frozenset(map(Deed, deeds.split())),
            frozenset(map(Certainty, certainty.split())),
            frozenset(map(Shown, shown.split())),
            now,
            holds,
            because,
        )

    waiting = "nothing refuse hand_over keep"
    # An unsubscribed person is off every list, whatever else happened.
    yield rule("never", "nothing keep refuse", "", "unsubscribed", None, Holds.STAY, "Never one of ours.")
    yield rule("", "", "", "unsubscribed", Belief.LEFT, Holds.END, "They unsubscribed.")
    # The list was not read: what was sent is unknown, everything else is unchanged.
    yield rule(
        "", "add", "refused", "unread", Belief.REJECTED, Holds.END_OURS, "Constant Contact named the row."
    )
    yield rule("", "add", "", "unread", Belief.UNKNOWN, Holds.ASK, "It may have arrived.")
    yield rule(
        "on_list removing", "remove", "", "unread", Belief.REMOVING, Holds.STAY, "The next reading tells."
    )
    yield rule("on_list", "keep", "", "unread", None, Holds.BEGIN, "The plan's reading showed them there.")
    yield rule("on_list", "refuse hand_over", "", "unread", None, Holds.END_OURS, "Not ours any more.")
    yield rule("", "", "", "unread", None, Holds.STAY, "Nothing was learned.")
    # Added: not on the list before we sent.
    yield rule(
        "", "add", "", "there", Belief.ON_LIST, Holds.BEGIN, "Not there before, there after: by our hand."
    )
    yield rule("", "add", "refused", "absent", Belief.REJECTED, Holds.END_OURS, "Refused: nothing to hold.")
    yield rule(
        "", "add", "applied", "absent", Belief.UNSEEN, Holds.ASK, "Applied, so rather left or late than lost."
    )
    yield rule("", "add", "partial", "absent", Belief.MISSING, Holds.ASK, "Lost, or late.")
    yield rule("", "add", "unknown", "absent", Belief.UNKNOWN, Holds.ASK, "Lost, or late.")
    # Updated or kept: on the list when the plan was made.
    yield rule(
        "removing", "update keep", "", "absent", Belief.REMOVED, Holds.END, "Our earlier removal shows late."
    )
    yield rule(
        "", "update keep", "", "absent", Belief.LEFT, Holds.END, "An import takes nobody off: they left."
    )
    yield rule(
        "own never", "update keep", "", "there", Belief.OWN, Holds.STAY, "There by their own hand before us."
    )
    yield rule(
        "rejected removed left",
        "update keep",
        "",
        "there",
        Belief.OWN,
        Holds.STAY,
        "They put themselves there.",
    )
    yield rule("", "update keep", "", "there", Belief.ON_LIST, Holds.BEGIN, "By our hand, and wanted.")
    # Removed.
    yield rule("", "remove", "", "absent", Belief.REMOVED, Holds.END, "Taken off by us, and gone.")
    yield rule("own never", "remove", "", "there", Belief.OWN, Holds.STAY, "Not ours to take off.")
    yield rule("", "remove", "", "there", Belief.REMOVING, Holds.STAY, "Still there, or its end shows late.")
    # This run did nothing: what a reading alone shows.
    yield rule(
        "on_list", "refuse hand_over", "", "there", Belief.ON_LIST, Holds.END_OURS, "Not ours any more."
    )
    yield rule("never", waiting, "", "absent", Belief.NEVER, Holds.STAY, "Never seen.")
    yield rule("never", waiting, "", "there", Belief.OWN, Holds.STAY, "There without us.")
    yield rule("on_list", waiting, "", "there", Belief.ON_LIST, Holds.STAY, "Still there.")
    yield rule(
        "on_list", waiting, "", "absent", Belief.LEFT, Holds.END, "Gone, and we did not take them off."
    )
    yield rule("own", waiting, "", "there", Belief.OWN, Holds.STAY, "Still there without us.")
    yield rule(
        "own", waiting, "", "absent", Belief.LEFT, Holds.END, "An earlier reading has them: they left."
    )
    yield rule(
        "removing", waiting, "", "there", Belief.REMOVING, Holds.STAY, "Still there, or its end shows late."
    )
    yield rule("removing", waiting, "", "absent", Belief.REMOVED, Holds.END, "Our removal shows late.")
    yield rule(
        "removed left rejected", waiting, "", "there", Belief.OWN, Holds.END, "They put themselves there."
    )
    yield rule("removed left rejected", waiting, "", "absent", None, Holds.STAY, "Still gone.")
    yield rule(
        "unseen missing unknown", waiting, "", "there", Belief.ON_LIST, Holds.CONFIRM, "Ours, seen late."
    )
    yield rule(
        "unseen missing unknown", waiting, "", "absent", None, Holds.STAY, "Absence proves nothing new."
    )


RULES: tuple[Rule, ...] = tuple(_rules())
"""Every row, in the order in which they are tried."""

_PLACES = (tuple(Belief), tuple(Deed), tuple(Certainty), tuple(Shown))


def transition(before: Belief, deed: Deed, certainty: Certainty, shown: Shown) -> tuple[Belief, Holds, Rule]:
    """Return the new belief, what becomes of the holds, and the matching row."""
    rule = next(r for r in RULES if r.fits(before, deed, certainty, shown))
    return rule.now or before, rule.holds, rule


def cells() -> pa.Table:
    """Return `key`, `now` and `holds` of every cell; `key_sql` builds the key."""
    each = [transition(*cell) for cell in product(*_PLACES)]
    return pa.table(
        {
            "key": pa.array(range(len(each)), pa.int32()),
            "now": pa.array([now.value for now, _, _ in each]),
            "holds": pa.array([holds.value for _, holds, _ in each]),
        }
    )


def types_sql() -> str:
    """Return SQL that makes the words enum types of one byte each; `enum_code` gives their positions."""
    named: Mapping[str, type[StrEnum]] = {
        "belief": Belief,
        "deed": Deed,
        "certainty": Certainty,
        "shown": Shown,
        "holding": Holds,
    }
    return ";".join(
        f"CREATE TYPE {name} AS ENUM ({', '.join(repr(word.value) for word in words)})"
        for name, words in named.items()
    )


def key_sql(before: str, deed: str, certainty: str, shown: str) -> str:
    """Return SQL: the key of the cell for four expressions of the types above."""
    code = f"enum_code({before})::INTEGER"
    for expression, words in zip((deed, certainty, shown), _PLACES[1:], strict=True):
        code = f"({code} * {len(words)} + enum_code({expression}))"
    return code


def as_markdown() -> str:
    """Return the table as docs/plan.md shows it."""

    def some(words: frozenset[StrEnum], every: type[StrEnum]) -> str:
        return ", ".join(f"`{w}`" for w in every if w in words) or "any"

    lines = [
        "| believed | did | certainty | the reading | believed now | holds | because |",
        "|" + "---|" * 7,
    ]
    for r in RULES:
        now = f"`{r.now}`" if r.now else "as before"
        cells = [
            some(r.before, Belief),
            some(r.deeds, Deed),
            some(r.certainty, Certainty),
            some(r.shown, Shown),
            now,
            f"`{r.holds}`",
            r.because,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
