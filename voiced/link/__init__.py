"""What keeps a conversation going across sessions, as decisions: pacing, the ladder, renewal, what
is carried over. Pure.

Law of this room: time and chance are arguments; nothing here waits, sends or logs. Where something
wants waking, it says when.
"""
