"""What we play on our own account: sound that is here from its first sample to its last."""

from voiced.audio.format import Frame
from voiced.audio.framing import FrameSlicer
from voiced.channel import Channel, WhenFull
from voiced.messages import Heard, Kind, Playout


def playout_of(
    sound: bytes,
    kind: Kind,
    name: str,
    heard: Channel[Heard],
    until_s: float = float("inf"),
) -> Playout:
    """*sound* (mono PCM16 at 24 kHz) as a playout; of another kind than answers, the conversation knows
    nothing of it. *heard* is told what becomes of it, and *until_s* as `Playout` says.
    """
    slicer = FrameSlicer()
    frames = [*slicer.feed(sound), *slicer.finish()[0]]
    channel = Channel[Frame](f"{kind.value} frames", max(1, len(frames)), WhenFull.DROP_NEWEST)
    for frame in frames:
        channel.offer(frame)
    channel.close()
    return Playout(f"{kind.value}_{name}", channel, heard, kind, until_s)
