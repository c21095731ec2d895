"""The edges: each translates one foreign thing (PortAudio, files, WebSocket) to one port.

Law of this room: dumb. No decision about turns, sessions or retries is taken here, and only
`mailbox.py`, `ring.py` and the callbacks in `microphone.py` and `speaker.py` run off the Trio thread.
"""
