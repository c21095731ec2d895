"""What an owner decides about the assistant's own voice in the microphone."""

from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config.checks import text, whole


@frozen(kw_only=True)
class Echo:
    """What is done about it, and what is known of the room."""

    mode: str = field(
        default="auto",
        validator=and_(text(), in_(("auto", "webrtc", "system", "half_duplex", "off"))),
    )
    tail_ms: int = field(default=200, validator=whole(0, 2000))
    delay_ms: int = field(default=0, validator=whole(0, 2000))
