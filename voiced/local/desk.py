"""What the parts of one session share.

Law of this file: references and the few facts that several parts read; no behaviour.
"""

import trio
from attrs import define, field

from voiced.local.brain import Brain
from voiced.local.conversation import Conversation
from voiced.local.ears import Ears
from voiced.local.line import Line
from voiced.local.mischief import Mischief
from voiced.local.options import Options
from voiced.local.settings import Settings
from voiced.local.voice import Voice
from voiced.local.wire import new_id


@define(eq=False)
class Desk:
    """One session's table: everybody works on it, in one nursery."""

    options: Options
    line: Line
    settings: Settings
    """Replaced whole by each session.update."""
    conversation: Conversation
    nursery: trio.Nursery
    mischief: Mischief
    ears: Ears
    voice: Voice
    brain: Brain
    conversation_id: str = field(init=False, factory=lambda: new_id("conv"))
    has_answered: bool = field(init=False, default=False)
    """Whether an assistant message was finished before (the first one has a quirk)."""
