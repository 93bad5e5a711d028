"""The settings, read once from the environment and `.env`. This is the only place that reads `os.environ`.

Every setting is `CCEXPORT_<NAME>`. A wrong one raises `BadSettings`, which names the setting and
where its value came from. Must never log or show a secret.
"""

import os
import re
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ccexport.errors import BadSettings, StoreTrouble
from ccexport.files import make_folder

PREFIX = "CCEXPORT_"
SHORTEST_KEY = 16
API_URL = "https://api.cc.email/v3"
AUTH_URL = "https://authz.constantcontact.com/oauth2/default/v1"


class Settings(BaseSettings):
    """All settings. Other modules ask `sandbox_on` and `embedded_worker`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", env_ignore_empty=True
    )

    data_dir: Path = Field(
        default=Path("data/store"),
        description="everything is kept here: delete it for a full reset; `backup` copies it",
    )
    ledger_url: str = Field(
        default="",
        description="`postgresql://person:password@host/database`; when not set, SQLite in the data directory",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="seals tokens; several, newest first, separated by commas, to rotate; "
        "when not set, a key file made at first start",
    )
    cc_api_url: str = Field(default=API_URL, description="another API than Constant Contact's, for tests")
    cc_auth_url: str = Field(
        default=AUTH_URL, description="another authorisation server than Constant Contact's, for tests"
    )
    cc_client_id: str = Field(
        default="", description="the API key of your application; when not set, the demo"
    )
    cc_client_secret: SecretStr = Field(default=SecretStr(""), description="its secret; when not set, PKCE")
    cc_redirect_url: str = Field(
        default="",
        description="must be registered, to the letter; when not set, `BASE_URL` + `/oauth/callback`",
    )
    sandbox: Literal["auto", "on", "off"] = Field(
        default="auto", description="`on`, `off`, or on while there is no client id"
    )
    worker: Literal["embedded", "off"] = Field(
        default="embedded", description="`off` when separate workers drive the runs"
    )
    memory_limit: str = Field(default="1GB", description="how much memory DuckDB may use")
    query_rows: int = Field(
        default=20_000_000,
        ge=1,
        le=1_000_000_000,
        description="the most rows that the query of a source may find",
    )
    verify_grace: float = Field(
        default=60,
        ge=0,
        le=86_400,
        description="seconds to wait for membership to become visible before a contact is *missing*",
    )
    retention_months: int = Field(
        default=13,
        ge=1,
        le=1200,
        description="months after which the contacts of a run are removed; its counts and story stay",
    )
    base_url: str = Field(default="http://127.0.0.1:8501", description="where people reach the dashboard")
    trusted_proxies: str = Field(
        default="",
        description="addresses or networks of the proxies whose `X-Forwarded-For` is believed, separated by commas",
    )
    webhook_hosts: str = Field(
        default="",
        description="hosts of webhooks that may be on this machine or a private network, separated by commas",
    )
    oidc_metadata_url: str = Field(
        default="",
        description="sign in with an OpenID provider too: its `…/.well-known/openid-configuration`",
    )
    oidc_client_id: str = Field(
        default="",
        description="our application there, with the redirect address `BASE_URL` + `/oauth2callback`",
    )
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="its secret")
    oidc_name: str = Field(default="OpenID", description="what the button calls the provider")
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="who sends it as a bearer token may read `/metrics`; when not set, it is closed",
    )
    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="the mail server for notices: `smtps://person:password@mail.example.com` or `smtp://…`; "
        "when not set, no mail",
    )
    smtp_from: str = Field(default="", description="who the notices are from")
    log: Literal["text", "json"] = Field(
        default="text", description="`json` for one JSON object a line; never an address or a token"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING", description="the least that is logged"
    )

    @field_validator("ledger_url")
    @classmethod
    def _a_ledger(cls, value: str) -> str:
        if value and urlsplit(value).scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
            raise ValueError("must look like sqlite:///path or postgresql://person:password@host/database")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_keys(cls, value: SecretStr) -> SecretStr:
        keys = value.get_secret_value()
        if keys and min(len(key.strip()) for key in keys.split(",")) < SHORTEST_KEY:
            raise ValueError(f"is too short: use at least {SHORTEST_KEY} characters for each key")
        return value

    @field_validator("cc_api_url", "cc_auth_url", "cc_redirect_url", "oidc_metadata_url", "base_url")
    @classmethod
    def _a_url(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc):
            raise ValueError("must be an absolute http or https URL, such as https://example.com/path")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, (one.strip() for one in value.split(","))):
            try:
                ip_network(part)
            except ValueError as error:
                raise ValueError(
                    "must be addresses such as 127.0.0.1 or 10.0.0.0/8, separated by commas"
                ) from error
        return value

    @field_validator("memory_limit")
    @classmethod
    def _a_size(cls, value: str) -> str:
        if not re.fullmatch(r"(?i)\d*[1-9]\d*(\.\d+)?\s*[KMGT]i?B", value):
            raise ValueError("must be a size such as 512MB or 2GB")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _a_mail_server(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if value.get_secret_value() and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
            raise ValueError("must look like smtps://person:password@mail.example.com:465")
        return value

    @field_validator("metrics_token")
    @classmethod
    def _not_guessed(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters, or be left out: then /metrics is closed")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def sandbox_on(self) -> bool:
        """Whether the built-in double replaces Constant Contact."""
        return self.sandbox == "on" or (self.sandbox == "auto" and not self.cc_client_id)

    @model_validator(mode="after")
    def _an_application(self) -> "Settings":
        if self.oidc_metadata_url and not (
            self.oidc_client_id and self.oidc_client_secret.get_secret_value()
        ):
            raise ValueError("needs CCEXPORT_OIDC_CLIENT_ID and CCEXPORT_OIDC_CLIENT_SECRET beside it")
        return self

    @property
    def proxies(self) -> tuple[str, ...]:
        """Addresses and networks of trusted proxies."""
        return tuple(filter(None, (one.strip() for one in self.trusted_proxies.split(","))))

    @property
    def private_webhooks(self) -> tuple[str, ...]:
        """Hosts to which webhooks may go although they have no public address."""
        return tuple(filter(None, (one.strip().lower() for one in self.webhook_hosts.split(","))))

    @property
    def ledger_address(self) -> str:
        """The SQLAlchemy URL of the ledger."""
        return self.ledger_url or f"sqlite:///{self.data_dir / 'ledger.sqlite'}"

    @property
    def redirect_url(self) -> str:
        """Where the browser returns after consent: the dashboard's own callback by default."""
        return self.cc_redirect_url or f"{self.base_url}/oauth/callback"


