"""What actors say to each other to make things happen. What they say about it is in `notices.py`."""

import attrs
import trio
from attrs import frozen

from voiced.audio.format import Frame
from voiced.channel import Channel


@frozen
class Heard:
    """How much of an item left the loudspeaker, and whether that was all of it."""

    item_id: str
    heard_samples: int  # wire samples, from the item's start
    whole: bool


@attrs.define(eq=False)
class Playout:
    """One item on its way to the loudspeaker; a barge-in is nothing but the end of its scope."""

    item_id: str
    frames: Channel[Frame]
    heard: Channel[Heard]  # the reply address belongs to the session that asked
    scope: trio.CancelScope = attrs.field(init=False, factory=trio.CancelScope)
