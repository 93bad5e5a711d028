"""The shapes of answers and refusals.

Owns which error is an array, which is an object, and which comes from the gateway in front. Must
never decide whether something is an error.
"""

from typing import Any

import orjson
from starlette.responses import Response


class Refused(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> Response:
        """The refusal as it goes out."""
        return reply(self.body, self.status, self.headers)


def reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


def invalid(message: str, *, key: str = "contacts.api.validation.error") -> Refused:
    """400 for a wrong value. Resource errors are arrays."""
    return Refused(400, [{"error_key": key, "error_message": message}])


def bad_request(message: str = "Bad request.") -> Refused:
    """400 for a body or query that cannot be read at all."""
    return invalid(message, key="http.status.bad_request")


def not_found(message: str = "The requested resource was not found.") -> Refused:
    """404 for a thing that is not, or no longer, there."""
    return Refused(404, [{"error_key": "contacts.api.not_found", "error_message": message}])


def conflict(message: str) -> Refused:
    """409 for a name or address in use."""
    return Refused(409, [{"error_key": "contacts.api.conflict", "error_message": message}])


def wrong_media_type(message: str = "Unsupported Media Type") -> Refused:
    """415."""
    return Refused(415, [{"error_key": "http.status.unsupported_media_type", "error_message": message}])


def unauthorized() -> Refused:
    """401 is an object, not an array."""
    return Refused(401, {"error_key": "unauthorized", "error_message": "Unauthorized"})


def access_denied() -> Refused:
    """403 of the API itself: scope or user privileges."""
    message = "Request forbidden due to insufficient user privileges."
    return Refused(403, {"error_key": "access_denied", "error_message": message})


def forbidden() -> Refused:
    """403 of the gateway in front: unknown path, missing authorisation."""
    return Refused(403, {"message": "Forbidden"})


def throttled(*, retry_after: bool) -> Refused:
    """429 per second."""
    body = {"error_key": "throttled", "error_message": "Too Many Requests"}
    return Refused(429, body, {"Retry-After": "1"} if retry_after else None)


def quota_exceeded(seconds_left: float, *, retry_after: bool) -> Refused:
    """429 per day."""
    body = {"error_key": "quota_exceeded", "error_message": "Limit Exceeded"}
    return Refused(429, body, {"Retry-After": str(int(seconds_left) + 1)} if retry_after else None)


def queue_full() -> Refused:
    """429 for too many waiting activities. Its body is documented nowhere."""
    message = "Too many queued activities for this user account."
    return Refused(429, {"error_key": "too_many_requests", "error_message": message})


def oauth_error(error: str, description: str, status: int = 400) -> Refused:
    """The token endpoint's own shape."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Refused(status, {"error": error, "error_description": description}, headers)


def okta_error(code: str, summary: str, status: int) -> Refused:
    """What the service behind the token endpoint says on its own account."""
    return Refused(
        status,
        {
            "errorCode": code,
            "errorSummary": summary,
            "errorLink": code,
            "errorId": "oaeSandbox",
            "errorCauses": [],
        },
    )
