"""What an answer means: success, or the one error that says what to do next.

Owns every documented error shape (an array, an object, the gateway's, the authorisation
server's, HTML, nothing) and the sentence for each. Must never do I/O or decide about retries,
and never pass on a token or an address that the vendor's text may hold.
https://developer.constantcontact.com/api_guide/glossary_responses.html
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from ccexport.constant_contact.wire import Answer, Lost, Request
from ccexport.errors import (
    ConstantContactDown,
    ConstantContactError,
    OutcomeUnknown,
    QueueFull,
    QuotaExceeded,
    ReconnectNeeded,
    Refused,
    Throttled,
)
from ccexport.messages import Message, mark, message, word

_TRACES = ("x-request-id", "x-amzn-requestid", "apigw-requestid", "x-amz-apigw-id")
_ADDRESS = re.compile(r"[^\s\"'<>(),;:]+@[^\s\"'<>(),;:]+")
_LONG = re.compile(r"[\w\-.~+/=]{60,}")


_REFUSED = mark(
    {
        400: "Constant Contact refused the request",
        404: "Constant Contact does not know what was asked for",
        409: "Constant Contact already has that",
        413: "Constant Contact finds the request too large",
        415: "Constant Contact does not accept this kind of content",
    }
)


@dataclass(frozen=True)
class Complaint:
    """The content of an error answer: its key (a word for programs) and its text, made harmless."""

    key: str | None = None
    text: str = ""


def read_complaint(answer: Answer) -> Complaint:
    """Return the complaint in an error answer of any documented shape; empty for HTML or nothing."""
    raw = answer.json()
    complaints = [_complaint(one) for one in (raw if isinstance(raw, list) else [raw])]
    texts = list(dict.fromkeys(c.text for c in complaints if c.text))
    key = next((c.key for c in complaints if c.key), None)
    return Complaint(key, harmless("; ".join(texts[:3])))


def _complaint(raw: Any) -> Complaint:
    if isinstance(raw, str):
        return Complaint(None, raw)
    if not isinstance(raw, dict):
        return Complaint()
    shapes = (
        ("error_key", "error_message"),  # the API itself
        ("error", "error_description"),  # OAuth
        ("errorCode", "errorSummary"),  # the vendor of the authorisation server
        ("", "message"),  # the gateway in front of the API
    )
    for key, text in shapes:
        if raw.get(key) or raw.get(text):
            return Complaint(_word(raw.get(key)), _word(raw.get(text)) or "")
    return Complaint()


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def harmless(text: str) -> str:
    """Return `text` on one line, without addresses and without anything long enough to be a token."""
    text = _LONG.sub("…", _ADDRESS.sub("(an address)", " ".join(text.split())))
    return text if len(text) <= 300 else text[:299] + "…"


def decipher(got: Answer | Lost, request: Request, now: datetime) -> Answer | ConstantContactError:
    """Return the answer when it succeeded, otherwise the error to raise (or to try again after)."""
    if isinstance(got, Lost):
        return _lost(got, request)
    if (got.status == 202 and request.method == "GET") or (got.status == 404 and request.prepared):
        return _down(
            message("Constant Contact is still preparing the answer. Try again in a minute."), got, request
        )
    if got.status < 300:
        return got
    complaint = read_complaint(got)
    if got.status == 429:
        return _too_many(got, complaint, request, now)
    if got.status >= 500:
        return _broken(got, complaint, request)
    if got.status == 401:
        return ReconnectNeeded(
            "Constant Contact does not accept the authorisation of this connection any more. "
            "Connect the account again.",
            **_evidence(got, complaint, request),
        )
    sentence = _refusal(got, complaint, request)
    return Refused(sentence, log=str(sentence), **_evidence(got, complaint, request))


def unknown_outcome(request: Request, **evidence: Any) -> OutcomeUnknown:
    """Return the error for a request that may have been accepted although no usable answer came."""
    return OutcomeUnknown(
        "Constant Contact may or may not have taken this request: no clear answer came. "
        "Look at its activities before sending it again.",
        asked=request.asked,
        **evidence,
    )


def _lost(lost: Lost, request: Request) -> ConstantContactError:
    if lost.sent and not request.repeatable:
        return unknown_outcome(request, what=lost.what)
    return ConstantContactDown(
        "Constant Contact cannot be reached. Check the network of this machine and "
        "https://status.constantcontact.com, then try again.",
        asked=request.asked,
        what=lost.what,
        sent=lost.sent,
    )


def _broken(got: Answer, complaint: Complaint, request: Request) -> ConstantContactError:
    if not request.repeatable:
        return unknown_outcome(request, status=got.status, key=complaint.key, trace=_trace(got))
    return _down(
        message(
            "Constant Contact is in trouble (it answered {status}). Try again later; "
            "https://status.constantcontact.com tells more.",
            status=str(got.status),
        ),
        got,
        request,
        key=complaint.key,
    )


def _down(sentence: Message, got: Answer, request: Request, **evidence: Any) -> ConstantContactDown:
    return ConstantContactDown(
        sentence,
        status=got.status,
        asked=request.asked,
        retry_after=retry_after(got),
        trace=_trace(got),
        **evidence,
    )


def _too_many(got: Answer, complaint: Complaint, request: Request, now: datetime) -> ConstantContactError:
    """Three limits share the code 429: https://developer.constantcontact.com/api_guide/rate_limits.html."""
    evidence = _evidence(got, complaint, request)
    if complaint.key == "quota_exceeded" or (complaint.key is None and _is_gateway_quota(complaint.text)):
        return quota_exceeded(next_day(now), **evidence)
    if complaint.key == "throttled" or not request.queues:
        return Throttled(
            "Constant Contact asks for a slower pace. Try again in a moment.",
            retry_after=retry_after(got, now),
            **evidence,
        )
    return QueueFull(
        "Constant Contact takes no further jobs for this account now; at most 1,000 may wait. "
        "Sending goes on when some of them are done.",
        retry_after=retry_after(got, now),
        **evidence,
    )


