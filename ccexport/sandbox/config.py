"""Every number and every guess of the double, with its default and where it comes from.

Owns the names, the types and the checking of a change. Must never read the store or the clock.
`guess` marks what Constant Contact does not document: a client should hold under both settings.
"""

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

GUIDE = "https://developer.constantcontact.com/api_guide/"


def _setting(default: Any, why: str, *, guess: bool = False, choices: tuple[Any, ...] = ()) -> Any:
    return field(default=default, metadata={"why": why, "guess": guess, "choices": choices})


class BadConfig(ValueError):
    """A configuration change that was refused; the text says which key and why."""


@dataclass(frozen=True)
class Config:
    """The behaviour of one store. Shared by every process that serves it."""

    # The authorisation server
    access_token_seconds: int = _setting(86_400, "lifetime of an access token (auth_overview)")
    access_token_chars: int = _setting(1_100, "length of an access token; real ones are 1,000 to 1,200")
    code_seconds: int = _setting(300, "lifetime of an authorization code (server_flow)")
    refresh_mode: str = _setting(
        "rotating",
        "whether a refresh token is used once or stays (auth_overview)",
        choices=("rotating", "long_lived"),
    )
    refresh_idle_days: int = _setting(180, "a refresh token dies after this long unused (auth_overview)")
    reuse_revokes_family: bool = _setting(
        True, "reusing a rotated refresh token kills its successors", guess=True
    )
    client_flow: str = _setting(
        "any",
        "which flow the application was registered for; the portal fixes one",
        choices=("any", "secret", "pkce"),
    )
    private_app: bool = _setting(
        False, "only the account owner may authorise, as for an app not yet approved"
    )
    token_requests_per_second: int = _setting(1, "token endpoint limit (vendor support); 0 is off")
    id_token: bool = _setting(False, "token answers carry an id_token as well", guess=True)
    several_credentials: str = _setting(
        "refuse",
        "a token request that names its client both in a header and in the form",
        guess=True,
        choices=("refuse", "take"),
    )

    # The gateway
    requests_per_second: int = _setting(4, "requests per second and API key (rate_limits); 0 is off")
    requests_per_day: int = _setting(10_000, "requests per day and API key, reset 00:00 UTC; 0 is off")
    refused_requests_count: bool = _setting(
        False, "a throttled request itself counts in the window", guess=True
    )
    retry_after: bool = _setting(False, "429 answers carry Retry-After", guess=True)
    missing_token_status: int = _setting(
        403, "answer when no Authorization header is sent at all", guess=True, choices=(401, 403)
    )
    max_body_bytes: int = _setting(
        64_000_000, "bodies beyond this get 413, to protect this machine", guess=True
    )

    # Imports
    import_max_bytes: int = _setting(
        4_000_000, "what lies beyond is dropped silently; 4,194,304 is the other reading", guess=True
    )
    import_max_contacts: int = _setting(40_000, "contacts of a JSON import; later ones are not processed")
    import_max_lines: int = _setting(40_000, "lines of a CSV import, header included")
    import_max_lists: int = _setting(50, "list_ids of one import")
    email_max_chars: int = _setting(50, "import limit; the contact resource has 80", guess=True)
    over_length: str = _setting(
        "reject", "a value longer than its field", guess=True, choices=("reject", "truncate")
    )
    duplicates: str = _setting(
        "last_wins",
        "an address twice in one body",
        guess=True,
        choices=("last_wins", "first_wins", "reject"),
    )
    person_count: str = _setting(
        "rows",
        "what person_count counts when an address occurs twice",
        guess=True,
        choices=("rows", "contacts"),
    )
    blanks_erase: bool = _setting(False, "an empty value erases the stored one", guess=True)
    revive_deleted: bool = _setting(True, "importing a deleted contact brings it back", guess=True)
    unknown_list_status: int = _setting(
        400, "import onto an unknown or deleted list", guess=True, choices=(400, 404)
    )
    lists_per_contact: int = _setting(50, "lists one contact can be on (lists_overview)")
    over_list_limit: str = _setting(
        "skip", "joining one list too many", guess=True, choices=("skip", "cannot_add")
    )
    custom_fields_per_contact: int = _setting(25, "custom fields of one imported contact")
    extra_custom_fields: str = _setting(
        "ignore", "more custom fields than that", guess=True, choices=("ignore", "reject")
    )
    home_country_key: str = _setting(
        "space", "spelling of the home country property", guess=True, choices=("space", "underscore", "both")
    )
    foreign_phones: str = _setting(
        "drop", "a phone number that is not of the USA", guess=True, choices=("keep", "drop", "reject")
    )
    csv_bom: str = _setting(
        "keep",
        "a byte order mark in a CSV file; kept, it spoils the first header",
        guess=True,
        choices=("keep", "strip"),
    )
    vanishing: str = _setting("", "rows whose address fits this pattern, as bad*@example.com, are lost")
    vanishing_takes: str = _setting(
        "row", "what is lost with such a row, without a word", guess=True, choices=("row", "request")
    )
    error_messages: str = _setting(
        "strings", "form of activity_errors", guess=True, choices=("strings", "objects", "none")
    )
    error_message_limit: int = _setting(2, "how many errors get a message; 0 is all", guess=True)
    items_total_includes_header: bool = _setting(True, "items_total_count is rows + 1", guess=True)

    # Activities
    rows_per_second: float = _setting(20_000.0, "rows one running activity gets through; 0 is unlimited")
    activity_start_seconds: float = _setting(0.2, "how long an activity stays initialized")
    activity_overhead_seconds: float = _setting(0.3, "what an activity takes besides its rows")
    concurrent_activities: int = _setting(2, "activities of one account that run at once", guess=True)
    queued_activities_max: int = _setting(1_000, "activities waiting per account; one more gets 429")
    activity_retention_days: int = _setting(10, "then the activity is 404 (activity_status)")
    shuffle_activities: bool = _setting(True, "GET /activities comes in no useful order", guess=True)
    visibility_seconds: float = _setting(
        0.5, "memberships show this long after an activity is completed", guess=True
    )
    background_engine: bool = _setting(True, "a thread works activities off; off, only requests do")

    # Reads and lists
    page_max: int = _setting(500, "largest limit of a page")
    lists_page_max: int = _setting(
        500, "largest limit of GET /contact_lists; the schema says 1000", guess=True
    )
    custom_fields_page_max: int = _setting(100, "largest limit of GET /contact_custom_fields")
    export_before_completion: int = _setting(
        404, "GET /contact_exports before the activity is completed", guess=True, choices=(404, 202)
    )
    segment_first_answer_202: bool = _setting(True, "the first page of a segment answers 202 once")
    removal_unknown_ids: str = _setting(
        "ignore", "contact ids nobody has", guess=True, choices=("ignore", "reject")
    )
    source_lists_max: int = _setting(50, "source.list_ids of a list job; the guide says 100", guess=True)
    source_contacts_max: int = _setting(500, "contact_ids of a list job")
    lists_max: int = _setting(1_000, "lists of an account (lists_overview)")
    list_names_ignore_case: bool = _setting(True, "names that differ only in case collide", guess=True)
    deleted_list_names_free: bool = _setting(True, "the name of a deleted list can be used again", guess=True)
    custom_fields_max: int = _setting(100, "custom fields of an account")
    tags_max: int = _setting(500, "tags of an account")
    field_name_case: str = _setting(
        "keep",
        "API names of new custom fields: as the label has them, or in lower case as in answers of 2026",
        guess=True,
        choices=("keep", "lower"),
    )
    last_page_links: str = _setting(
        "absent",
        "_links of the last page of a collection",
        guess=True,
        choices=("absent", "empty"),
    )
    new_subscriber_source: bool = _setting(
        True, "list jobs take the source new_subscriber, which the document omits", guess=True
    )
    confirmed_opt_in: bool = _setting(False, "the account asks who signs up to confirm")
    timestamps: str = _setting(
        "mixed", "Z with and without millis and offsets side by side, or Z only", choices=("mixed", "z")
    )


