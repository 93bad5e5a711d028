"""The worker: the loop that claims runs; its chores: schedules, refreshes, notices, tidying; and erasing."""
