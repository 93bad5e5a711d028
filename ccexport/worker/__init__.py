"""The worker: the loop that claims runs, and its chores: schedules, refreshes, notices, tidying, erasing."""
