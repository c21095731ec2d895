"""Turns: who holds the floor, what became of it, and how long it took.

Law of this room: decisions about turns, and what is known of them, as tables and arithmetic. Pure:
no trio, no logging, no time, no settings; `now` is an argument, and what was decided is returned.
"""
