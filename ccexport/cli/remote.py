"""The command line as a client of another machine's HTTP interface: the connection, and which commands there are.

A command that is not here is refused in one sentence, before it does anything. Must never send a token unencrypted
beyond this machine, nor print one.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ccexport.errors import BadInput, CcexportError, Conflict, NotFound, NotPermitted, StoreTrouble, WrongUse

SECONDS, UPLOAD_SECONDS = 90.0, 600.0
KINDS: Mapping[int, type[CcexportError]] = {
    400: BadInput,
    401: NotPermitted,
    403: NotPermitted,
    404: NotFound,
    405: WrongUse,
    409: Conflict,
    412: Conflict,
    413: BadInput,
}


@dataclass(frozen=True)
class Remote:
    """An installation elsewhere, and the token to ask it with."""

    url: str
    token: str = field(repr=False)

    def get(self, *path: str, **query: Any) -> Any:
        """Return what is at that path. Raises as the use case would."""
        return self._asked("GET", path, query)

    def post(self, *path: str, body: Any = None, **query: Any) -> Any:
        """Return what the request made."""
        return self._asked("POST", path, query, json.dumps(body or {}).encode())

    def upload(self, file: Path, *path: str, **query: Any) -> Any:
        """Send a file, piece by piece. Raises `BadInput` when it cannot be read."""
        try:
            with file.open("rb") as pieces:
                return self._asked("POST", path, query, pieces, UPLOAD_SECONDS)
        except OSError as error:
            raise BadInput(
                "The file {file} cannot be read: {problem}.", file=file, problem=error.strerror
            ) from error

    def every(self, *path: str, limit: int, **query: Any) -> Iterator[Any]:
        """Yield the items of one page after another, `limit` at most."""
        cursor = ""
        while limit > 0:
            page = self.get(*path, limit=min(limit, 1000), cursor=cursor, **query)
            yield from page["items"]
            limit, cursor = limit - len(page["items"]), page["next"]
            if not cursor:
                return

    def _asked(
        self,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, Any],
        body: Any = None,
        seconds: float = SECONDS,
    ) -> Any:
        from ccexport.outgoing import NoAnswer, ask  # httpx takes a while, which no other command needs

        given = {k: _written(v) for k, v in query.items() if v not in (None, "", (), [])}
        url = "/".join([f"{self.url}/api/v1", *(quote(part, safe="") for part in path)])
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            got = ask(
                method,
                f"{url}?{urlencode(given, doseq=True)}" if given else url,
                body,
                headers,
                seconds=seconds,
            )
        except NoAnswer as error:
            raise StoreTrouble("{url} does not answer: {why}.", url=self.url, why=str(error)) from error
        try:
            told = json.loads(got.body)
        except ValueError:
            told = None
        if got.status >= 400 or told is None:
            raise _error(self.url, got.status, told)
        return told


def _written(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _error(url: str, status: int, told: Any) -> CcexportError:
    """Return the error of a problem, with its sentence and its reference."""
    if not isinstance(told, dict) or not isinstance(told.get("detail"), str):
        return StoreTrouble(
            "{url} is no ccexport, or something stands before it: it answered {status}.",
            url=url,
            status=str(status),
        )
    kind = KINDS.get(status, StoreTrouble)
    return kind(
        "{sentence} (reference {reference})", sentence=told["detail"], reference=told.get("reference", "-")
    )


AT_HAND: ContextVar[Remote | None] = ContextVar("AT_HAND", default=None)  # set anew before every command


def remote_of(url: str | None, token_file: Path | None) -> Remote | None:
    """Return the installation elsewhere that the options name; None without them. Raises `BadInput`."""
    if url is None and token_file is None:
        return None
    if url is None or token_file is None:
        raise BadInput(
            "--remote and --token-file go together: the address, and the file that holds the token."
        )
    parts = urlsplit(url)
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query:
        raise BadInput("--remote {url}: write an address such as https://ccexport.example.com.", url=url)
    if parts.scheme == "http" and not here:
        raise BadInput("--remote {url}: a token is sent by https only; http is for this machine.", url=url)
    try:
        token = token_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("The token file {file} cannot be read as text.", file=token_file) from error
    if not token.startswith("ccx_") or not token.isascii() or len(token.split()) != 1:
        raise BadInput(
            "The token file {file} has to hold one token, which begins with ccx_.", file=token_file
        )
    return Remote(url.rstrip("/"), token)


Work = Callable[..., int | None]


def let_remote(command: Any, there: Mapping[str, Work], path: tuple[str, ...] = ()) -> None:
    """Let every command below ask the installation elsewhere when there is one."""
    for name, inner in getattr(command, "commands", {}).items():
        let_remote(inner, there, (*path, name))
    if hasattr(command, "commands"):
        return
    here = command.callback
    work, words = there.get(" ".join(path)), " ".join(path)

    def either(**given: Any) -> Any:
        remote = AT_HAND.get()
        if remote is None:
            return here(**given) if here else None
        if given.pop("data_dir", None) is not None:
            raise BadInput("--data-dir names data on this machine: leave it out with --remote.")
        if work is None:
            raise BadInput(
                "`ccexport {words}` works only beside the data, not with --remote: run it on that machine.",
                words=words,
            )
        return work(remote, **given)

    command.callback = either
