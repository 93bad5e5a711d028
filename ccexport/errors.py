"""Every error a person can meet, grouped by what to do next.

CcexportError
├── WrongUse            the request is not possible as asked: fix the input and ask again
│   ├── BadInput            a file, line, field or value is wrong
│   ├── BadSettings         a setting is wrong
│   ├── NotFound            the named thing does not exist
│   └── NotPermitted        the actor lacks the right
├── Conflict            the thing is in another state than assumed: look again, then decide
│   └── ChangedSincePreview     the plan that was approved is no longer the plan
├── StoreTrouble        the disk, the ledger or a stored file: an operator must look
│   ├── LedgerTrouble       the ledger cannot be reached: work in progress continues from its last step
│   └── PlanDamaged         a frozen plan is missing or was changed: make a new plan
└── ConstantContactError    what Constant Contact answered, with its evidence
    ├── RetryLater          temporary: throttled, down, queue full, quota (waits and continues)
    │   ├── Throttled
    │   ├── QuotaExceeded
    │   ├── QueueFull
    │   └── ConstantContactDown
    ├── OutcomeUnknown      the request may have been accepted: check before sending again
    ├── ReconnectNeeded     the token is refused: a person must connect again
    └── Refused             the request is refused for good (400, 403, 404, 409, 415)

An error is raised with a template and its named values, `BadInput("There is no field {name}.", name=name)`, or with
a `Message`. `error.message` is that message, `str(error)` its English sentence, `error.log` the text for the log:
the template without its values, and the evidence. Neither may hold a token, an address or a name of a contact.
"""

import errno
from collections.abc import Mapping
from typing import Any

from ccexport.messages import Message, message, names_in


class CcexportError(Exception):
    """Base class: `message` is for the person, `log` for the log, `evidence` for both.

    What the template names is a value of the message; anything else is evidence.
    """

    values_are_evidence = False

    def __init__(self, sentence: str | Message, /, *, log: str | None = None, **given: Any) -> None:
        self.message = sentence if isinstance(sentence, Message) else _with_values(sentence, given)
        super().__init__(str(self.message))
        named = frozenset() if self.values_are_evidence else frozenset(self.message.values)
        self.evidence: Mapping[str, Any] = {
            k: v for k, v in given.items() if v is not None and k not in named
        }
        facts = " ".join(f"{k}={v}" for k, v in self.evidence.items())
        self.log = f"{log or self.message.for_log} {facts}".strip()


def _with_values(template: str, given: Mapping[str, Any]) -> Message:
    named = names_in(template)
    return Message(template, {name: value for name, value in given.items() if name in named})


class HandOver(Exception):
    """Not an error: this process hands over its work, and another one, or its next start, continues it."""


class WrongUse(CcexportError):
    """The request is not possible as asked."""


class BadInput(WrongUse):
    """A file, line, field or value is wrong; the message names it."""


class BadSettings(WrongUse):
    """A setting is wrong; the message names it and where its value came from."""


class NotFound(WrongUse):
    """The named thing does not exist."""


class NotPermitted(WrongUse):
    """The actor lacks the right; the message says whom to ask."""


class Conflict(CcexportError):
    """The thing is in another state than assumed."""


class ChangedSincePreview(Conflict):
    """The plan that was approved is no longer the plan; the message says what changed."""


class StoreTrouble(CcexportError):
    """The disk, the ledger or a stored file is in trouble."""


class LedgerTrouble(StoreTrouble):
    """The ledger cannot be reached or written just now; what the driver answered is evidence."""

    values_are_evidence = True


class PlanDamaged(StoreTrouble):
    """A frozen plan is missing or was changed; waiting does not help. Its file is evidence."""

    values_are_evidence = True


class ConstantContactError(CcexportError):
    """What Constant Contact answered: evidence has `status`, `key`, `asked` (method and path).

    A named argument is evidence, also when the template names it. A value that may not be logged, such as
    the name of a list, is passed in a `Message`.
    """

    values_are_evidence = True


class RetryLater(ConstantContactError):
    """A temporary problem: wait and continue."""


class Throttled(RetryLater):
    """More requests in a second than allowed; evidence has `retry_after` when it was sent."""


class QuotaExceeded(RetryLater):
    """The day's requests of this API key are used up; the count restarts at 00:00 UTC."""


class QueueFull(RetryLater):
    """The account has 1,000 queued activities."""


class ConstantContactDown(RetryLater):
    """No answer, or a 5xx, after every attempt."""


class OutcomeUnknown(ConstantContactError):
    """The request may have been accepted although no answer came."""


class ReconnectNeeded(ConstantContactError):
    """The token is refused; a person must connect again."""


class Refused(ConstantContactError):
    """The request is refused for good."""


def storage_sentence(error: OSError) -> Message:
    """Return what is wrong with our own disk, for a person; without paths."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return message("The disk of the data directory is full.")
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return message(
            "The data directory cannot be written: check its permissions and that the disk is not read-only."
        )
    problem = error.strerror or type(error).__name__
    return message("A file of the data directory cannot be used ({problem}).", problem=problem)
