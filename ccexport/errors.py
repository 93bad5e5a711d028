"""Every error a person can meet, grouped by what to do next.

CcexportError
├── WrongUse            what was asked is not possible as asked: fix the input and ask again
│   ├── BadInput            a file, line, field or value is wrong
│   ├── BadSettings         a setting is wrong
│   ├── NotFound            the named thing does not exist
│   └── NotPermitted        the actor lacks the right
├── Conflict            the thing is in another state than assumed: look again, then decide
│   └── ChangedSincePreview     the plan that was approved is no longer the plan
├── StoreTrouble        the disk, the ledger or a stored file: an operator must look
│   └── PlanDamaged         a frozen plan is missing or is not what was frozen: make it again
└── ConstantContactError    what Constant Contact answered, with its evidence
    ├── RetryLater          passing: throttled, down, queue full, quota (waits and goes on)
    │   ├── Throttled
    │   ├── QuotaExceeded
    │   ├── QueueFull
    │   └── ConstantContactDown
    ├── OutcomeUnknown      the request may or may not have been taken: look before sending again
    ├── ReconnectNeeded     the token is refused: a person must connect again
    └── Refused             the request is refused for good (400, 403, 404, 409, 415)

`str(error)` is the sentence for the person; `error.log` the text for the log. Neither may
hold a token, an address or a name of a contact.
"""

import errno
from collections.abc import Mapping
from typing import Any


class CcexportError(Exception):
    """Base: `message` for the person, `log` for the log, `evidence` for both."""

    def __init__(self, message: str, *, log: str | None = None, **evidence: Any) -> None:
        super().__init__(message)
        self.message = message
        self.evidence: Mapping[str, Any] = {k: v for k, v in evidence.items() if v is not None}
        facts = " ".join(f"{k}={v}" for k, v in self.evidence.items())
        self.log = f"{log or message} {facts}".strip()


class WrongUse(CcexportError):
    """What was asked is not possible as asked."""


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


class PlanDamaged(StoreTrouble):
    """A frozen plan is missing, or is not what was frozen; waiting would not bring it back."""


class ConstantContactError(CcexportError):
    """What Constant Contact answered: evidence has `status`, `key`, `asked` (method and path)."""


class RetryLater(ConstantContactError):
    """Passing: wait and go on."""


class Throttled(RetryLater):
    """More than the allowed requests in a second; `retry_after` in evidence when it was sent."""


class QuotaExceeded(RetryLater):
    """The day's requests of this API key are used up; the count starts anew at 00:00 UTC."""


class QueueFull(RetryLater):
    """The account has 1,000 queued activities."""


class ConstantContactDown(RetryLater):
    """No answer, or a 5xx, after every attempt."""


class OutcomeUnknown(ConstantContactError):
    """The request may have been taken although no answer came."""


class ReconnectNeeded(ConstantContactError):
    """The token is refused; a person must connect again."""


class Refused(ConstantContactError):
    """The request is refused for good."""


def storage_sentence(error: OSError) -> str:
    """What is wrong with our own disk, for a person; paths stay out of it."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "The disk of the data directory is full."
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return "The data directory cannot be written: its permissions, or the disk is read-only."
    return f"A file of the data directory cannot be used ({error.strerror or type(error).__name__})."
