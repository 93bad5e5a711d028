"""Runs: reading the destination, planning, sending, settling, verifying.

Decides when a run moves on. Must never decide what to send: that is the plan's.
"""
