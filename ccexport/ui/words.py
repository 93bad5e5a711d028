"""The closed words of the product as people read them. Must hold every verdict, reason and outcome."""

from ccexport.messages import mark
from ccexport.model.words import REASON_SENTENCES, Mode, Outcome, Reason, Verdict
from ccexport.ui.texts import t

VERDICTS = mark(
    {
        Verdict.ADD: "Add",
        Verdict.UPDATE: "Update",
        Verdict.UNCHANGED: "Unchanged",
        Verdict.REMOVE: "Remove",
    }
)
REASONS = mark(
    {
        Reason.NO_EMAIL: "No address",
        Reason.INVALID_EMAIL: "Invalid address",
        Reason.EMAIL_TOO_LONG: "Address too long",
        Reason.DUPLICATE: "Duplicate",
        Reason.SUPPRESSED: "Suppressed",
        Reason.NO_CONSENT: "No consent",
        Reason.UNSUBSCRIBED: "Unsubscribed",
        Reason.LEFT_LIST: "Left the list",
        Reason.OVER_LIMIT: "Over the limit",
        Reason.EXCLUDED: "Excluded",
        Reason.TAKEN_BY: "Taken by another export",
        Reason.ALREADY_ON_LIST: "On the list already",
        Reason.NOT_ON_LIST: "Not on the list",
        Reason.REFUSED_BEFORE: "Refused three times before",
        Reason.UNSUBSCRIBED_BEFORE: "Unsubscribed before, with another address",
    }
)
HOW = mark(
    {
        Verdict.ADD: "New on the list.",
        Verdict.UPDATE: "On the list already; something is different.",
        Verdict.UNCHANGED: "On the list already, exactly like this; nothing is sent.",
        Verdict.REMOVE: "Left the segments; is taken off the list.",
    }
)
OUTCOMES = mark(
    {
        Outcome.VERIFIED: "Verified",
        Outcome.REJECTED: "Rejected",
        Outcome.MISSING: "Missing",
        Outcome.UNKNOWN: "Unknown",
        Outcome.LEFT: "Left",
    }
)
WARNINGS = mark(
    {
        "too_long": "too long, left out",
        "malformed": "not understood, left out",
        "international": "a phone abroad, left out",
        "refused_elsewhere": "another profile with this address says no",
        "held_by_other": "stays on the list, another export holds it",
        "moved": "the old address of somebody who has another one now",
        "role_address": "of a role, not of a person",
        "first_of_several": "the first of several addresses in the field",
    }
)
OTHERS = mark(
    {
        "candidates": "Candidates",
        "sent": "Sent",
        "left_out": "Left out",
        "removed": "Removed",
        "warnings": "With a warning",
    }
)
DIFFERENCES = mark(
    {
        "new": "New in the later run",
        "gone": "Not in the later run",
        "changed": "Changed",
        "same": "The same",
        "not_a_candidate": "Not in the segments any more",
    }
)
MODES = mark(
    {
        Mode.ADD_AND_UPDATE: "Add and update",
        Mode.MIRROR: "Mirror: also take leavers off the list",
        Mode.ADD_ONLY: "Only add",
        Mode.UPDATE_ONLY: "Only update",
        Mode.REMOVE: "Remove from the list",
    }
)
MODE_EXPLAINED = mark(
    {
        Mode.ADD_AND_UPDATE: "Nobody is taken off the list.",
        Mode.MIRROR: "Only contacts this product put there; the contact itself stays at Constant Contact.",
        Mode.ADD_ONLY: "Who is on the list already is left as they are.",
        Mode.UPDATE_ONLY: "Nobody is put on the list; the values of those on it are kept up to date.",
        Mode.REMOVE: "Takes the people of the segments off the list, whoever put them there; sends nothing.",
    }
)


def word(code: str) -> str:
    """Return a verdict, reason, outcome or count as people read it."""
    for table in (VERDICTS, REASONS, OUTCOMES, OTHERS, DIFFERENCES):
        if code in table:
            return t(table[code])  # type: ignore[index]
    return code


def why(verdict: Verdict | None, reason: Reason | None) -> str:
    """Return one sentence about what was decided."""
    if reason is not None:
        return t(REASON_SENTENCES[reason])
    return t(HOW[verdict]) if verdict is not None else ""
