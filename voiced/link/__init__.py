"""What keeps a conversation going across sessions and devices, as decisions: pacing, the ladder, renewal,
what is carried over and told again, what the room is told, when a device counts as dead. Pure.

Law of this room: time and chance are arguments; nothing here waits, sends or logs. Where something
wants waking, it says when.
"""
