"""Reads people's files in a separate process with limits of memory and time, so that a file that breaks
a parser breaks nothing else.

`call` runs one of the functions named here in such a process and returns its result, or raises its error. Must
never run a function that a file names, and never leave the process behind.
"""

import atexit
import ctypes
import os
import pickle
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ccexport.errors import BadInput, CcexportError
from ccexport.model.sources import Progress, Tell

_ROOT = Path(__file__).parents[2]
_START = "import sys; sys.path.insert(0, sys.argv[1]); from ccexport.profiles.child import serve; serve()"
_OVERHEAD = 1_500_000_000  # bytes besides DuckDB's own limit: the interpreter, Arrow, a workbook
_SECONDS = {"build": 7_200, "preview": 120}  # of processor time
_IDLE = 120  # seconds without a task after which the server ends
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_LENGTH = struct.Struct(">Q")


class _Server:
    """A process that has imported the parsers and forks one process for each task.

    Importing them takes most of a second. The server ends with this process, or when it has had no task for a while.
    """

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, str(_ROOT), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={k: v for k, v in os.environ.items() if not k.startswith("CCEXPORT_")},
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def fork(self, task: int, answers: int) -> int:
        """Fork a process with these two pipes; return its id. Raises `OSError` when the server is gone."""
        socket.send_fds(self._socket, [b"t"], [task, answers])
        got = self._socket.recv(_LENGTH.size)
        if len(got) < _LENGTH.size:
            raise ConnectionResetError
        return int(_LENGTH.unpack(got)[0])

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


_servers: dict[int, _Server] = {}  # by process: a forked process does not share its parent's server
_lock = threading.Lock()


@atexit.register
def _close() -> None:
    server = _servers.pop(os.getpid(), None)
    if server is not None:
        server.close()


def _forked(task: int, answers: int) -> int:
    with _lock:
        server = _servers.get(os.getpid())
        if server is not None:
            with suppress(OSError):
                return server.fork(task, answers)
            server.close()  # it has ended after a while without a task
        server = _servers[os.getpid()] = _Server()
        return server.fork(task, answers)


def call(function: str, files: list[str], tell: Tell, memory_limit: str, **given: Any) -> Any:
    """Run `build` or `preview` there; `tell` is called in this process. If it raises, the other process is killed."""
    their_task, task = os.pipe()
    answers, their_answers = os.pipe()
    with os.fdopen(task, "wb") as to_it, os.fdopen(answers, "rb") as from_it:
        try:
            process = _forked(their_task, their_answers)
        finally:
            os.close(their_task)
            os.close(their_answers)
        try:
            with suppress(BrokenPipeError):  # the process ended; the code below reports that
                _write(to_it, (str(Path.cwd()), function, memory_limit, given))
            return _answer(from_it, files, tell)
        finally:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _answer(pipe: IO[bytes], files: list[str], tell: Tell) -> Any:
    while (frame := _read(pipe)) is not None:
        kind, value = frame
        if kind == "progress":
            tell(value)
        elif kind == "done":
            return value
        else:
            raise _error(*value)
    raise BadInput(
        "{files} cannot be read: reading needed more memory or time than is allowed, or broke the parser. "
        "Give CSV, or smaller files.",
        files=files,
        log="the reading process ended",
    )


def _write(pipe: IO[bytes], value: Any) -> None:
    body = pickle.dumps(value)
    pipe.write(_LENGTH.pack(len(body)) + body)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    """Return what the other process wrote, or None when it is gone. Pickle is safe: our own code wrote it."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    return pickle.loads(body) if len(body) == length else None  # noqa: S301


def _error(type_: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    error = type_.__new__(type_, *args)
    error.__dict__.update(state)
    return error


def serve() -> None:
    """Run the server: fork a process for each pair of pipes received, until there are no more requests."""
    import ccexport.profiles.ingest
    import ccexport.profiles.preview  # noqa: F401 (imported once, for every process)

    asked = socket.socket(fileno=int(sys.argv[2]))
    asked.settimeout(_IDLE)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no parent waits for the forked processes
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that sends the tasks
    while True:
        try:
            got, pipes, _, _ = socket.recv_fds(asked, 1, 2)
        except TimeoutError:
            return
        if not got:
            return
        server, process = os.getpid(), os.fork()
        if process == 0:
            asked.close()
            _work(server, *pipes)
        for pipe in pipes:
            os.close(pipe)
        asked.sendall(_LENGTH.pack(process))


def _work(server: int, task_pipe: int, answer_pipe: int) -> None:
    """Run one task in its process: read it, report progress, write the result, exit."""
    try:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != server:
            return
        with os.fdopen(answer_pipe, "wb") as answers, os.fdopen(task_pipe, "rb") as tasks:
            folder, function, memory_limit, given = _read(tasks)
            os.chdir(folder)  # the server may have been started elsewhere; files can have relative names
            _limit(memory_limit, _SECONDS[function])
            _write(answers, _outcome(function, memory_limit, given, answers))
    finally:
        os._exit(0)  # also after an error; does not wait for threads of libraries


def _outcome(function: str, memory_limit: str, given: dict[str, Any], answers: IO[bytes]) -> tuple[str, Any]:
    try:
        return "done", _run(function, memory_limit, given, lambda p: _write(answers, ("progress", p)))
    except CcexportError as error:
        return "error", (type(error), error.args, error.__dict__)


def _run(function: str, memory_limit: str, given: dict[str, Any], tell: Callable[[Progress], None]) -> Any:
    # Imported only here: the process that sends the tasks does not need the parsers.
    if function == "preview":
        from ccexport.profiles.preview import preview

        return preview(**given, memory_limit=memory_limit)
    from ccexport.profiles.ingest import build

    return build(**given, memory_limit=memory_limit, tell=tell)


def _limit(memory_limit: str, seconds: int) -> None:
    """Limit this process from now on."""
    size = _bytes(memory_limit) + _OVERHEAD
    for what, most in (
        (resource.RLIMIT_DATA, size),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (wanted, wanted))


def _bytes(size: str) -> int:
    found = re.fullmatch(r"(?i)\s*([\d.]+)\s*([kmgt]?)(i?)b?\s*", size)
    if found is None:
        return 1 << 30
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2].lower() or " "))
