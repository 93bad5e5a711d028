"""The closed word lists of the product: states, verdicts, reasons, outcomes, roles.

One word, one meaning (docs/design.md, glossary). Must never have behaviour beyond
what a word can say about itself.
"""

from collections.abc import Mapping
from enum import StrEnum

from ccexport.messages import mark


@mark
class Role(StrEnum):
    """What a person may do; each role includes those before it."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    ADMINISTRATOR = "administrator"

    def covers(self, needed: "Role") -> bool:
        """Return whether this role includes the rights of `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@mark
class RunState(StrEnum):
    """The state of a run; the last five are final."""

    QUEUED = "queued"
    PLANNING = "planning"
    SENDING = "sending"
    SETTLING = "settling"
    VERIFYING = "verifying"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_REJECTS = "succeeded_with_rejects"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"

    @property
    def ended(self) -> bool:
        return self in ENDED


ENDED = frozenset(
    {
        RunState.SUCCEEDED,
        RunState.SUCCEEDED_WITH_REJECTS,
        RunState.FAILED,
        RunState.CANCELLED,
        RunState.BLOCKED,
    }
)


@mark
class WaitReason(StrEnum):
    """What a waiting run waits for; the run continues by itself when that happens."""

    APPROVAL = "approval"
    QUOTA = "quota"
    RECONNECT = "reconnect"
    CONSTANT_CONTACT_DOWN = "constant_contact_down"
    QUEUE_FULL = "queue_full"
    STORAGE = "storage"
    PAUSED = "paused"


@mark
class BatchState(StrEnum):
    """The state of a batch. `submitting` is written before the request leaves."""

    PENDING = "pending"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@mark
class BatchKind(StrEnum):
    """What a batch asks Constant Contact to do."""

    IMPORT = "import"
    REMOVE = "remove"
    HALVE = "halve"  # contacts of a lost import, sent again in a smaller request


class Verdict(StrEnum):
    """What a plan decided for one contact that passed every check."""

    ADD = "add"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REMOVE = "remove"


class Reason(StrEnum):
    """Why a plan does not send one candidate."""

    NO_EMAIL = "no_email"
    INVALID_EMAIL = "invalid_email"
    EMAIL_TOO_LONG = "email_too_long"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    NO_CONSENT = "no_consent"
    UNSUBSCRIBED = "unsubscribed"
    LEFT_LIST = "left_list"
    OVER_LIMIT = "over_limit"
    EXCLUDED = "excluded"
    TAKEN_BY = "taken_by"
    ALREADY_ON_LIST = "already_on_list"
    NOT_ON_LIST = "not_on_list"
    UNSUBSCRIBED_BEFORE = "unsubscribed_before"
    REFUSED_BEFORE = "refused_before"


BY_CHOICE = frozenset({Reason.EXCLUDED, Reason.TAKEN_BY, Reason.ALREADY_ON_LIST, Reason.NOT_ON_LIST})
"""Reasons that come from the export's settings: nothing is wrong with such a profile."""


REASON_SENTENCES: Mapping[Reason, str] = mark(
    {
        Reason.NO_EMAIL: "The profile has no e-mail address.",
        Reason.INVALID_EMAIL: "What stands in the address field is not an e-mail address.",
        Reason.EMAIL_TOO_LONG: "The address is longer than Constant Contact takes.",
        Reason.DUPLICATE: "Another profile with the same address is sent instead.",
        Reason.SUPPRESSED: "The address or its domain is on the suppression list.",
        Reason.NO_CONSENT: "There is no consent for this address.",
        Reason.UNSUBSCRIBED: "The person unsubscribed at Constant Contact.",
        Reason.LEFT_LIST: "The person left the list by their own hand and is never put back.",
        Reason.OVER_LIMIT: "There are more contacts than an export takes.",
        Reason.EXCLUDED: "The person is in a segment that this export excludes.",
        Reason.TAKEN_BY: "An export that comes first takes this person.",
        Reason.ALREADY_ON_LIST: "The person is on the list already, and this export only adds.",
        Reason.NOT_ON_LIST: "The person is not on the list, and this export only updates or removes.",
        Reason.REFUSED_BEFORE: "Constant Contact refused this contact three times; it is sent again when it changes.",
        Reason.UNSUBSCRIBED_BEFORE: "The person unsubscribed, or left the list, with the address they had before.",
    }
)
"""What each reason means, for a person."""


class Outcome(StrEnum):
    """What a run found for one contact it sent, when it read the list back."""

    VERIFIED = "verified"
    REJECTED = "rejected"
    MISSING = "missing"
    UNKNOWN = "unknown"
    LEFT = "left"  # Constant Contact counts it as applied, but it is not on the list


class Mode(StrEnum):
    """What an export may do with the people of its segments, and whether leavers are removed from the list."""

    ADD_AND_UPDATE = "add_and_update"
    MIRROR = "mirror"
    ADD_ONLY = "add_only"
    UPDATE_ONLY = "update_only"
    REMOVE = "remove"


class Moved(StrEnum):
    """What becomes of the old address of somebody whose address changed."""

    TAKE_OFF = "take_off"
    LEAVE = "leave"


class People(StrEnum):
    """What becomes of the people whom only one export holds on its list, when it stops holding them."""

    LEAVE = "leave"
    TAKE_OFF = "take_off"


class SegmentKind(StrEnum):
    """How the members of a segment are found."""

    ALL = "all"
    DYNAMIC = "dynamic"
    STATIC = "static"


@mark
class FieldType(StrEnum):
    """The type of a profile field, as rules and mappings see it."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"
    LIST = "list"


@mark
class Trigger(StrEnum):
    """What asked for a run."""

    PERSON = "person"
    SCHEDULE = "schedule"
    REFRESH = "refresh"
    RETRY = "retry"
    UNDO = "undo"


# Constant Contact's own words for an activity, unchanged:
# https://developer.constantcontact.com/api_guide/activity_status.html
# "time_out" also appears there; a word not listed here means "keep polling".
ACTIVITY_COMPLETED = "completed"
ACTIVITY_FAILED = frozenset({"cancelled", "failed", "timed_out", "time_out"})
