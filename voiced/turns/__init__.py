"""Turns: who may speak, who is interrupted, and how long anybody waits for it. Pure.

Law of this room: decisions and books about turns, as tables and arithmetic. Nothing here waits, sends,
logs or looks at a clock: what happened is told with its time, and what is to be done comes back.
"""
