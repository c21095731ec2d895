"""What can happen in a conversation, by name: what timelines are made of and phases follow."""

import enum


class Moment(enum.Enum):
    """What a timeline is made of. A moment's time is when it happened, not when it was told."""

    DIALLING = "dialling"
    READY = "ready"  # the gate is open: session.updated
    RENEWED = "renewed"  # another session has taken over, and nobody should have noticed
    COOLING = "cooling down"
    GAVE_UP = "gave up"
    INACTIVE = "inactive"  # nothing is connected, on purpose: the detail says whose
    WOKEN = "woken"  # a word that is listened for was said: the detail says which
    MUTED = "muted"
    UNMUTED = "unmuted"
    STOPPED = "stopped"
    SPEECH_START = "speech start"  # the server heard speech begin
    SPEECH_END = "speech end"  # the last sound of the user's turn, in audio time
    SPEECH_STOPPED = "speech stopped"  # the server is sure that it ended
    ASKED = "asked"  # the user wrote; like speech that has ended
    COMMITTED = "committed"  # the user's turn is an item of the conversation
    DUCKED = "ducked"  # speech over an answer: softer, until it is clear whether it is meant
    RESTORED = "restored"  # it was not: as loud as before
    DISMISSED = "dismissed"  # what was heard was no turn (a cough, an "uh-huh"): no answer comes
    RESPONSE_CREATED = "response created"
    FIRST_DELTA = "first delta"
    FIRST_SOUND = "first sound"  # audible, not merely handed over
    PLAYED = "played"  # the last sample of an item has been heard
    CUT = "cut"  # an item fell silent before its end
    UNHEARD = "unheard"  # an item was let go: there was no loudspeaker
    DEVICE_LOST = "device lost"  # which one, the detail says
    DEVICE_BACK = "device back"
    BUDGET = "budget"  # it is nearly used up, or wholly, as the detail says
    UNANSWERED = "unanswered"  # a response ended without sound, or none came
