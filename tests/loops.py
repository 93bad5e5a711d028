"""Run a coroutine in a test whose process may already have an event loop."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run_async(work: Coroutine[object, None, T]) -> T:
    """Return what `work` returns; it runs in a thread of its own.

    Playwright keeps a loop running in the main thread, and `asyncio.run` refuses to start a second one there.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
