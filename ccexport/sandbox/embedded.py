"""Starting the double as a child process, for the product and for tests.

Owns the child's life: it ends when this process does, however that happens. Standard library only.
Must never be needed by the double itself.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

START_SECONDS = 30.0


def _import_path() -> str:
    # The child must find this very package, from whatever folder we were started.
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))


class SandboxTrouble(RuntimeError):
    """The double did not start; the text is what it said."""


class RunningSandbox:
    """A running double. Use as a context manager, or call `stop`."""

    def __init__(
        self,
        store: Path,
        *,
        port: int = 0,
        client_id: str = "demo",
        client_secret: str = "demo-secret",  # noqa: S107 - the double's own, worth nothing
        redirect_urls: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        empty: bool = False,
    ) -> None:
        command = [sys.executable, "-m", "ccexport.sandbox", "--exit-with-parent", "--port", str(port)]
        command += ["--store", str(store), "--client-id", client_id, "--client-secret", client_secret]
        command += ["--config", json.dumps(dict(config or {})), *(["--empty"] if empty else [])]
        for url in redirect_urls:
            command += ["--redirect-url", url]
        # Our end of its standard input is the lifeline: the kernel closes it whenever we end.
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C in a terminal is for us; we then end the child when we no longer need it.
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": _import_path()},
        )
        self.client_id, self.client_secret = client_id, client_secret
        self._said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        self.url = self._address()
        self.api_url = f"{self.url}/v3"
        self.auth_url = f"{self.url}/oauth2/default/v1"
        self.admin_url = f"{self.url}/__sandbox__"

    @property
    def alive(self) -> bool:
        """Whether the child is running."""
        return self._child.poll() is None

    def admin(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One call of the admin API, such as `admin("PATCH", "config", {...})`."""
        data = None if body is None else json.dumps(dict(body)).encode()
        headers = {"Content-Type": "application/json"}
        asked = Request(f"{self.admin_url}/{path}", data, headers, method=method)  # noqa: S310 - loopback
        with urlopen(asked, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read())

    def stop(self) -> None:
        """End the child and wait for it."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._child.stdin.close()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the child without warning, as a crash would."""
        self._child.kill()
        self._child.wait()

    def __enter__(self) -> "RunningSandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _address(self) -> str:
        found: list[str] = []

        def read() -> None:
            assert self._child.stdout is not None  # noqa: S101 - opened above
            found.append(self._child.stdout.readline())

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(START_SECONDS)
        line = found[0].strip() if found else ""
        if not line.startswith("listening on "):
            self.kill()
            raise SandboxTrouble(f"The sandbox did not start: {' '.join(self._said).strip() or 'no answer'}")
        return line.removeprefix("listening on ")

    def _listen(self) -> None:
        # Read what it complains about, so that the pipe never fills up and stops it.
        assert self._child.stderr is not None  # noqa: S101 - opened above
        for line in self._child.stderr:
            self._said[:] = [*self._said[-20:], line.rstrip()]
