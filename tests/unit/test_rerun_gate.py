"""Turns at the interpreter: one at a time, in order, and nobody waits for long work."""

import threading
from collections.abc import Callable

import pytest

from ccexport.ui.rerun_gate import Turns

PATIENCE = 30.0


def begun(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def waiting(turns: Turns, many: int) -> None:
    """Until so many are in line."""
    while len(turns._line) < many:
        threading.Event().wait(0.001)


def test_turns_come_one_at_a_time_in_the_order_of_asking() -> None:
    turns, done, alone = Turns(longest=PATIENCE), [], threading.Lock()

    def work(name: int) -> None:
        with turns.taken():
            assert alone.acquire(blocking=False)
            done.append(name)
            alone.release()

    with turns.taken():
        threads = []
        for name in range(5):
            threads.append(begun(lambda name=name: work(name)))  # type: ignore[misc]
            waiting(turns, name + 2)
        assert done == []
    for thread in threads:
        thread.join(PATIENCE)

    assert done == [0, 1, 2, 3, 4]


def test_who_takes_long_is_not_waited_for_and_takes_nothing_from_the_next() -> None:
    turns, passed, go_on = Turns(longest=0.01), threading.Event(), threading.Event()

    def short() -> None:
        with turns.taken():
            passed.set()
            go_on.wait(PATIENCE)

    with turns.taken():
        other = begun(short)
        assert passed.wait(PATIENCE)  # while this one still has work to do
    assert len(turns._line) == 1  # its end did not end the other's turn
    go_on.set()
    other.join(PATIENCE)

    assert not turns._line


def test_a_turn_ends_also_when_the_work_breaks() -> None:
    turns = Turns(longest=PATIENCE)
    with pytest.raises(RuntimeError, match="stopped"), turns.taken():
        raise RuntimeError("stopped")

    with turns.taken():
        assert len(turns._line) == 1
