"""What an owner may decide about the loudspeaker's sound in the microphone."""

from collections.abc import Iterator

from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config.checks import flag, number, text, whole


@frozen(kw_only=True)
class Echo:
    """How it is kept from being taken for speech."""

    mode: str = field(
        default="auto",
        validator=and_(text(), in_(("auto", "webrtc", "system", "half_duplex", "off"))),
    )
    tail_ms: int = field(default=300, validator=whole(0, 2000))
    duck_db: float = field(default=-20.0, validator=number(-60.0, 0.0))
    noise_suppression: bool = field(default=False, validator=flag())
    automatic_gain: bool = field(default=False, validator=flag())

    def contradictions(self) -> Iterator[str]:
        """Mistakes that no single value makes."""
        for key in ("noise_suppression", "automatic_gain"):
            if getattr(self, key) and self.mode != "webrtc":
                yield f'[echo] {key}: only mode = "webrtc" can do that'
