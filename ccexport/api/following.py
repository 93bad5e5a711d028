"""Follows a run: one request waits until it has ended, or waits for somebody, or the time is over.

Must never hold a thread while it waits.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool

from ccexport.api.calls import Asked, Call
from ccexport.api.models import RunDetail
from ccexport.model.words import RunState

LOOK_SECONDS = 0.5


class Follow(Asked):
    wait: int = Field(0, ge=0, le=60, description="Seconds to wait for the end of the run.")


def follow_run(look: Callable[[Call], RunDetail]) -> Callable[[Call], Coroutine[Any, Any, RunDetail]]:
    """Return the operation that looks again until the run stays as it is."""

    async def run(call: Call) -> RunDetail:
        until = time.monotonic() + call.query.wait
        while True:
            found = await run_in_threadpool(look, call)
            over = time.monotonic() >= until or await call.request.is_disconnected()
            if found.ended or found.state is RunState.WAITING or over:
                return found
            await asyncio.sleep(LOOK_SECONDS)

    return run
