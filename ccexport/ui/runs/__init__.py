"""The Runs page: the history, one run, and actions after it."""
