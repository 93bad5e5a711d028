"""Runs: reading the destination, planning, sending, settling, verifying.

Decides when a run moves on. Must never decide what to send: the plan does.
"""
