"""The Runs page: the history, one run, and what may follow it."""
