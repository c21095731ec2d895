"""The edges: each translates one foreign thing (PortAudio, files, sockets, programs) for a port.

Law of this room: dumb. No decision about turns, sessions or retries is taken here. On the audio thread
run `mailbox.py`, `ring.py` and the callbacks in `microphone.py` and `speaker.py`, and nothing else;
what may block (PortAudio, a disk) is called in worker threads.
"""
