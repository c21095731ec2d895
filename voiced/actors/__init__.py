"""The actors: who hears, speaks, plays, dials, attends to devices, and writes down what happened.

Law of this room: attrs fields are the wiring and `run()` is the life. An actor receives, asks a
pure room what that means, and passes it on; it knows ports and channels, never an edge.
"""
