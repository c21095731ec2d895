"""The same 20 ms three times: in the microphone, behind the canceller, and in the loudspeaker.

Belongs here: the frames, and how loud each is, which many ask for and nobody needs to reckon twice.
"""

from attrs import frozen

from voiced.audio.format import SILENT_FRAME, Frame
from voiced.audio.level import SILENCE_DBFS, dbfs


@frozen
class Instant:
    """One frame of each end; levels in dBFS."""

    near: Frame  # as the microphone gave it
    left: Frame  # of it, by the canceller; `near` itself where there is none
    far: Frame  # what the loudspeaker was given, some 5 to 300 ms before it is heard
    near_dbfs: float
    left_dbfs: float
    far_dbfs: float

    @classmethod
    def of(cls, near: Frame, left: Frame, far: Frame) -> "Instant":
        """Reckon the levels."""
        near_dbfs = dbfs(near)
        left_dbfs = near_dbfs if left is near else dbfs(left)
        far_dbfs = SILENCE_DBFS if far is SILENT_FRAME else dbfs(far)
        return cls(near, left, far, near_dbfs, left_dbfs, far_dbfs)