def _is_gateway_quota(message: str) -> bool:
    """Whether this is the gateway's quota error, which has no key: `{"message": "Limit Exceeded"}`."""
    return message.strip().rstrip(".").casefold() == "limit exceeded"


def quota_exceeded(until: datetime, **evidence: Any) -> QuotaExceeded:
    """Return the error for a used-up day; `until` (in evidence) is when the count restarts."""
    return QuotaExceeded(
        "The day's requests to Constant Contact are used up. Sending goes on at {until}, when they start again.",
        until=until,
        **evidence,
    )


def next_day(now: datetime) -> datetime:
    """Return the next 00:00 UTC, when the day's count restarts."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


def _refusal(got: Answer, complaint: Complaint, request: Request) -> Message:
    if got.status == 403 and complaint.key == "access_denied":
        return message(
            "The person who connected this account may not do this at Constant Contact. "
            "Let the account owner or an account manager connect it; a campaign creator has no access "
            "to contacts."
        )
    if got.status == 403:
        return message(
            "Constant Contact does not open this door. Check the setting CCEXPORT_CC_API_URL, and whether "
            "the application may be used by this account: a new one is private to the person who created it."
        )
    if got.status < 400:
        return message(
            "Constant Contact's address has moved, and redirects are not followed. "
            "Check the setting CCEXPORT_CC_API_URL."
        )
    what = word(_REFUSED.get(got.status, _REFUSED[400]))
    if complaint.text:
        return message("{what}: “{text}”.", what=what, text=complaint.text)
    return message("{what} (it answered {status}).", what=what, status=str(got.status))


def _evidence(got: Answer, complaint: Complaint, request: Request) -> dict[str, Any]:
    key = harmless(complaint.key) if complaint.key else None
    return {"status": got.status, "key": key, "asked": request.asked, "trace": _trace(got)}


def _trace(got: Answer) -> str | None:
    """Return the gateway's request id. None is documented, but one helps the vendor's support."""
    return next((harmless(got.headers[name]) for name in _TRACES if name in got.headers), None)


def retry_after(got: Answer, now: datetime | None = None) -> float | None:
    """Return the seconds to wait when the answer says so; the vendor does not promise to."""
    raw = got.headers.get("retry-after", "").strip()
    if raw.isdigit():
        return float(raw)
    try:
        moment = parsedate_to_datetime(raw) if raw and now else None
    except ValueError:
        return None
    if moment is None or now is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
