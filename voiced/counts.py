"""What was carried and what was lost, by name: one book for the whole life of a daemon.

Channels keep their own tallies; this holds what is lost elsewhere. Actors write, status reads.
"""

import attrs


@attrs.define
class Counts:
    """All numbers only grow."""

    frames_sent: int = 0  # appends that the socket took
    frames_unsent: int = 0  # in hand when a session ended
    frames_withheld: int = 0  # no conversation, no button held, muted, or nobody spoke (gate)
    frames_clipped: int = 0  # driven beyond full scale by [capture] gain_db, and cut off there
    device_restarts: int = 0  # a microphone or loudspeaker that was lost is open again
    device_recalls: int = 0  # one that worked was closed and opened again, to find a better one
    device_hangs: int = 0  # attempts that the sound system did not answer
    mute_devices: int = 0  # times that a microphone gave nothing but zeros and was opened again
    unheard_answers: int = 0  # let go because there was no loudspeaker
    lost_blocks: int = 0  # microphone blocks overwritten before the Trio thread came
    overflows: int = 0  # the microphone's device lost sound by itself: a busy machine
    lost_far_blocks: int = 0  # of what the loudspeaker played, overwritten before the Framer came
    echo_silenced: int = (
        0  # frames made silent: half duplex, or a canceller that looks for its echo
    )
    echo_suspicions: int = 0  # times an answer was made softer: somebody seemed to speak over it
    echo_moves: int = 0  # of the echo, heard through the canceller, which had to look for it anew
    echo_passed: int = 0  # frames that went on as they came: louder than an echo can be
    echo_jumps: int = 0  # of the loudspeaker's time against the microphone's, mended at once
    refusals: int = 0  # `error` events of the service, whatever they were about
    skipped_events: int = 0  # messages of the server that we could not or need not understand
    unposted_events: int = 0  # of ours, for which a stuck link had no room
    late_deltas: int = 0  # sound that came after its playout was cut
    stray_deltas: int = 0  # sound of an item never announced
    odd_bytes: int = 0  # half samples at the end of an item
    long_frames: int = 0  # sound beyond the longest answer that is kept
    long_text_chars: int = 0  # of a transcript, beyond the longest that is kept
    announcements: int = 0  # of our own, heard to the end
    announcements_unheard: int = 0  # outdated before their turn came, or hushed
    earcons: int = 0  # heard to the end
    earcons_unheard: int = 0  # too late, behind others, or over speech
    unmetered: int = 0  # responses and transcriptions that did not say what they took
    lost_texts: int = 0  # given in writing, and neither answered nor said
    underflows: int = 0  # the device was not fed in time, though sound was here: a busy machine
    underruns: int = 0  # the loudspeaker wanted sound in mid-answer and had none
    underrun_samples: int = 0  # wire samples of silence that this made
