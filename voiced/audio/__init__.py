"""Sound as arithmetic: rates, frames, buffers, positions.

Law of this room: samples in, samples or numbers out. It will not touch devices, threads, tasks,
clocks or settings; whoever needs waking is told when by the value returned.
"""
