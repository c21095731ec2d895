"""The Realtime protocol, GA dialect, sans-IO: JSON text in, events out; events in, JSON text out.

Law of this room: what may be said, and when. It will not open sockets, read clocks, start tasks,
log, resample or know settings: whoever calls it hands in plain values and decides what an answer
means. Untyped data exists in `codec.py` and `reading.py` only. To read it, begin with `session.py`.
"""