def load_settings(**overrides: Any) -> Settings:
    """Return the settings of this process; `overrides` (except None) replace the environment.

    Raises `BadSettings` with one sentence for the first wrong setting.
    """
    given = {k: v for k, v in overrides.items() if v is not None}
    try:
        settings = Settings(**given)
    except UnicodeDecodeError as error:
        raise BadSettings("The file .env is not text in UTF-8; write it anew.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        # A rule about several settings names no single setting: OIDC's is the only such rule.
        name = PREFIX + str(first["loc"][0] if first["loc"] else "oidc_metadata_url").upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise BadSettings(f"The setting {name} (from {_origin(name)}) is wrong: {reason}.") from error
    return settings.model_copy(update={"data_dir": settings.data_dir.absolute()})


def make_data_dir(path: Path) -> None:
    """Make the data directory, for its owner only. Raises `BadSettings` or `StoreTrouble`."""
    try:
        make_folder(path, 0o700)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadSettings(
            f"The data directory {path} (CCEXPORT_DATA_DIR) is a file, or below one; name a folder."
        ) from error
    except OSError as error:
        raise StoreTrouble(
            f"The data directory {path} (CCEXPORT_DATA_DIR) cannot be made: {error.strerror}."
        ) from error


def telemetry_signals() -> frozenset[str]:
    """Return which of `traces` and `metrics` OpenTelemetry's own variables enable. Raises `BadSettings`."""
    given = os.environ.get
    if given("OTEL_SDK_DISABLED", "").lower() == "true":
        return frozenset()
    wanted = set()
    for signal in ("traces", "metrics"):
        own = f"OTEL_EXPORTER_OTLP_{signal.upper()}"
        to = given(f"{own}_ENDPOINT") or given("OTEL_EXPORTER_OTLP_ENDPOINT")
        if not to or given(f"OTEL_{signal.upper()}_EXPORTER", "otlp") == "none":
            continue
        protocol = given(f"{own}_PROTOCOL") or given("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
        if protocol != "http/protobuf":
            raise BadSettings(
                f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}: set it to http/protobuf, or leave it out."
            )
        wanted.add(signal)
    return frozenset(wanted)


def _origin(name: str) -> str:
    """Return where the value came from; pydantic ignores the case of names."""
    if name in {key.upper() for key, value in os.environ.items() if value}:
        return "the environment"
    return ".env" if name in {key.upper() for key in dotenv_values(".env")} else "the command line"


def unknown_names() -> dict[str, str | None]:
    """Return every `CCEXPORT_` name that is given and is no setting, with the setting it is most like, or None."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    given = {key.upper() for key in [*os.environ, *_names_in_dotenv()] if key.upper().startswith(PREFIX)}
    near = {name: get_close_matches(name, known, n=1, cutoff=0.75) for name in sorted(given - set(known))}
    return {name: found[0] if found else None for name, found in near.items()}


def _names_in_dotenv() -> list[str]:
    try:
        return list(dotenv_values(".env"))
    except UnicodeDecodeError:
        return []
