"""`python -m ccexport.sandbox`: start the double.

Owns the command line. Must never print a secret, and prints one line only.
"""

import argparse
import errno
import gc
import json
import sys
from pathlib import Path

from ccexport.sandbox import seed
from ccexport.sandbox.app import build
from ccexport.sandbox.config import BadConfig
from ccexport.sandbox.serving import NotLoopback, loopback, serve
from ccexport.sandbox.store import Store


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; 2 for a wrong command line."""
    told = _parser().parse_args(arguments)
    # One body is 40,000 dictionaries; by default the collector would walk them over and over.
    gc.set_threshold(100_000, 20, 50)
    try:
        host = loopback(told.host)
        store = open_store(told)
        how = {"announce": told.announce, "with_parent": told.exit_with_parent, "as_json": told.json}
        serve(build(store), host, told.port, **how)
    except (NotLoopback, BadConfig, json.JSONDecodeError) as wrong:
        print(f"ccexport.sandbox: {wrong}", file=sys.stderr)  # noqa: T201
        return 2
    except OSError as wrong:
        print(f"ccexport.sandbox: {_trouble(wrong, told.port)}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:  # Ctrl-C is how it is stopped; uvicorn has closed everything by now
        return 130
    store.close()
    return 0


def open_store(told: argparse.Namespace) -> Store:
    """The store, seeded at its first start, with the client and configuration of the command line."""
    config = json.loads(told.config)
    store = Store(told.store)
    with store.write() as db:
        seed.plant(db, store.now(db), empty=told.empty)
        seed.client(db, told.client_id, told.client_secret, told.client_name)
        for url in told.redirect_url:
            db.execute("INSERT OR IGNORE INTO redirect_urls VALUES (?, ?)", (told.client_id, url))
    store.configure(config)
    return store


def _trouble(wrong: OSError, port: int) -> str:
    if wrong.errno == errno.EADDRINUSE:
        return f"port {port} is in use: stop what uses it, or choose another with --port."
    return f"cannot start: {wrong}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ccexport.sandbox", description="A local double of Constant Contact's V3 API."
    )
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--store", type=Path, required=True, help="the SQLite file that holds everything")
    parser.add_argument("--client-id", default="demo", help="the application's API key")
    parser.add_argument("--client-secret", default="demo-secret")
    parser.add_argument("--client-name", default="ccexport")
    parser.add_argument("--redirect-url", action="append", default=[], help="may be given several times")
    parser.add_argument("--config", default="{}", help="configuration as JSON; see docs/sandbox.md")
    parser.add_argument("--empty", action="store_true", help="seed an account with one list and nobody in it")
    parser.add_argument(
        "--announce", type=Path, help="write the address to this file instead of standard output"
    )
    parser.add_argument("--json", action="store_true", help="say where it listens as JSON")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
