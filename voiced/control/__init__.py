"""The control language: what may be said to the daemon over its socket, by whom, how often, and where.

Here are lines and what they mean, rights and paces. Never a task, a socket, a clock or a setting.
"""
