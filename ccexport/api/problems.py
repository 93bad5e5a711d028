"""Turns errors into answers by RFC 9457: a stable code, one sentence, and a reference that is also in the log.

Must never pass on the text of an error that is not one of ours: it may hold an address.
"""

import logging
import secrets
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse

from ccexport.errors import (
    BadInput,
    CcexportError,
    ChangedSincePreview,
    Conflict,
    ConstantContactError,
    NotFound,
    NotPermitted,
    RetryLater,
    StoreTrouble,
    WrongUse,
)

log = logging.getLogger(__name__)
MEDIA = "application/problem+json"
# The first that fits counts. Scripts rely on the codes.
CODES: tuple[tuple[type[CcexportError], int, str], ...] = (
    (NotPermitted, 403, "not_permitted"),
    (NotFound, 404, "not_found"),
    (WrongUse, 400, "bad_input"),
    (ChangedSincePreview, 409, "changed_since_preview"),
    (Conflict, 409, "conflict"),
    (StoreTrouble, 503, "store_trouble"),
    (RetryLater, 503, "constant_contact_unavailable"),
    (ConstantContactError, 502, "constant_contact"),
)
TITLES: Mapping[int, str] = {
    400: "The request is not possible as asked",
    401: "A token is needed",
    403: "Not permitted",
    404: "Not there",
    405: "There is no such method here",
    409: "It is in another state than assumed",
    412: "It was changed meanwhile",
    413: "Too large",
    428: "The version that was seen is missing",
    429: "Too many requests",
    500: "Something unforeseen went wrong",
    502: "Constant Contact refused",
    503: "Not just now",
}


class Problem(BaseModel):
    """Why a request was not answered as asked (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    """A stable word for programs."""
    detail: str
    """One sentence for people; with 403 it says whom to ask."""
    reference: str
    """Stands in the log beside what happened."""


class Unanswerable(Exception):
    """Raised for what no use case refuses: a token that is missing, a version that was not given."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, dict(headers or {})


def answer_of(error: Exception) -> JSONResponse:
    """Return the answer for an error, and log it with its reference."""
    reference = secrets.token_hex(4)
    if isinstance(error, Unanswerable):
        log.info("%s reference=%s", error.code, reference)
        return _answer(error.status, error.code, error.detail, reference, error.headers)
    if isinstance(error, CcexportError):
        log.warning("%s reference=%s", error.log, reference)
        status, code = next(((s, c) for kind, s, c in CODES if isinstance(error, kind)), (500, "unforeseen"))
        return _answer(status, code, str(error), reference)
    log.error("an API request broke, reference %s", reference, exc_info=error)
    sentence = "Something unforeseen went wrong; the operator finds it in the log by the reference."
    return _answer(500, "unforeseen", sentence, reference)


def _answer(
    status: int, code: str, detail: str, reference: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    told = Problem(
        type=f"/api/v1#{code}",
        title=TITLES.get(status, "Not possible"),
        status=status,
        code=code,
        detail=detail,
        reference=reference,
    )
    return JSONResponse(
        told.model_dump(), status, {"Cache-Control": "no-store", **(headers or {})}, media_type=MEDIA
    )


def bad_input(error: ValidationError, where: str) -> BadInput:
    """Return the sentence for the first wrong value of a query or a body."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or where
    reason = {"extra_forbidden": "there is no such name here", "missing": "it is missing"}.get(
        first["type"], first["msg"].removeprefix("Value error, ")
    )
    return BadInput("{where}: {place}: {reason}.", where=where, place=place, reason=reason.rstrip("."))
