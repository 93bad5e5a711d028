"""Runs: reading the destination, planning, sending, settling, verifying, and the worker that drives them.

Decides when a run moves on. Must never decide what to send: that is the plan's.
"""
