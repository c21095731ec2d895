"""When an answer may begin to sound, and when it must wait again.

The jitter buffer is a decision, not a container: frames wait in the playout's channel, this says
how many must be there before the first (or the first after an underrun) is played. It is sized in
milliseconds, never in deltas: a server may send 0.6 s of speech in two deltas or in thirty.
"""

from attrs import frozen

from voiced.audio.format import FRAME_MS


@frozen
class JitterBuffer:
    """Hold *prefill_ms* of sound back, but never the end of an answer, however short it is."""

    prefill_ms: int

    def may_play(self, held_frames: int, *, complete: bool) -> bool:
        """Whether playing may start with *held_frames* here and, perhaps, nothing more to come."""
        return complete or held_frames * FRAME_MS >= self.prefill_ms