def defaults() -> dict[str, Any]:
    """Every key with its default."""
    return {each.name: each.default for each in fields(Config)}


def describe() -> list[dict[str, Any]]:
    """Every key with default, meaning, choices and whether it is a guess."""
    return [{"key": each.name, "default": each.default, **each.metadata} for each in fields(Config)]


def checked(changes: object) -> dict[str, Any]:
    """`changes` as they may be stored. Raises `BadConfig` naming the first wrong one."""
    if not isinstance(changes, dict):
        raise BadConfig("The configuration must be a JSON object.")
    known = {each.name: each for each in fields(Config)}
    for key in changes:
        if key not in known:
            raise BadConfig(f"There is no configuration key {key!r}.")
    return {key: _value(known[key], value) for key, value in changes.items()}


def _value(key: "Field[Any]", value: object) -> Any:
    assert key.default is not MISSING  # noqa: S101 - every key above has one
    wanted = type(key.default)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise BadConfig(f"{key.name} must be of type {wanted.__name__}, not {value!r}.")
    choices = key.metadata["choices"]
    if choices and value not in choices:
        raise BadConfig(f"{key.name} must be one of {', '.join(map(str, choices))}, not {value!r}.")
    if isinstance(value, int | float) and not 0 <= value <= 1e12:
        raise BadConfig(f"{key.name} must lie between 0 and 1e12, not {value!r}.")
    return value
