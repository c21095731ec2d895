"""The log as data: what a line says, how it is written, when it is said again, what is never in it.

Law of this room: text in, text out. No logging, no sockets, no files, no clocks; `now` is an argument. What
comes from far away is a value here, never a part of a line's shape.
"""
