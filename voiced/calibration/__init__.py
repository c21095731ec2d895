"""Calibration: what a room is like, and which settings suit it.

Belongs here: how room, loudspeaker and talker are measured, and what is made of it. Which settings are in
effect, what is written and what is asked of people is the command line's.
"""
