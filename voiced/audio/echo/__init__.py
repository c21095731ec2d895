"""The loudspeaker in the microphone: what is done about it, frame by frame.

    loudspeaker's blocks -> far_end (drift, stretch) -> one reference for each frame of the microphone
    microphone's frames  -> handling -> (a canceller) -> double_talk (near_speech, leak, beyond_echo) -> on
                                     -> half_duplex (learning: how long a canceller is not trusted) -> on
                                     -> echo_return: how loud, how late, how much is taken away -> the choice

Law of this room: as of `voiced/audio/`, and all it knows of a canceller is its protocol.
"""
