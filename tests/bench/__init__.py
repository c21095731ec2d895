"""What voiced costs and how fast it is, on PulseAudio null sinks against the embedded server.

Nothing here passes or fails: it measures and says on what machine. Run by scripts/bench.
"""
