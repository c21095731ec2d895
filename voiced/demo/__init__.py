"""The demonstration: a conversation with the embedded server, recorded, measured and drawn.

Law of this room: it uses the daemon as anybody would, by its composition root, ports and notices, and
reaches into no actor. Nothing in the daemon knows of it.
"""
